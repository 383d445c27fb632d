//! What the files of a data set are in: a folder, a zip file, or a tar file, gzipped or not. Told apart by content.
//!
//! Nothing is unpacked to disk, so names are data: one with `..` or a leading `/` is a name that is not looked for. Links are
//! followed in a folder, whose owner made them. In an archive, a link where a file or folder is wanted is an error, since what
//! it stands for would be lost. A name that occurs twice is an error.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufReader, Read, Seek},
    path::{Path, PathBuf},
};

use crate::{
    Error, Result,
    format::{
        bounded::{read_limited, read_up_to},
        compressed::read_plain_or_gzip,
    },
};

mod folder;
pub(crate) mod tar;
#[cfg(test)]
mod tests;
mod zip;

use tar::Member;

/// What an archive may always unpack to.
const SMALL: u64 = 1 << 26;

/// What an archive may unpack to, as a multiple of its length. Pictures hardly shrink and the official archives shrink
/// less than fivefold; a thousandfold is what a file of zeros does.
const LARGEST_RATIO: u64 = 100;

/// Where the files of a data set may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Location {
    /// The data set's name.
    pub(crate) dataset: &'static str,
    /// The official folders: below the given path, or at the top of an archive.
    pub(crate) folders: &'static [&'static str],
    /// The official archives, looked for in a given folder.
    pub(crate) archives: &'static [&'static str],
    /// A file by which the folder is recognised.
    pub(crate) witness: &'static str,
}

/// Files under one roof.
#[derive(Debug)]
pub(crate) struct Container {
    path: PathBuf,
    kind: Kind,
    folders: &'static [&'static str],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    Zip,
    Tar,
}

impl Container {
    /// The archive `given`; or the folder `given` or an official one below it, whichever holds the witness; or else an
    /// official archive in it.
    pub(crate) fn locate(given: &Path, location: &Location) -> Result<Self> {
        if !given.is_dir() {
            return Self::open(given, location.dataset)
                .map(|found| Self { folders: location.folders, ..found });
        }
        let inner = location.folders.iter().map(|name| given.join(name));
        for path in std::iter::once(given.to_path_buf()).chain(inner) {
            if folder::find(&path, location.witness).is_some() {
                return Ok(Self { path, kind: Kind::Folder, folders: &[] });
            }
        }
        let archive = location.archives.iter().map(|name| given.join(name)).find(|path| path.is_file());
        match archive {
            Some(path) => Self::locate(&path, location),
            None => Err(missing(given, location)),
        }
    }

    /// The folder or archive `given`.
    pub(crate) fn open(given: &Path, dataset: &str) -> Result<Self> {
        let kind = if given.is_dir() { Kind::Folder } else { kind_of_file(given, dataset)? };
        Ok(Self { path: given.into(), kind, folders: &[] })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Hands the files with these names, each plain or gzipped with `.gz` added, to `parse` in whatever order they come;
    /// the first `required` of them must be there. Says which were.
    pub(crate) fn read(
        &self,
        files: &[&str],
        required: usize,
        mut parse: impl FnMut(usize, &Path, &mut dyn Read) -> Result<()>,
    ) -> Result<Vec<bool>> {
        let mut found = vec![false; files.len()];
        if self.kind == Kind::Folder {
            for (index, file) in files.iter().enumerate() {
                if let Some(path) = folder::find(&self.path, file) {
                    found[index] = true;
                    read_file(&path, |reader| parse(index, &path, reader))?;
                }
            }
        } else {
            let index_of = |name: &str| {
                files
                    .iter()
                    .position(|&file| file == name || name.strip_suffix(".gz").is_some_and(|n| n == file))
            };
            self.members(&mut |name| index_of(name).is_some(), &mut |name, path, reader| {
                let Some(index) = index_of(name) else { return Ok(()) };
                if std::mem::replace(&mut found[index], true) {
                    return Err(Error::DuplicateMember {
                        path: self.path.clone(),
                        member: files[index].into(),
                    });
                }
                read_plain_or_gzip(reader, path, |reader| {
                    parse(index, path, &mut self.limited(reader, path)?)
                })
            })?;
        }
        match found[..required].iter().position(|&found| !found) {
            None => Ok(found),
            Some(index) => Err(Error::MissingFile {
                folder: self.path.clone(),
                file: files[index].into(),
                looked_for: format!("{0} and {0}.gz{1}", files[index], self.where_it_looked()),
            }),
        }
    }

    /// Asks `want` about every folder, whose name ends in `/`, and every file, and hands each file that it gives a greatest length
    /// to `take`: its name below the official folder, and its bytes. A length given to a folder says that it is missed where
    /// an archive has a link in its place.
    /// Files whose name or folder begins with a dot or `__MACOSX` are what systems leave behind, and passed over.
    pub(crate) fn walk(
        &self,
        mut want: impl FnMut(&str) -> Option<u64>,
        mut take: impl FnMut(&str, Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let mut limit_of = |name: &str| {
            let hidden = |part: &str| part.starts_with('.') || part == "__MACOSX" || part.is_empty();
            let parts = name.strip_suffix('/').unwrap_or(name);
            if parts.split('/').any(hidden) { None } else { want(name) }
        };
        if self.kind == Kind::Folder {
            return folder::walk(&self.path, &mut limit_of, &mut take);
        }
        let limit = std::cell::Cell::new(0);
        self.members(
            &mut |name| {
                let wanted = limit_of(name);
                limit.set(wanted.unwrap_or(0));
                wanted.is_some()
            },
            &mut |name, path, reader| take(name, read_limited(reader, limit.get(), path)?),
        )
    }

    /// Whether the archive or folder has this very file, wherever official folders are.
    pub(crate) fn holds(&self, file: &str) -> bool {
        let mut found = false;
        match self.kind {
            Kind::Folder => self.path.join(file).is_file(),
            // A pass that fails has nothing to add to the error that made someone ask.
            Kind::Zip | Kind::Tar => {
                let look = &mut |name: &str| {
                    found |= name == file;
                    false
                };
                self.members(look, &mut |_, _, _| Ok(())).is_ok() && found
            }
        }
    }

    /// Asks `want` about every member of an archive and hands those wanted to `visit`, right after asking. A member that is
    /// neither file nor folder may stand for either, and is an error if that is wanted.
    fn members(
        &self,
        want: &mut dyn FnMut(&str) -> bool,
        visit: &mut dyn FnMut(&str, &Path, &mut dyn Read) -> Result<()>,
    ) -> Result<()> {
        let path = &self.path;
        let io = |source| Error::Io { path: path.clone(), offset: 0, source };
        let file = File::open(path).map_err(io)?;
        let mut seen = HashSet::new();
        let mut wanted = |name: &str, is_plain: bool| {
            if !is_plain {
                Ok(want(name) || want(&format!("{name}/")))
            } else if !want(name) || name.ends_with('/') {
                Ok(false)
            } else if seen.insert(name.to_owned()) {
                Ok(true)
            } else {
                Err(Error::DuplicateMember { path: path.clone(), member: name.into() })
            }
        };
        if self.kind == Kind::Zip {
            let mut archive = BufReader::with_capacity(1 << 18, file);
            let mut entries = zip::directory(&mut archive, path)?;
            // In file order the disk is read once from front to back.
            entries.sort_by_key(zip::Entry::place);
            let limit = self.allowance()?;
            let mut left = limit;
            for entry in &entries {
                let name = self.inner_name(&entry.name);
                // Members that nobody wants too: a name that was damaged is one of those.
                zip::check_name(&mut archive, entry, path)?;
                if wanted(name, entry.is_plain())? {
                    let member = path.join(&entry.name);
                    if !entry.is_plain() {
                        let what = zip::describe(&mut archive, entry, path, &member)?;
                        let expected = "the file itself, as `zip` packs it without `-y`";
                        return Err(Error::NotAFile { path: member, what, expected });
                    }
                    let too_large = || Error::TooLarge { path: member.clone(), limit, of: FOR_ITS_LENGTH };
                    left = left.checked_sub(entry.size).ok_or_else(too_large)?;
                    zip::read_member(&mut archive, entry, path, &member, |reader| {
                        visit(name, &member, reader)
                    })?;
                }
            }
            return Ok(());
        }
        let outcome = read_plain_or_gzip(file, path, |reader| {
            tar::visit(&mut self.limited(reader, path)?, path, |name, member| {
                let inner = self.inner_name(name);
                match member {
                    Member::Bytes(reader) if wanted(inner, true)? => visit(inner, &path.join(name), reader),
                    Member::Other(what) if wanted(inner, false)? => Err(Error::NotAFile {
                        path: path.join(name),
                        what,
                        expected: "the file itself, as `tar --dereference --hard-dereference` packs it",
                    }),
                    _ => Ok(()),
                }
            })
        });
        as_damage(outcome, "tar file")
    }

    /// A member's name without `./` and without the official folder it is in.
    fn inner_name<'n>(&self, name: &'n str) -> &'n str {
        let name = name.strip_prefix("./").unwrap_or(name);
        let inner = |folder: &&str| name.strip_prefix(*folder).and_then(|rest| rest.strip_prefix('/'));
        self.folders.iter().find_map(inner).unwrap_or(name)
    }

    fn where_it_looked(&self) -> String {
        match self.folders {
            [] => String::new(),
            folders => format!(", at the top and in {}", list(folders)),
        }
    }

    /// The most that an archive is unpacked to.
    fn allowance(&self) -> Result<u64> {
        let io = |source| Error::Io { path: self.path.clone(), offset: 0, source };
        let length = std::fs::metadata(&self.path).map_err(io)?.len();
        Ok(length.saturating_mul(LARGEST_RATIO).max(SMALL))
    }

    fn limited<'r>(&self, inner: &'r mut dyn Read, path: &Path) -> Result<Limited<'r>> {
        let limit = self.allowance()?;
        Ok(Limited { inner, left: limit, error: LimitPassed { path: path.into(), limit } })
    }
}

/// Opens a file in a folder, gzipped or not, and parses it.
fn read_file<T>(path: &Path, parse: impl FnOnce(&mut dyn Read) -> Result<T>) -> Result<T> {
    let file = File::open(path).map_err(|source| Error::Io { path: path.into(), offset: 0, source })?;
    let container = Container { path: path.into(), kind: Kind::Folder, folders: &[] };
    as_too_large(read_plain_or_gzip(file, path, |reader| parse(&mut container.limited(reader, path)?)))
}

fn kind_of_file(given: &Path, dataset: &str) -> Result<Kind> {
    if !given.is_file() {
        return Err(Error::MissingFolder { path: given.into(), dataset: dataset.into() });
    }
    let io = |source| Error::Io { path: given.into(), offset: 0, source };
    let mut file = File::open(given).map_err(io)?;
    let mut magic = [0; 4];
    let zip =
        read_up_to(&mut file, &mut magic, 0, given)? == 4 && (&magic == zip::MEMBER || &magic == zip::END);
    file.rewind().map_err(io)?;
    // What is inside matters, not whether the stream holds on: that is noticed when members are read.
    let mut start = Vec::new();
    let _ = read_plain_or_gzip(file, given, |reader| {
        let _ = reader.take(512).read_to_end(&mut start);
        Ok(())
    });
    match (zip, tar::is_header(&start)) {
        (true, _) => Ok(Kind::Zip),
        (_, true) => Ok(Kind::Tar),
        _ => Err(Error::NotAnArchive { path: given.into(), dataset: dataset.into() }),
    }
}

fn missing(given: &Path, location: &Location) -> Error {
    let witness = location.witness;
    let archives = if location.archives.is_empty() {
        String::new()
    } else {
        format!("; for {} here", list(location.archives))
    };
    Error::MissingFile {
        folder: given.into(),
        file: witness.into(),
        looked_for: format!("{witness} and {witness}.gz, here and in {}{archives}", {
            let folders: Vec<_> = location.folders.iter().map(|name| format!("{name}/")).collect();
            folders.join(" or ")
        }),
    }
}

fn list(names: &[&str]) -> String {
    names.join(" or ")
}

/// A read error that comes from a decoder, not from the operating system, is damage of a file of this kind.
fn as_damage<T>(outcome: Result<T>, kind: &'static str) -> Result<T> {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    as_too_large(outcome).map_err(|error| match error {
        Error::Io { path, offset, source }
            if matches!(source.kind(), InvalidData | InvalidInput | UnexpectedEof) =>
        {
            Error::Damaged { path, kind, offset, reason: source.to_string() }
        }
        other => other,
    })
}

/// A read error that comes from a [`Limited`] reader is no damage of anything.
fn as_too_large<T>(outcome: Result<T>) -> Result<T> {
    outcome.map_err(|error| {
        let Error::Io { source, .. } = &error else { return error };
        match source.get_ref().and_then(|source| source.downcast_ref::<LimitPassed>()) {
            Some(LimitPassed { path, limit }) => {
                Error::TooLarge { path: path.clone(), limit: *limit, of: FOR_ITS_LENGTH }
            }
            None => error,
        }
    })
}

/// What [`Container::allowance`] is for.
const FOR_ITS_LENGTH: &str = "an archive of this length";

/// A reader that refuses to give more than it may.
struct Limited<'r> {
    inner: &'r mut dyn Read,
    left: u64,
    error: LimitPassed,
}

/// The error of a [`Limited`] reader, on its way through whoever reads from it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{path} has, or unpacks to, more than {limit} bytes")]
struct LimitPassed {
    path: PathBuf,
    limit: u64,
}

impl Read for Limited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let found = self.inner.read(buffer)?;
        match self.left.checked_sub(found as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::new(io::ErrorKind::FileTooLarge, self.error.clone())),
        }
        Ok(found)
    }
}
