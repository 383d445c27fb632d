//! A safetensors file that a command reads: every complaint names it.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use layers::weights::{StoredArrays, WeightsError};

use crate::error::{Error, Result};

/// The bytes of a file, and where they are from.
#[derive(Debug)]
pub(super) struct TensorFile {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl TensorFile {
    /// Reads the whole file.
    ///
    /// # Errors
    /// It is not there, is no ordinary file (a device may have no end), or cannot be read.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut file = Self { path: path.to_path_buf(), bytes: Vec::new() };
        let metadata = std::fs::metadata(path).map_err(|e| file.refuse(format!("cannot be read: {e}")))?;
        if !metadata.is_file() {
            return Err(file.refuse("is no ordinary file; want a safetensors file"));
        }
        file.bytes = std::fs::read(path).map_err(|e| file.refuse(format!("cannot be read: {e}")))?;
        Ok(file)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The arrays in it.
    ///
    /// # Errors
    /// It is no whole safetensors file.
    pub(super) fn arrays(&self) -> Result<StoredArrays<'_>> {
        self.named(StoredArrays::parse(&self.bytes))
    }

    /// What was read, or an error with the file's name.
    pub(super) fn named<T>(&self, read: Result<T, WeightsError>) -> Result<T> {
        read.map_err(|e| self.refuse(e))
    }

    /// An error about this file.
    pub(super) fn refuse(&self, problem: impl Display) -> Error {
        Error::File { path: self.path.clone(), problem: problem.to_string() }
    }
}
