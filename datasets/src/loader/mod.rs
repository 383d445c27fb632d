//! Batches: the order of an epoch, augmentation and normalisation, written straight into one `f32` buffer.
//!
//! Batch k of an epoch is a pure function of (split, configuration, epoch, k). So the number of threads, and whether they make
//! batches ahead of time, changes no bit, and a run resumed in mid-epoch skips to its batch without making the others.

mod background;
mod batches;
mod config;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use rayon::prelude::*;

pub use batches::Batches;
pub use config::LoaderConfig;

use crate::{
    Error, Result, Split,
    augment::{Augmentation, Mix, Pipeline, Scratch, mix},
    random::permutation,
};

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
    /// How the images were mixed, if they were: the loss is `weight` times that of `labels`, plus the rest times that of
    /// `partners`.
    pub mix: Option<Mix>,
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
    recipe: Arc<BatchRecipe>,
}

/// All that a batch is a function of, besides its epoch and number.
#[derive(Debug, Clone)]
struct BatchRecipe {
    split: Split,
    config: LoaderConfig,
    pipeline: Pipeline,
    array: fn(usize) -> Vec<f32>,
}

impl Loader {
    /// Checks the configuration against the split; after this only pictures that are decoded on demand can fail.
    ///
    /// # Errors
    ///
    /// [`Error::LoaderOption`] for a batch size of 0, a configuration that leaves no batch, a normalisation for
    /// another number of channels, or an option of an augmentation that is not legal.
    pub fn new(split: Split, config: LoaderConfig) -> Result<Self> {
        let refuse = |option, found, expected| Err(Error::LoaderOption { option, found, expected });
        let shape = split.images().shape();
        if config.batch_size == 0 {
            return refuse("batch_size", "0".into(), "at least 1".into());
        }
        if config.normalisation.channels() != shape[0] {
            let found = format!("for {} channels", config.normalisation.channels());
            return refuse("normalisation", found, format!("for the {} channels of the images", shape[0]));
        }
        let augmentation = config.augmentation.unwrap_or(Augmentation::NONE);
        let pipeline =
            Pipeline::new(augmentation, config.centre_crop, config.seed, shape, &config.normalisation)?;
        let recipe = BatchRecipe { split, config, pipeline, array: |n| vec![0.0; n] };
        if recipe.batches() == 0 {
            let found = format!("{} with drop_last = {}", recipe.config.batch_size, recipe.config.drop_last);
            let expected = format!("such that {} images make a batch", recipe.split.len());
            return refuse("batch_size", found, expected);
        }
        Ok(Self { recipe: Arc::new(recipe) })
    }

    /// Asks `array` for the memory of each batch: so many numbers, whatever they are, for all are overwritten. Fresh pages
    /// from the system cost as much as the batch itself. With workers, several threads ask at once.
    #[must_use]
    pub fn with_arrays(mut self, array: fn(usize) -> Vec<f32>) -> Self {
        Arc::make_mut(&mut self.recipe).array = array;
        self
    }

    /// The configuration in use.
    pub fn config(&self) -> &LoaderConfig {
        &self.recipe.config
    }

    /// The split in use.
    pub fn split(&self) -> &Split {
        &self.recipe.split
    }

    /// How many batches an epoch has.
    pub fn batches_per_epoch(&self) -> usize {
        self.recipe.batches()
    }

    /// The batches of an epoch, each made when it is asked for, on the threads of the pool of `rayon` that asks. Skipping
    /// (`skip`, `nth`) makes nothing.
    pub fn epoch(&self, epoch: u64) -> Batches {
        Batches::on_demand(self.recipe.clone(), epoch)
    }

    /// The batches of an epoch from number `first_batch` on, made ahead of time by `workers` threads of their own, each a
    /// whole batch at a time. They are the batches of [`epoch`](Self::epoch), bit by bit and in order. With 0 workers they
    /// *are* made by that, on demand.
    ///
    /// **Memory.** At most `ahead` batches are made or being made besides the one that was handed out last: a worker that
    /// is further ahead than that sleeps. Each is 4·N·C·H·W bytes of images. A worker also keeps one decoded picture, and
    /// where pictures are resized or change colour one picture in `f32`. (Behind a skip by `nth`, each worker may be
    /// finishing one batch more that nobody wants.)
    ///
    /// **Errors** travel to their place among the batches, and the batches behind them still come. A panic on a worker
    /// is such an error too ([`Error::Worker`]). Dropping the iterator stops the workers within one image each and
    /// waits for that.
    ///
    /// Work begins with this call, so whoever makes the iterator of the next epoch before it evaluates the last one finds
    /// its first batches ready.
    ///
    /// # Errors
    ///
    /// [`Error::LoaderOption`] for workers with `ahead` 0, and [`Error::Threads`] when they cannot be started.
    pub fn epoch_in_background(
        &self,
        epoch: u64,
        first_batch: usize,
        workers: usize,
        ahead: usize,
    ) -> Result<Batches> {
        Batches::in_background(self.recipe.clone(), epoch, first_batch, workers, ahead)
    }
}

impl BatchRecipe {
    fn batches(&self) -> usize {
        match self.config.drop_last {
            true => self.split.len() / self.config.batch_size,
            false => self.split.len().div_ceil(self.config.batch_size),
        }
    }

    /// The positions of all samples in the order of `epoch`.
    fn order(&self, epoch: u64) -> Vec<usize> {
        let count = self.split.len();
        match self.config.shuffle {
            true => permutation(count, self.config.seed, epoch),
            false => (0..count).collect(),
        }
    }

    /// The part of an epoch's order that is batch `number`.
    fn positions<'a>(&self, order: &'a [usize], number: usize) -> &'a [usize] {
        let start = number * self.config.batch_size;
        &order[start..start.saturating_add(self.config.batch_size).min(order.len())]
    }

    /// Memory for the images of a batch, and the numbers of one.
    fn array(&self, count: usize) -> (Vec<f32>, usize) {
        let size = self.split.images().image_len();
        ((self.array)(count * size), size)
    }

    /// Batch `number` of an epoch in this order, its images shared out over the pool of `rayon`.
    fn batch_by_pool(&self, epoch: u64, order: &[usize], number: usize) -> Result<Batch> {
        let positions = self.positions(order, number);
        let (mut images, size) = self.array(positions.len());
        let write = |scratch: &mut Scratch, (output, &position): (&mut [f32], &usize)| {
            self.write(epoch, position, scratch, output)
        };
        let written = images.par_chunks_exact_mut(size).zip(positions).map_init(Scratch::default, write);
        // The first error in the batch's order, whichever thread was first.
        written.collect::<Vec<_>>().into_iter().collect::<Result<()>>()?;
        Ok(self.finish(epoch, number, positions, images))
    }

    /// Batch `number` of an epoch in this order, on this thread; `None` if `stopped` says so before it is done.
    fn batch_alone(
        &self,
        epoch: u64,
        order: &[usize],
        number: usize,
        scratch: &mut Scratch,
        stopped: &AtomicBool,
    ) -> Option<Result<Batch>> {
        let positions = self.positions(order, number);
        let (mut images, size) = self.array(positions.len());
        for (output, &position) in images.chunks_exact_mut(size).zip(positions) {
            if stopped.load(Ordering::Relaxed) {
                return None;
            }
            if let Err(error) = self.write(epoch, position, scratch, output) {
                return Some(Err(error));
            }
        }
        Some(Ok(self.finish(epoch, number, positions, images)))
    }

    fn write(&self, epoch: u64, position: usize, scratch: &mut Scratch, output: &mut [f32]) -> Result<()> {
        let (decoded, rest) = scratch.parts();
        let picture = self.split.picture(position, decoded)?;
        self.pipeline.write(picture, rest, epoch, self.split.index(position), output)
    }

    /// Adds the labels, and mixes.
    fn finish(&self, epoch: u64, number: usize, positions: &[usize], mut images: Vec<f32>) -> Batch {
        let [channels, height, width] = self.split.images().shape();
        let labels: Vec<usize> = positions.iter().map(|&position| self.split.label(position)).collect();
        let mix = self.pipeline.augmentation().mixup.map(|mixup| {
            let (weight, partners) = mixup.draw(self.config.seed, epoch, number, labels.len());
            mix(&mut images, channels * height * width, weight, &partners);
            Mix { partners: partners.iter().map(|&partner| labels[partner]).collect(), weight }
        });
        Batch {
            images,
            shape: [labels.len(), channels, height, width],
            labels,
            indices: positions.iter().map(|&position| self.split.index(position)).collect(),
            mix,
        }
    }
}
