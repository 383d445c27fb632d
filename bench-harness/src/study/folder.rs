//! The folder that a study leaves.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;

use crate::error::Result;
use crate::plot::Chart;
use crate::record::{Csv, RecordWriter, RunFolder, default_folder, versions};

/// A run folder with its record open.
#[derive(Debug)]
pub struct StudyFolder {
    folder: RunFolder,
    record: RecordWriter,
}

impl StudyFolder {
    /// Makes the folder `output`, or `runs/TIME-NAME`, and writes what the study is about to do.
    ///
    /// # Errors
    /// A folder that holds a run already, or cannot be written.
    pub fn create(output: Option<PathBuf>, name: &str, study: &impl Serialize) -> Result<Self> {
        let folder = RunFolder::create(output.unwrap_or_else(|| default_folder(name)))?;
        let mut record = folder.records()?;
        let versions = versions(rayon::current_num_threads());
        record.write("config", &json!({ "name": name, "study": study, "versions": versions }))?;
        Ok(Self { folder, record })
    }

    /// The folder.
    pub fn run(&self) -> &RunFolder {
        &self.folder
    }

    /// Does `work`, and if it fails says so in the record: without that line a study that ended early would look like
    /// one that goes on.
    ///
    /// # Errors
    /// Those of `work`, and a full disk.
    pub fn during<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let outcome = work(self);
        if let Err(error) = &outcome {
            // If the record itself cannot be written, the first error says so already.
            let _ = self.record.write("stopped", &json!({ "reason": error.to_string() }));
        }
        self.record.sync()?;
        outcome
    }

    /// Appends a line to the record.
    ///
    /// # Errors
    /// A full disk.
    pub fn write(&mut self, kind: &str, body: &impl Serialize) -> Result<()> {
        Ok(self.record.write(kind, body)?)
    }

    /// Writes a table.
    ///
    /// # Errors
    /// A full disk.
    pub fn csv(&self, name: &str, table: &Csv) -> Result<()> {
        Ok(self.folder.write_csv(name, table)?)
    }

    /// Writes a picture.
    ///
    /// # Errors
    /// A full disk.
    pub fn chart(&self, name: &str, chart: &Chart) -> Result<()> {
        Ok(self.folder.write(name, chart.to_svg())?)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}
