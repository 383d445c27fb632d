//! One network trained on one data set, recorded.

use datasets::{Augmentation, Dataset, Loader, LoaderConfig, Normalisation};
use layers::optim::{Decay, Schedule, Sgd};
use layers::{parameter_count, weights};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::inspection::{Inspection, inspect};
use super::interrupt::Interrupt;
use super::model::build_model;
use super::progress::Progress;
use super::settings::Settings;
use super::trainer::{EpochMetrics, Trainer};
use crate::error::{Error, Result};
use crate::record::RecordWriter;

/// Settings together with the data they name.
#[derive(Debug)]
pub struct Session<'d> {
    settings: Settings,
    data: &'d Dataset,
    normalisation: Normalisation,
}

/// What a finished run leaves.
#[derive(Debug)]
pub struct Outcome {
    /// Every epoch.
    pub epochs: Vec<EpochMetrics>,
    /// The state of the trained network, as a safetensors file.
    pub weights: Vec<u8>,
    /// Its SHA-256: equal for runs that ended in the same bits.
    pub weights_sha256: String,
    /// Theory and measurement before training.
    pub start: Inspection,
    /// Theory and measurement after training.
    pub end: Inspection,
}

/// Names the run that a line of the record belongs to.
#[derive(Debug, Serialize)]
struct Tagged<'a, T> {
    activation: &'a str,
    seed: u64,
    #[serde(flatten)]
    body: T,
}

/// The data set that `settings` names, cut to the number of images they ask for.
///
/// # Errors
/// An unknown name, or files that are missing or damaged.
pub fn load_data(settings: &Settings) -> Result<Dataset> {
    let entry = datasets::find(&settings.dataset)?;
    if let Some(folder) = settings.data.as_deref().filter(|_| !entry.needs_folder()) {
        return Err(Error::Setting {
            setting: "--data",
            value: folder.display().to_string(),
            legal: format!(
                "no folder for {}, whose images are built in; name the data set by --dataset",
                entry.name
            ),
        });
    }
    let data = entry.load(settings.data.as_deref())?;
    Ok(match (settings.train_images, settings.test_images) {
        (None, None) => data,
        (train, test) => data.head(train.unwrap_or(data.train.len()), test.unwrap_or(data.test.len())),
    })
}

impl<'d> Session<'d> {
    /// A session on data that are already loaded; images are normalised by the training split's own statistics.
    ///
    /// # Errors
    /// Data without images, or without spread; settings that do not go together or do not fit the data. Whatever
    /// can be refused is refused here, before a folder is made for the run.
    pub fn new(settings: Settings, data: &'d Dataset) -> Result<Self> {
        let normalisation = Normalisation::of(data.train.images())?;
        let session = Self { settings, data, normalisation };
        let steps = session.training_loader()?.batches_per_epoch();
        session.test_loader()?;
        session.trainer(steps as u64)?;
        Ok(session)
    }

    /// Trains and inspects, writing every epoch to `record` as it ends.
    ///
    /// # Errors
    /// Settings that do not fit the data; a loss that is not finite; the user's wish to stop; a full disk.
    pub fn run(&self, label: &str, record: &mut RecordWriter, interrupt: &Interrupt) -> Result<Outcome> {
        let outcome = self.train(label, record, interrupt);
        if let Err(error) = &outcome {
            // Without this line a run that ended early would look like one that goes on. If the record itself cannot
            // be written, the first error says so already.
            let _ = self.write(record, "stopped", json!({ "reason": error.to_string() }));
        }
        record.sync()?;
        outcome
    }

    fn train(&self, label: &str, record: &mut RecordWriter, interrupt: &Interrupt) -> Result<Outcome> {
        let s = &self.settings;
        let (train, test) = (self.training_loader()?, self.test_loader()?);
        let steps = train.batches_per_epoch();
        let mut trainer = self.trainer(steps as u64)?;
        let start = self.inspection(&train, &mut *self.model()?)?;
        let parameters = parameter_count(trainer.model());
        self.write(
            record,
            "start",
            json!({ "settings": s, "parameters": parameters, "steps_per_epoch": steps }),
        )?;
        self.write(record, "layers", json!({ "when": "start", "rows": start.rows }))?;

        let progress = Progress::new(label, s.epochs, steps);
        let mut epochs = Vec::new();
        for epoch in 0..s.epochs {
            let metrics = trainer.epoch(epoch, &train, &test, &progress, interrupt)?;
            progress.epoch(&metrics);
            self.write(record, "epoch", metrics)?;
            epochs.push(metrics);
        }
        progress.finish();

        let weights = weights::to_safetensors(trainer.model());
        let weights_sha256 = hex(&Sha256::digest(&weights));
        let end = self.inspection(&train, trainer.model())?;
        self.write(record, "layers", json!({ "when": "end", "rows": end.rows }))?;
        let degenerate = anact::degenerate_batches(trainer.model());
        for (site, batches) in &degenerate {
            eprintln!(
                "note: {site}: {batches} batches had no factor (constant, dead or not finite) and used the last one"
            );
        }
        let last = epochs.last().map(|e| e.test);
        self.write(
            record,
            "result",
            json!({ "test": last, "weights_sha256": weights_sha256, "degenerate_batches": degenerate }),
        )?;
        Ok(Outcome { epochs, weights, weights_sha256, start, end })
    }

    /// The optimiser and its schedule around a new network.
    fn trainer(&self, steps_per_epoch: u64) -> Result<Trainer> {
        let s = &self.settings;
        let decay = match s.schedule.decay {
            Decay::Step { every, factor } => {
                Decay::Step { every: every.saturating_mul(steps_per_epoch), factor }
            }
            other => other,
        };
        let steps = |epochs: u64| epochs.saturating_mul(steps_per_epoch);
        let schedule = Schedule::new(s.lr, steps(s.schedule.warmup_epochs), steps(s.epochs), decay)?;
        Ok(Trainer::new(self.model()?, Sgd::new(s.sgd)?, schedule, s.smoothing, s.seed))
    }

    fn model(&self) -> Result<Box<dyn layers::Layer<f32>>> {
        build_model(&self.settings, self.data.train.images().shape(), self.data.classes.len())
    }

    fn training_loader(&self) -> Result<Loader<'d>> {
        let s = &self.settings;
        let is_colour = self.data.train.images().shape()[0] > 1;
        let mut config = LoaderConfig::training(s.batch, s.seed, self.normalisation.clone());
        config.augmentation = s.augment.unwrap_or(is_colour).then_some(Augmentation::CIFAR);
        Ok(Loader::new(&self.data.train, config)?)
    }

    fn test_loader(&self) -> Result<Loader<'d>> {
        let config = LoaderConfig::evaluation(self.settings.batch, self.normalisation.clone());
        Ok(Loader::new(&self.data.test, config)?)
    }

    /// Predicted and measured on the first batch of the first epoch.
    fn inspection(&self, train: &Loader, model: &mut dyn layers::Layer<f32>) -> Result<Inspection> {
        let batch = train.epoch(0).next().expect("a loader has at least one batch");
        inspect(model, batch, self.settings.smoothing, self.settings.seed)
    }

    fn write(&self, record: &mut RecordWriter, kind: &str, body: impl Serialize) -> Result<()> {
        let (activation, seed) = (self.settings.activation.as_str(), self.settings.seed);
        Ok(record.write(kind, &Tagged { activation, seed, body })?)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
