//! Image classification data sets read from their official files, with deterministic batches.
//!
//! In reading order, which is also the order of dependence:
//!
//! 1. [`error`](Error): every way a file or a request can be wrong, with the path, the byte and what is legal;
//! 2. [`images`]: pictures over whatever holds them, and [`dataset`]: with labels, checked once at construction;
//! 3. [`format`](mod@format): one parser per file format, over any [`Read`](std::io::Read), trusting nothing it reads, and pictures
//!    as planes;
//! 4. [`normalisation`]: mean and deviation per channel, computed from the data or published;
//! 5. [`registry`]: the data sets by name, each read from its archive or its folder, knowing what is official;
//!    [`official`] has their published files with lengths and digests, and compares what lies on a disk with them; `download`
//!    (feature `download`, the only code that talks to a network) fetches them;
//! 6. [`packed`]: a data set decoded once to one file, every byte of it checked;
//! 7. [`random`]: numbers keyed by (seed, purpose, epoch, sample), so order never depends on who asks first;
//! 8. [`augment`]: what is changed at random before a network sees a picture, one file each;
//! 9. [`loader`]: batches of normalised `f32`, on demand or ahead of time, the same bits on any number of threads.
//!
//! A *picture* is what lies in a file, of any size; an *image* is what a network sees of it.
//!
//! # Example
//!
//! ```
//! use datasets::{Loader, LoaderConfig, Normalisation};
//!
//! let data = datasets::find("fashion-mnist-5k")?.load(None)?;
//! let normalisation = Normalisation::of(&data.train)?;
//! let loader = Loader::new(data.train.clone(), LoaderConfig::training(128, 7, normalisation))?;
//! let batch = loader.epoch(0).next().expect("5,000 images fill a batch")?;
//! assert_eq!(batch.shape, [128, 1, 28, 28]);
//! assert_eq!(batch.images.len(), 128 * 28 * 28);
//! # Ok::<(), datasets::Error>(())
//! ```
//!
//! # Conventions
//!
//! Images are N, C, H, W. Statistics are on the 0 to 1 scale, over all pixels of the training split. A sample's index
//! is its position in the files, in every epoch and on every machine.
#![forbid(unsafe_code)]

mod error;
pub use error::{Error, Result};

pub mod images;
pub use images::{Images, Picture, PictureSource};

pub mod dataset;
pub use dataset::{Dataset, Split};

mod hold_out;

pub mod format;

pub mod normalisation;
pub use normalisation::{ChannelStatistics, Normalisation, Published, published};

mod container;
mod encoded;
mod sets;

pub mod registry;
pub use registry::{CLASS_ORDERS, ClassOrder, DATASETS, DatasetEntry, LoadChoice, LoadOptions, Source, find};

pub mod official;

#[cfg(feature = "download")]
pub mod download;

pub mod packed;

pub mod random;

pub mod augment;
pub use augment::{Augmentation, Mix, Placement};

pub mod loader;
pub use loader::{Batch, Batches, Loader, LoaderConfig};
