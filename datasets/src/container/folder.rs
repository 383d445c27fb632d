//! Files in a folder.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use crate::{Error, Result, format::bounded::read_limited};

/// How deep folders lie in each other: a split, a class and its pictures, with one to spare. A link to a folder above
/// would lead round for ever.
const DEEPEST: usize = 5;

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
    visit(folder, "", DEEPEST, want, take)
}

fn visit(
    folder: &Path,
    prefix: &str,
    deeper: usize,
    want: &mut dyn FnMut(&str) -> Option<u64>,
    take: &mut dyn FnMut(&str, Vec<u8>) -> Result<()>,
) -> Result<()> {
    let io = |path: &Path, source| Error::Io { path: path.into(), offset: 0, source };
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
            if deeper > 0 && !name.starts_with('.') {
                want(&format!("{inner}/"));
                visit(&path, &format!("{inner}/"), deeper - 1, want, take)?;
            }
        } else if let Some(limit) = want(&inner) {
            let file = File::open(&path).map_err(|source| io(&path, source))?;
            take(&inner, read_limited(&mut { file }, limit, &path)?)?;
        }
    }
    Ok(())
}
