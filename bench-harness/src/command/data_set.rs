//! Options that several commands share: which data set, and where it lies.

use std::path::PathBuf;

use clap::Args;
use datasets::{Dataset, LoadOptions};

use crate::data;
use crate::error::Result;

/// A data set and where it lies.
#[derive(Debug, Args)]
pub(super) struct DataSetArgs {
    /// The data set; `anact list data` shows them
    name: String,
    /// Its folder, archive or packed file
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// Height and width of the pictures as a network sees them, where files are of several sizes
    #[arg(long, value_name = "PIXELS")]
    image_size: Option<usize>,
}

impl DataSetArgs {
    pub(super) fn load(&self) -> Result<Dataset> {
        let options = LoadOptions { image_size: self.image_size, ..LoadOptions::default() };
        data::load(datasets::find(&self.name)?, self.data.as_deref(), &options)
    }
}
