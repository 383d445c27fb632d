//! The files that data sets are published as: where they are, how long they are, and what their digests are; and whether
//! files at hand are these files ([`verify`]).
//!
//! A digest is worth more than an address: mirrors repack archives and re-encode pictures without saying so. Where digests
//! of the files inside an archive are published, these decide, since they do not depend on how an archive was packed.
//! Each file of the table names where its digests come from.

mod digest;
mod table;
mod verify;

pub use digest::{Digest, Fingerprint, digest, hexadecimal};
pub use table::OFFICIAL;
pub use verify::{Finding, Report, Verdict, verify};

use crate::{Error, Result, registry};

/// The official files of one data set.
#[derive(Debug, Clone, Copy)]
pub struct Official {
    /// The data set's name in the registry.
    pub dataset: &'static str,
    /// Other names in the registry that are read from the same files.
    pub also: &'static [&'static str],
    /// Folders that its files are usually unpacked into, below the one that was given.
    pub folders: &'static [&'static str],
    /// Addresses that the name of an archive is added to, best first.
    pub mirrors: &'static [&'static str],
    /// What is downloaded; every one of them is needed.
    pub archives: &'static [Archive],
    /// How many pictures the unpacked folders hold, for sets of single pictures.
    pub pictures: &'static [Count],
    /// The text files beside these pictures.
    pub texts: &'static [Text],
}

impl Official {
    /// Where an archive is, best first.
    pub fn urls(&self, archive: &Archive) -> Vec<String> {
        self.mirrors.iter().map(|mirror| format!("{mirror}{}", archive.name)).collect()
    }
}

/// One file as it is downloaded.
#[derive(Debug, Clone, Copy)]
pub struct Archive {
    /// Its file name.
    pub name: &'static str,
    /// What it must be.
    pub fingerprint: Fingerprint,
    /// How it is packed.
    pub packing: Packing,
    /// The data files in it, as far as anything is published about them.
    pub members: &'static [Member],
}

/// How an archive is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// One compressed file.
    Gzip,
    /// A compressed tar archive.
    TarGzip,
    /// A zip archive.
    Zip,
}

/// One file inside an archive.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// Its file name without folders.
    pub name: &'static str,
    /// What it must be.
    pub fingerprint: Fingerprint,
    /// Bytes of one record, for files that are nothing but records.
    pub record: Option<u64>,
}

/// How many pictures a folder holds, its sub-folders included.
#[derive(Debug, Clone, Copy)]
pub struct Count {
    /// The folder, below that of the data set.
    pub folder: &'static str,
    /// Files whose name ends in `.JPEG`.
    pub pictures: usize,
    /// Whether training and evaluation need them.
    pub required: bool,
}

/// A text file beside the pictures, without which they have no classes.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// Its name, below the folder of the data set.
    pub file: &'static str,
    /// How many lines it has, where that follows from what is published of the data set.
    pub lines: Option<usize>,
    /// Whether training and evaluation need it.
    pub required: bool,
}

/// The official files of the data set called `name`.
///
/// # Errors
///
/// [`Error::UnknownDataset`] if there is no such data set, with the names that resemble it; [`Error::Inconsistent`] if it has
/// no files.
pub fn find(name: &str) -> Result<&'static Official> {
    let has_name = |official: &&Official| official.dataset == name || official.also.contains(&name);
    if let Some(official) = OFFICIAL.iter().find(has_name) {
        return Ok(official);
    }
    let entry = registry::find(name)?;
    let known: Vec<_> = OFFICIAL.iter().map(|official| official.dataset).collect();
    Err(Error::Inconsistent {
        what: "official files",
        found: format!("`{}`, of which none are published", entry.name),
        expected: format!("one of {}", known.join(", ")),
    })
}
