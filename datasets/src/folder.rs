//! The folder a data set is read from: finding it, and finding and opening the files in it.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use crate::{Error, Result, format::compressed::read_plain_or_gzip};

/// A file of class names is a few kilobytes; more than this is some other file.
const TEXT_LIMIT: u64 = 1 << 16;

/// A folder that holds the files of one data set.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder `given` itself, or the first of `inner` below it, whichever holds the file `witness`.
    pub(crate) fn locate(given: &Path, inner: &[&str], witness: &str, dataset: &str) -> Result<Self> {
        if !given.is_dir() {
            return Err(Error::MissingFolder { path: given.into(), dataset: dataset.into() });
        }
        let candidates =
            std::iter::once(given.to_path_buf()).chain(inner.iter().map(|name| given.join(name)));
        for path in candidates {
            let folder = Self { path };
            if folder.find(witness).is_some() {
                return Ok(folder);
            }
        }
        let places: Vec<_> = inner.iter().map(|name| format!("{name}/")).collect();
        Err(Error::MissingFile {
            folder: given.into(),
            file: witness.into(),
            looked_for: format!("{witness} and {witness}.gz, here and in {}", places.join(" or ")),
        })
    }

    /// Where the folder is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file that must be there, under its own name or with `.gz` added.
    pub(crate) fn require(&self, file: &str) -> Result<PathBuf> {
        self.find(file).ok_or_else(|| Error::MissingFile {
            folder: self.path.clone(),
            file: file.into(),
            looked_for: format!("{file} and {file}.gz"),
        })
    }

    /// The non-empty lines of a text file that may be absent.
    pub(crate) fn lines(&self, file: &str) -> Result<Option<Vec<String>>> {
        let Some(path) = self.find(file) else { return Ok(None) };
        let text = read_file(&path, |reader| {
            let mut text = String::new();
            reader.take(TEXT_LIMIT).read_to_string(&mut text).map_err(|source| Error::Io {
                path: path.clone(),
                offset: 0,
                source,
            })?;
            Ok(text)
        })?;
        Ok(Some(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect()))
    }

    fn find(&self, file: &str) -> Option<PathBuf> {
        [file.to_owned(), format!("{file}.gz")]
            .into_iter()
            .map(|name| self.path.join(name))
            .find(|path| path.is_file())
    }
}

/// Opens a file, gzipped or not, and parses it.
pub(crate) fn read_file<T>(path: &Path, parse: impl FnOnce(&mut dyn Read) -> Result<T>) -> Result<T> {
    let file = File::open(path).map_err(|source| Error::Io { path: path.into(), offset: 0, source })?;
    read_plain_or_gzip(file, path, parse)
}
