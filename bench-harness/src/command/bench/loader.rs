//! `anact bench loader`: how fast batches come, and whether a trainer waits for them.

use std::time::{Duration, Instant};

use autograd::kernels::buffer;
use clap::Args;
use datasets::augment::Recipe;
use datasets::{Batch, Batches, Dataset, LoaderConfig, Normalisation};
use layers::optim::{Decay, Optimizer, Schedule, SgdSettings};
use serde::Serialize;

use super::spread::Spread;
use crate::command::data_set::DataSetOptions;
use crate::command::output::Output;
use crate::error::Result;
use crate::run::{Options, Place, Settings, Trainer, build_model};
use crate::table::{Table, sig};

/// Arguments of `anact bench loader`.
#[derive(Debug, Args)]
pub(super) struct Loader {
    #[command(flatten)]
    data: DataSetOptions,
    /// How pictures are augmented
    #[arg(long, default_value = "cifar")]
    recipe: String,
    /// Threads of the loader, one measurement each; 0 makes batches on demand, on the threads of --threads
    #[arg(long, value_delimiter = ',', default_value = "0,1,2")]
    workers: Vec<usize>,
    /// Batches that are made ahead of time
    #[arg(long, default_value_t = 4)]
    ahead: usize,
    /// Pictures of a batch
    #[arg(long, default_value_t = 128)]
    batch: usize,
    /// Batches of a measurement
    #[arg(long, default_value_t = 60)]
    batches: usize,
    /// How often everything is measured, in turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Train this network on the batches, and tell how long it waits for them
    #[arg(long, value_name = "MODEL")]
    train: Option<String>,
    #[command(flatten)]
    printed: Output,
}

/// What one number of workers gave, all rounds together.
#[derive(Debug, Serialize)]
struct Row {
    workers: usize,
    images_per_s: Spread,
    /// The share of the time in which whoever wanted a batch waited for it.
    waited: Spread,
    /// The first of these and its wait count in no round: work begins with it.
    rounds: usize,
}

/// Time and waiting of one measurement.
struct Taken {
    images: usize,
    whole: Duration,
    waited: Duration,
}

impl Loader {
    pub(super) fn run(self) -> Result<()> {
        super::at_least_one([("--batches", self.batches), ("--rounds", self.rounds)])?;
        let recipe = Recipe::named(&self.recipe)?;
        let dataset = self.data.load()?;
        let config = LoaderConfig {
            augmentation: Some(recipe.augmentation),
            drop_last: true,
            ..LoaderConfig::training(self.batch, 0, Normalisation::of(&dataset.train)?)
        };
        let loader = datasets::Loader::new(dataset.train.clone(), config)?.with_arrays(buffer::to_overwrite);
        let mut trainer = self.train.as_deref().map(|model| trainer(model, &dataset)).transpose()?;
        let mut taken: Vec<Vec<Taken>> = self.workers.iter().map(|_| Vec::new()).collect();
        for _ in 0..self.rounds {
            for (&workers, taken) in self.workers.iter().zip(&mut taken) {
                taken.push(self.measure(&loader, workers, trainer.as_mut())?);
            }
        }
        let rows: Vec<Row> =
            self.workers.iter().zip(&taken).map(|(&workers, taken)| Row::of(workers, taken)).collect();
        self.printed.result(&self.report(&dataset, &rows), || self.text(&dataset, &rows));
        Ok(())
    }

    /// The batches behind the first one of an epoch and those of as many epochs as they take.
    fn measure(
        &self,
        loader: &datasets::Loader,
        workers: usize,
        mut trainer: Option<&mut Trainer>,
    ) -> Result<Taken> {
        let start = |epoch| loader.epoch_in_background(epoch, 0, workers, self.ahead);
        let mut epoch = 0;
        let mut batches: Batches = start(epoch)?;
        let mut consume = |batch: Option<datasets::Result<Batch>>| -> Result<Option<usize>> {
            let Some(batch) = batch else { return Ok(None) };
            let mut batch = batch?;
            let images = batch.len();
            if let Some(trainer) = trainer.as_mut() {
                trainer.step(&mut batch, Place { epoch: 1, step: 1 })?;
            } else {
                // Back to where the next one comes from, as a step leaves it.
                let shape = batch.shape;
                drop(autograd::Tensor::new(shape, std::mem::take(&mut batch.images))?);
            }
            Ok(Some(images))
        };
        consume(batches.next())?;
        let (clock, mut images, mut waited) = (Instant::now(), 0, Duration::ZERO);
        let mut before = batches.waited();
        for _ in 0..self.batches {
            let mut next = batches.next();
            if next.is_none() {
                waited += batches.waited() - before;
                (epoch, before) = (epoch + 1, Duration::ZERO);
                batches = start(epoch)?;
                next = batches.next();
            }
            images += consume(next)?.unwrap_or(0);
        }
        waited += batches.waited() - before;
        Ok(Taken { images, whole: clock.elapsed(), waited })
    }

    fn report(&self, dataset: &Dataset, rows: &[Row]) -> serde_json::Value {
        serde_json::json!({
            "data": dataset.name,
            "shape": dataset.train.images().shape(),
            "recipe": self.recipe,
            "batch": self.batch,
            "batches": self.batches,
            "ahead": self.ahead,
            "threads": rayon::current_num_threads(),
            "train": self.train,
            "rows": rows,
        })
    }

    fn text(&self, dataset: &Dataset, rows: &[Row]) -> String {
        let [channels, height, width] = dataset.train.images().shape();
        let mut table = Table::new()
            .number("workers")
            .number("pictures/s")
            .number("least")
            .number("greatest")
            .number("waited")
            .number("most");
        for row in rows {
            let percent = |share: f64| format!("{:.2} %", 100.0 * share);
            let (speed, waited) = (row.images_per_s, row.waited);
            table.row([
                row.workers.to_string(),
                sig(speed.median, 4),
                sig(speed.least, 4),
                sig(speed.greatest, 4),
                percent(waited.median),
                percent(waited.greatest),
            ]);
        }
        let what =
            self.train.as_ref().map_or_else(|| "nobody trains".into(), |model| format!("{model} trains"));
        format!(
            "{} of {channels}x{height}x{width}, recipe {}, batches of {}, {} ahead; {what} on {} threads; {} rounds\n\n{table}",
            dataset.name,
            self.recipe,
            self.batch,
            self.ahead,
            rayon::current_num_threads(),
            self.rounds,
        )
    }
}

impl Row {
    fn of(workers: usize, taken: &[Taken]) -> Self {
        let of = |value: &dyn Fn(&Taken) -> f64| Spread::of(taken.iter().map(value).collect());
        Self {
            workers,
            images_per_s: of(&|taken| taken.images as f64 / taken.whole.as_secs_f64()),
            waited: of(&|taken| taken.waited.as_secs_f64() / taken.whole.as_secs_f64()),
            rounds: taken.len(),
        }
    }
}

/// A network with `swish` and SGD at a small rate: how it learns does not matter here.
fn trainer(model: &str, dataset: &Dataset) -> Result<Trainer> {
    let options = Options {
        model: Some(model.into()),
        activation: Some("swish".into()),
        seed: Some(0),
        ..Options::default()
    };
    let settings = Settings::of(options)?;
    let model = build_model(&settings, dataset.train.images().shape(), dataset.classes.len())?;
    let sgd = Optimizer::new(SgdSettings::default())?;
    let schedule = Schedule::new(0.01, 0, u64::MAX, Decay::Constant)?;
    Ok(Trainer::new(model, sgd, schedule, 0.0, 0).executing(settings.execution()))
}
