//! Opening data sets: files and folders as they are, packed files mapped into memory.

use std::path::Path;
use std::sync::Arc;

use autograd::kernels::mapped::MappedFile;
use datasets::packed::{self, Bytes};
use datasets::{Dataset, DatasetEntry, LoadOptions};

use crate::error::{Error, Result};
use crate::run::Settings;

/// The data set that a run's settings name, cut to the number of images they ask for.
///
/// # Errors
/// An unknown name, or as [`load`].
pub fn load_data(settings: &Settings) -> Result<Dataset> {
    let options = LoadOptions { image_size: settings.image_size, class_order: settings.class_order };
    let data = load(datasets::find(&settings.dataset)?, settings.data.as_deref(), &options)?;
    Ok(match (settings.train_images, settings.test_images) {
        (None, None) => data,
        (train, test) => data.head(train.unwrap_or(data.train.len()), test.unwrap_or(data.test.len())),
    })
}

/// The data set of `entry` from `path`: a folder, an archive, or what `anact data pack` made, which is mapped instead of read.
///
/// # Errors
/// A path that is needed and absent, or given and not needed, or not in UTF-8; files that are damaged; options that the data set
/// does not have.
pub fn load(entry: &DatasetEntry, path: Option<&Path>, options: &LoadOptions) -> Result<Dataset> {
    let Some(path) = path else { return Ok(entry.load_with(None, options)?) };
    let refuse =
        |legal: String| Err(Error::Setting { setting: "--data", value: path.display().to_string(), legal });
    if !entry.needs_folder() {
        return refuse(format!(
            "no folder for {}, whose images are built in; name the data set that lies there",
            entry.name
        ));
    }
    if path.to_str().is_none() {
        return refuse("a path in UTF-8, for runs write it down".into());
    }
    match packed::is_packed(path) {
        true => Ok(entry.load_packed(&map(path)?, path, options)?),
        false => Ok(entry.load_with(Some(path), options)?),
    }
}

/// The bytes of a file, mapped where the system can. Nothing may shorten the file from now on, see [`MappedFile`].
///
/// # Errors
/// A file that cannot be opened.
pub fn map(path: &Path) -> Result<Bytes> {
    let file = MappedFile::open(path)
        .map_err(|e| Error::File { path: path.into(), problem: format!("cannot be opened: {e}") })?;
    Ok(Arc::new(file))
}
