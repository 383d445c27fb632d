//! How batches are made.

use crate::{Augmentation, Normalisation, augment::CentreCrop};

/// How batches are made.
#[derive(Debug, Clone, PartialEq)]
pub struct LoaderConfig {
    /// Images of a batch, at least 1.
    pub batch_size: usize,
    /// Keys the shuffling and the augmentation; unused without them.
    pub seed: u64,
    /// Whether each epoch has its own random order; otherwise the order of the files.
    pub shuffle: bool,
    /// What is changed at random, if anything.
    pub augmentation: Option<Augmentation>,
    /// How a picture of another size is brought to that of the images; a resized crop takes its place.
    pub centre_crop: CentreCrop,
    /// Whether a last batch of fewer than `batch_size` images is left out.
    pub drop_last: bool,
    /// Mean and deviation per channel.
    pub normalisation: Normalisation,
}

impl LoaderConfig {
    /// For training: shuffled, every image once per epoch, no augmentation. The last batch may be short: a loss is a
    /// mean, so it is only noisier.
    pub fn training(batch_size: usize, seed: u64, normalisation: Normalisation) -> Self {
        Self { seed, shuffle: true, ..Self::evaluation(batch_size, normalisation) }
    }

    /// For evaluation: every image once, in the order of the files, unchanged.
    pub fn evaluation(batch_size: usize, normalisation: Normalisation) -> Self {
        Self {
            batch_size,
            seed: 0,
            shuffle: false,
            augmentation: None,
            centre_crop: CentreCrop::default(),
            drop_last: false,
            normalisation,
        }
    }
}
