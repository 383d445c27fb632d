//! What can go wrong with a run's files, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// A `Result` with [`RecordError`].
pub type Result<T, E = RecordError> = std::result::Result<T, E>;

/// A failure to keep or read a record. Every variant names the file or the value it is about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The folder already holds the record of another run.
    #[error(
        "{} already exists: choose another folder for this run, or move or delete that one",
        record.display()
    )]
    RunExists {
        /// The record found there.
        record: PathBuf,
    },
    /// There is no record in the folder.
    #[error(
        "{} does not exist: give the folder of a run, the one that holds its record.jsonl",
        record.display()
    )]
    NoRun {
        /// The record looked for.
        record: PathBuf,
    },
    /// Another process works in the folder.
    #[error("{} is in use by another process: wait for it, or stop it", folder.display())]
    InUse {
        /// The run's folder.
        folder: PathBuf,
    },
    /// A file-system call failed.
    #[error("cannot {action} {}: {source}{}", path.display(), advice(action, source))]
    Io {
        /// What was tried: "create", "write", ...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A value could not become a line of the record.
    #[error(
        "a {kind:?} record must be a struct or map whose field \"kind\", if any, is {kind:?}: {reason} \
         (for {})", path.display()
    )]
    BadRecord {
        /// The record file.
        path: PathBuf,
        /// The kind asked for.
        kind: String,
        /// What was found instead.
        reason: String,
    },
    /// A complete line of a record is no JSON object.
    #[error("{}, line {line}: expected one JSON object with a \"kind\", found: {reason}", path.display())]
    BadLine {
        /// The record file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What the parser says.
        reason: String,
    },
    /// A table row has too few or too many cells.
    #[error("row {row} of the table has {found} cells, expected {expected}: one for each of {columns:?}")]
    RowWidth {
        /// Row number, from 1, the header not counted.
        row: usize,
        /// Cells given.
        found: usize,
        /// Cells wanted.
        expected: usize,
        /// The header.
        columns: Vec<String>,
    },
}

impl RecordError {
    /// For `map_err`: attaches what was tried and on which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}

/// The next step for the failures a user can mend.
fn advice(action: &str, source: &io::Error) -> &'static str {
    match source.kind() {
        // What is about to be made can only miss the folder that it belongs into.
        io::ErrorKind::NotFound if action.starts_with("create") || action.starts_with("rename") => {
            "; its folder is not there, or not any more"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; choose a folder you may write to"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "; a file stands where a folder is needed, choose another path"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; make room and run again",
        _ => "",
    }
}
