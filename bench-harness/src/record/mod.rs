//! What a run leaves behind: one folder with its record, tables and files.
//!
//! `record.jsonl` grows line by line while the run goes on and is flushed after each, so a run that is killed
//! leaves every line it had reached. Everything else is written whole or not at all by [`write_atomic`].
//!
//! A record that exists is never overwritten: [`RunFolder::create`] refuses the folder.

mod csv;
mod csv_file;
mod date;
mod error;
mod folder;
mod versions;
mod writer;

pub use csv::{Cell, Csv, exact};
pub use csv_file::CsvFile;
pub use date::{rfc3339, utc_now};
pub use error::{RecordError, Result};
pub(crate) use folder::sync_folder;
pub use folder::{Claim, RunFolder, default_folder, is_same_file, write_atomic, write_atomic_with};
pub use versions::{Versions, versions};
pub use writer::{RecordWriter, read_records};
