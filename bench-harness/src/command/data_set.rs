//! Options that several commands share: which data set, and where it lies.

use std::path::PathBuf;

use clap::Args;
use datasets::{CLASS_ORDERS, Dataset, LoadOptions};

use crate::data::{self, load_data};
use crate::error::Result;
use crate::run::{Settings, one_of};

/// The data set that `settings` name; what a reader of results must know of it goes to the terminal.
///
/// # Errors
/// An unknown name, or files that are missing or damaged.
pub(super) fn load_noted(settings: &Settings) -> Result<Dataset> {
    let data = load_data(settings)?;
    data.remarks.iter().for_each(|remark| eprintln!("note: {remark}"));
    Ok(data)
}

/// A data set and where it lies.
#[derive(Debug, Args)]
pub(super) struct DataSetOptions {
    /// The data set; `anact list datasets` shows them
    name: String,
    /// The data set's folder, archive or packed file, or the folder that one of them lies in
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// Height and width of the pictures as a network sees them, where files are of several sizes
    #[arg(long, value_name = "PIXELS")]
    image_size: Option<usize>,
    /// How classes are numbered: sorted by name, or as in the data set's own file
    #[arg(long, default_value = "sorted")]
    class_order: String,
}

impl DataSetOptions {
    pub(super) fn load(&self) -> Result<Dataset> {
        let class_order = one_of(&self.class_order, "--class-order", CLASS_ORDERS)?;
        let options = LoadOptions { image_size: self.image_size, class_order };
        data::load(datasets::find(&self.name)?, self.data.as_deref(), &options)
    }
}
