//! Files in a folder.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use crate::{Error, Result, format::bounded::read_limited};

/// How deep folders may lie in each other: deeper than anybody puts pictures.
const DEEPEST: usize = 32;

/// The path of a file under its own name or with `.gz` added.
pub(super) fn find(folder: &Path, file: &str) -> Option<PathBuf> {
    [file.to_owned(), format!("{file}.gz")]
        .into_iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

/// Hands every file below `folder` that `want` gives a greatest length to `take`: name and bytes, sorted by name.
pub(super) fn walk(
    folder: &Path,
    want: &mut dyn FnMut(&str) -> Option<u64>,
    take: &mut dyn FnMut(&str, Vec<u8>) -> Result<()>,
) -> Result<()> {
    visit(folder, "", &mut Vec::new(), want, take)
}

fn visit(
    folder: &Path,
    prefix: &str,
    above: &mut Vec<PathBuf>,
    want: &mut dyn FnMut(&str) -> Option<u64>,
    take: &mut dyn FnMut(&str, Vec<u8>) -> Result<()>,
) -> Result<()> {
    let io = |path: &Path, source| Error::Io { path: path.into(), offset: 0, source };
    let real = fs::canonicalize(folder).map_err(|source| io(folder, source))?;
    if above.contains(&real) || above.len() == DEEPEST {
        let why = if above.contains(&real) { "a link to a folder above itself" } else { "32 folders deep" };
        let (found, expected) =
            (format!("{}, {why}", folder.display()), "pictures a few folders deep".into());
        return Err(Error::Inconsistent { what: "folder", found, expected });
    }
    above.push(real);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(|source| io(folder, source))? {
        let name = entry.map_err(|source| io(folder, source))?.file_name();
        let name = name.into_string().map_err(|name| Error::Inconsistent {
            what: "folder",
            found: format!("{}", folder.join(&name).display()),
            expected: "names in UTF-8".into(),
        })?;
        names.push(name);
    }
    names.sort_unstable();
    for name in names {
        let path = folder.join(&name);
        let inner = format!("{prefix}{name}");
        if path.is_dir() {
            if !name.starts_with('.') {
                want(&format!("{inner}/"));
                visit(&path, &format!("{inner}/"), above, want, take)?;
            }
        } else if let Some(limit) = want(&inner) {
            let about = fs::metadata(&path).map_err(|source| io(&path, source))?;
            if !about.is_file() {
                // Opening a pipe would wait for whoever writes to it.
                let (what, expected) = ("a device or pipe".into(), "files and folders alone");
                return Err(Error::NotAFile { path, what, expected });
            }
            let file = File::open(&path).map_err(|source| io(&path, source))?;
            take(&inner, read_limited(&mut { file }, limit, &path)?)?;
        }
    }
    above.pop();
    Ok(())
}
