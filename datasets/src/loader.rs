//! Batches: the order of an epoch, augmentation and normalisation, written straight into one `f32` buffer.
//!
//! Batch k of an epoch is a pure function of (split, configuration, epoch, k). Threads only divide up the images of a
//! batch, so their number changes no bit, and a run resumed in mid-epoch skips to its batch without making the others.

use rayon::prelude::*;

use crate::{Augmentation, Error, Normalisation, Placement, Result, Split, random::permutation};

/// How batches are made.
#[derive(Debug, Clone, PartialEq)]
pub struct LoaderConfig {
    /// Images of a batch, at least 1.
    pub batch_size: usize,
    /// Keys the shuffling and the augmentation; unused without them.
    pub seed: u64,
    /// Whether each epoch has its own random order; otherwise the order of the files.
    pub shuffle: bool,
    /// Crops and mirrorings, if any.
    pub augmentation: Option<Augmentation>,
    /// Whether a last batch of fewer than `batch_size` images is left out.
    pub drop_last: bool,
    /// Mean and deviation per channel.
    pub normalisation: Normalisation,
}

impl LoaderConfig {
    /// For training: shuffled, every image once per epoch, no augmentation. The last batch may be short: a loss is a
    /// mean, so it is only noisier.
    pub fn training(batch_size: usize, seed: u64, normalisation: Normalisation) -> Self {
        Self { batch_size, seed, shuffle: true, augmentation: None, drop_last: false, normalisation }
    }

    /// For evaluation: every image once, in the order of the files, unchanged.
    pub fn evaluation(batch_size: usize, normalisation: Normalisation) -> Self {
        Self { batch_size, seed: 0, shuffle: false, augmentation: None, drop_last: false, normalisation }
    }
}

/// Some images ready for a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Normalised pixels: N, C, H, W.
    pub images: Vec<f32>,
    /// N, C, H, W.
    pub shape: [usize; 4],
    /// The class of each image.
    pub labels: Vec<usize>,
    /// The place of each image in the files.
    pub indices: Vec<usize>,
}

impl Batch {
    /// How many images it has.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether it has none; a loader makes no such batch.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// Makes the batches of a split, epoch by epoch.
#[derive(Debug)]
pub struct Loader {
    split: Split,
    config: LoaderConfig,
    tables: Vec<[f32; 256]>,
    array: fn(usize) -> Vec<f32>,
}

impl Loader {
    /// Checks the configuration against the split; after this only pictures that are decoded on demand can fail.
    ///
    /// # Errors
    ///
    /// [`Error::LoaderOption`] for a batch size of 0, a configuration that leaves no batch, a normalisation for
    /// another number of channels, or padding that could push the whole image out of sight.
    pub fn new(split: Split, config: LoaderConfig) -> Result<Self> {
        let refuse = |option, found, expected| Err(Error::LoaderOption { option, found, expected });
        let [channels, height, width] = split.images().shape();
        if config.batch_size == 0 {
            return refuse("batch_size", "0".into(), "at least 1".into());
        }
        if config.normalisation.channels() != channels {
            let found = format!("for {} channels", config.normalisation.channels());
            return refuse("normalisation", found, format!("for the {channels} channels of the images"));
        }
        if let Some(Augmentation { pad, .. }) = config.augmentation
            && pad >= height.min(width)
        {
            let expected = format!("less than the {height}x{width} image's shorter side");
            return refuse("augmentation.pad", pad.to_string(), expected);
        }
        let tables = config.normalisation.tables();
        let loader = Self { split, config, tables, array: |n| vec![0.0; n] };
        if loader.batches_per_epoch() == 0 {
            let found = format!("{} with drop_last = {}", loader.config.batch_size, loader.config.drop_last);
            let expected = format!("such that {} images make a batch", loader.split.len());
            return refuse("batch_size", found, expected);
        }
        Ok(loader)
    }

    /// Asks `array` for the memory of each batch: so many numbers, whatever they are, for all are overwritten. Fresh pages
    /// from the system cost as much as the batch itself.
    #[must_use]
    pub fn with_arrays(self, array: fn(usize) -> Vec<f32>) -> Self {
        Self { array, ..self }
    }

    /// The configuration in use.
    pub fn config(&self) -> &LoaderConfig {
        &self.config
    }

    /// The split in use.
    pub fn split(&self) -> &Split {
        &self.split
    }

    /// How many batches an epoch has.
    pub fn batches_per_epoch(&self) -> usize {
        match self.config.drop_last {
            true => self.split.len() / self.config.batch_size,
            false => self.split.len().div_ceil(self.config.batch_size),
        }
    }

    /// The batches of an epoch, made as they are asked for. Skipping (`skip`, `nth`) makes nothing.
    pub fn epoch(&self, epoch: u64) -> Batches<'_> {
        let count = self.split.len();
        let order = match self.config.shuffle {
            true => permutation(count, self.config.seed, epoch),
            false => (0..count).collect(),
        };
        Batches { loader: self, epoch, order, next: 0 }
    }

    /// The batch of the samples at these positions, augmented as in `epoch`.
    fn batch(&self, epoch: u64, positions: &[usize]) -> Result<Batch> {
        let [channels, height, width] = self.split.images().shape();
        let size = self.split.images().image_len();
        let mut images = (self.array)(positions.len() * size);
        let write = |scratch: &mut Vec<u8>, (output, &position): (&mut [f32], &usize)| {
            let index = self.split.index(position);
            let placement = match self.config.augmentation {
                Some(augmentation) => augmentation.draw(self.config.seed, epoch, index),
                None => Placement::IDENTITY,
            };
            let picture = self.split.picture(position, scratch)?;
            if picture.shape() != self.split.images().shape() {
                let (found, expected) = (picture.shape(), self.split.images().shape());
                return Err(Error::Inconsistent {
                    what: "batch",
                    found: format!("image {index} of C, H, W = {found:?}"),
                    expected: format!("{expected:?}"),
                });
            }
            let planes = picture.pixels.chunks_exact(height * width);
            let outputs = output.chunks_exact_mut(height * width);
            for ((plane, output), table) in planes.zip(outputs).zip(&self.tables) {
                placement.write_plane(plane, width, table, output);
            }
            Ok(())
        };
        images.par_chunks_exact_mut(size).zip(positions).try_for_each_init(Vec::new, write)?;
        Ok(Batch {
            images,
            shape: [positions.len(), channels, height, width],
            labels: positions.iter().map(|&position| self.split.label(position)).collect(),
            indices: positions.iter().map(|&position| self.split.index(position)).collect(),
        })
    }
}

/// The batches of one epoch.
#[derive(Debug)]
pub struct Batches<'a> {
    loader: &'a Loader,
    epoch: u64,
    order: Vec<usize>,
    next: usize,
}

impl Iterator for Batches<'_> {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Result<Batch>> {
        if self.next >= self.loader.batches_per_epoch() {
            return None;
        }
        let size = self.loader.config.batch_size;
        let start = self.next * size;
        self.next += 1;
        let end = start.saturating_add(size).min(self.order.len());
        Some(self.loader.batch(self.epoch, &self.order[start..end]))
    }

    fn nth(&mut self, count: usize) -> Option<Result<Batch>> {
        self.next = self.next.saturating_add(count);
        self.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.loader.batches_per_epoch().saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batches<'_> {}
