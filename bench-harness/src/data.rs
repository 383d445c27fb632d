//! Opening data sets: files and folders as they are, packed files mapped into memory.

use std::path::Path;
use std::sync::Arc;

use autograd::kernels::mapped::MappedFile;
use datasets::packed::{self, Bytes};
use datasets::{Dataset, Entry, LoadOptions};

use crate::error::{Error, Result};

/// The data set of `entry` from `path`: a folder, an archive, or what `anact data pack` made, which is mapped instead of read.
///
/// # Errors
/// A path that is needed and absent; files that are damaged; options that the data set does not have.
pub fn load(entry: &Entry, path: Option<&Path>, options: &LoadOptions) -> Result<Dataset> {
    match path.filter(|path| entry.needs_folder() && packed::is_packed(path)) {
        Some(path) => Ok(entry.load_packed(&map(path)?, path, options)?),
        None => Ok(entry.load_with(path, options)?),
    }
}

/// The bytes of a file, mapped where the system can. Nobody may write to it or shorten it from now on, see [`MappedFile`].
///
/// # Errors
/// A file that cannot be opened.
pub fn map(path: &Path) -> Result<Bytes> {
    let file = MappedFile::open(path)
        .map_err(|e| Error::File { path: path.into(), problem: format!("cannot be opened: {e}") })?;
    Ok(Arc::new(file))
}
