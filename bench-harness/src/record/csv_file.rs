//! A CSV file that grows.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Csv, RecordError, Result, write_atomic};

/// A table on the disk to which rows are added; every row is there whole before the next one.
#[derive(Debug)]
pub struct CsvFile {
    file: File,
    path: PathBuf,
}

impl CsvFile {
    /// Begins with `text`, head line and rows, in place of what the file held before.
    ///
    /// # Errors
    /// [`RecordError::Io`]; the old file, if any, is then untouched.
    pub fn begin(path: &Path, text: &str) -> Result<Self> {
        write_atomic(path, text)?;
        let file = OpenOptions::new().append(true).open(path).map_err(RecordError::io("open", path))?;
        Ok(Self { file, path: path.to_path_buf() })
    }

    /// Adds the rows of a table with the same columns.
    ///
    /// # Errors
    /// [`RecordError::Io`]; then none of them is there.
    pub fn append(&mut self, rows: &Csv) -> Result<()> {
        let failed = |error| RecordError::io("write", &self.path)(error);
        let end = self.file.metadata().map_err(failed)?.len();
        let written = self.file.write_all(rows.rows_text().as_bytes());
        if written.is_err() {
            // A full disk leaves half a row. The first error is the one to report.
            let _ = self.file.set_len(end);
        }
        written.map_err(failed)
    }

    /// Waits until every row so far is on the disk.
    ///
    /// # Errors
    /// [`RecordError::Io`].
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(RecordError::io("flush", &self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_follow_what_was_there() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("t.csv");
        std::fs::write(&path, "old").unwrap();
        let mut table = Csv::new(["a", "b"]);
        let mut file = CsvFile::begin(&path, &table.to_string()).unwrap();
        table.row([1_u64.into(), "x,y".into()]).unwrap();
        file.append(&table).unwrap();
        file.append(&table).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a,b\n1,\"x,y\"\n1,\"x,y\"\n");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let root = tempfile::tempdir().unwrap();
        let text = CsvFile::begin(&root.path().join("no/t.csv"), "").unwrap_err().to_string();
        assert!(text.contains("no/t.csv"), "{text}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_an_error() {
        let path = PathBuf::from("/dev/full");
        let mut file = CsvFile { file: OpenOptions::new().append(true).open(&path).unwrap(), path };
        let mut row = Csv::new(["a"]);
        row.row([1_u64.into()]).unwrap();
        let text = file.append(&row).unwrap_err().to_string();
        assert!(text.contains("/dev/full") && text.contains("make room"), "{text}");
    }
}
