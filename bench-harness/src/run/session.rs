//! One network trained on one data set, recorded.

use autograd::Scalar;
use autograd::kernels::buffer;
use datasets::{Augmentation, Batch, Dataset, Loader, LoaderConfig, Normalisation};
use layers::optim::{Optimizer, Schedule};
use layers::weights::WeightsError;
use layers::{parameter_count, weights};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::inspection::{Inspections, LayersAtStep};
use super::interrupt::Interrupt;
use super::memory::{MemoryPlan, StepMemory, measure_memory, plan_memory};
use super::model::build_model;
use super::progress::Progress;
use super::recording::Recording;
use super::settings::Settings;
use super::theory::{Cotangent, Input, TheoryComparison, compare_with_theory, fill_with_normal};
use super::trainer::{EpochMetrics, Place, Trainer};
use crate::error::{Error, Result};
use crate::record::RecordWriter;

/// One run, built and ready: settings, batches of the data they name, and a network at step 0.
#[derive(Debug)]
pub struct Session<'d> {
    settings: Settings,
    data: &'d Dataset,
    train: Loader,
    test: Loader,
    trainer: Trainer,
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
    pub start: TheoryComparison,
    /// The same in the steps that were to be looked at, if any.
    pub during: Vec<LayersAtStep>,
    /// Theory and measurement after training.
    pub end: TheoryComparison,
    /// Steps taken.
    pub steps: u64,
}

/// How the theory is compared with a step that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Measurement {
    /// Training steps before it.
    pub step: u64,
    /// Where the backward pass starts.
    pub cotangent: Cotangent,
    /// What goes into the network in that step; training sees images.
    pub input: Input,
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
        let normalisation = Normalisation::of(&data.train)?;
        let train = training_loader(&settings, data, normalisation.clone())?;
        let test = Loader::new(data.test.clone(), LoaderConfig::evaluation(settings.batch, normalisation))?
            .with_arrays(buffer::to_overwrite);
        let trainer = trainer(&settings, data, train.batches_per_epoch() as u64)?;
        Ok(Self { settings, data, train, test, trainer })
    }

    /// Trains and inspects, writing every epoch to `record` as it ends.
    ///
    /// # Errors
    /// A loss that is not finite; the user's wish to stop; a full disk.
    pub fn run(mut self, label: &str, record: &mut RecordWriter, interrupt: &Interrupt) -> Result<Outcome> {
        let outcome = self.train(label, record, interrupt);
        if let Err(error) = &outcome {
            // Without this line a run that ended early would look like one that goes on. If the record itself cannot
            // be written, the first error says so already.
            let _ = self.write(record, "stopped", json!({ "reason": error.to_string() }));
        }
        record.sync()?;
        outcome
    }

    /// Trains up to step `step` and records that step, counted from 0, without taking it. In another precision than
    /// training's, the weights are those of training, number for number.
    ///
    /// # Errors
    /// A step beyond the run; a loss that is not finite before it; the user's wish to stop.
    pub fn record<S: Scalar>(mut self, step: u64, interrupt: &Interrupt) -> Result<Recording<S>> {
        self.check_step(step)?;
        let batch = self.train_until(step, interrupt)?;
        let s = &self.settings;
        let mut model = build_model::<S>(s, self.data.train.images().shape(), self.data.classes.len())?;
        // From f32 to f64 no bit is lost.
        let state = weights::to_safetensors(self.trainer.model());
        weights::load_safetensors(model.as_mut(), &state).expect("a network takes the state of its like");
        Recording::of(model.as_mut(), &batch, s.op_by_op(), s.smoothing, (s.seed, step))
    }

    /// Replaces the network's weights and buffers by those of a safetensors file.
    ///
    /// # Errors
    /// A file that is damaged or of another network.
    pub fn load_weights(&mut self, file: &[u8]) -> Result<(), WeightsError> {
        weights::load_safetensors(self.trainer.model(), file)
    }

    /// Trains up to a step and compares its layers with the theory, without taking it.
    ///
    /// # Errors
    /// As [`Session::record`].
    pub fn measure(mut self, measurement: Measurement, interrupt: &Interrupt) -> Result<TheoryComparison> {
        let Measurement { step, cotangent, input } = measurement;
        self.check_step(step)?;
        interrupt.check()?;
        let mut batch = self.train_until(step, interrupt)?;
        let s = &self.settings;
        if input == Input::Normal {
            fill_with_normal(&mut batch, s.seed);
        }
        let (execution, key) = (s.op_by_op(), (s.seed, step));
        compare_with_theory(self.trainer.model(), batch, execution, s.smoothing, key, cotangent)
    }

    /// The bytes of step `step`, counted from 0: planned from two small steps, and measured; of the nodes that `pattern`
    /// names, or of all that take any.
    ///
    /// # Errors
    /// As [`Session::record`].
    pub fn step_memory(
        mut self,
        step: u64,
        pattern: Option<&str>,
        interrupt: &Interrupt,
    ) -> Result<StepMemory> {
        self.check_step(step)?;
        let batch = self.train_until(step, interrupt)?;
        let execution = self.settings.execution();
        let (planned, plan) = plan_memory(self.trainer.model(), &batch, execution)?;
        let (measured, chosen) = measure_memory(self.trainer.model(), &batch, execution, pattern)?;
        Ok(StepMemory { batch: batch.len(), planned, measured, chosen, optimiser: plan.optimiser })
    }

    /// What a step with a whole batch will take, before any is run.
    ///
    /// # Errors
    /// As a step.
    pub fn memory_plan(&self) -> Result<MemoryPlan> {
        let batch = self.train.epoch(0).next().expect("a loader has at least one batch")?;
        // A network of its own, since running statistics move.
        let mut model = model(&self.settings, self.data)?;
        Ok(plan_memory(model.as_mut(), &batch, self.settings.execution())?.1)
    }

    fn check_step(&self, step: u64) -> Result<()> {
        let steps = self.settings.epochs.saturating_mul(self.train.batches_per_epoch() as u64);
        if step <= steps {
            return Ok(());
        }
        let legal = format!("at most {steps}, the steps of the run; --epochs makes it longer");
        Err(Error::Setting { setting: "--step", value: step.to_string(), legal })
    }

    /// Takes the steps before `step` and gives the batch of that one.
    fn train_until(&mut self, step: u64, interrupt: &Interrupt) -> Result<Batch> {
        let mut taken = 0;
        for epoch in 0.. {
            for (place, batch) in self.train.epoch(epoch).enumerate() {
                let mut batch = batch?;
                if taken == step {
                    return Ok(batch);
                }
                interrupt.check()?;
                self.trainer.step(&mut batch, Place { epoch: epoch + 1, step: place + 1 })?;
                taken += 1;
            }
        }
        unreachable!("a loader has at least one batch, so that epochs reach every step")
    }

    fn train(&mut self, label: &str, record: &mut RecordWriter, interrupt: &Interrupt) -> Result<Outcome> {
        let s = &self.settings;
        let steps = self.train.batches_per_epoch();
        let all_steps = s.epochs.saturating_mul(steps as u64);
        // A network of its own: a comparison moves running statistics.
        let start = theory_comparison(s, &self.train, model(s, self.data)?.as_mut())?;
        let parameters = parameter_count(self.trainer.model());
        self.write(
            record,
            "start",
            json!({ "settings": s, "parameters": parameters, "steps_per_epoch": steps }),
        )?;
        self.write(record, "layers", json!({ "when": "start", "step": 0, "rows": start.rows }))?;

        let progress = Progress::new(label, s.epochs, steps);
        let (mut epochs, mut during) = (Vec::new(), Vec::new());
        for epoch in 0..s.epochs {
            let (train, test) = (&self.train, &self.test);
            let mut on_layers = |layers: LayersAtStep| {
                let rows = &layers.comparison.rows;
                let line = json!({ "when": "training", "step": layers.step, "rows": rows });
                write(s, record, "layers", line)?;
                during.push(layers);
                Ok(())
            };
            let metrics = self.trainer.epoch(epoch, train, test, &progress, interrupt, &mut on_layers)?;
            progress.epoch(&metrics);
            self.write(record, "epoch", metrics)?;
            epochs.push(metrics);
        }
        progress.finish();

        let weights = weights::to_safetensors(self.trainer.model());
        let weights_sha256 = hex(&Sha256::digest(&weights));
        // Before the comparison, whose batch is no batch of the run.
        let degenerate = anact::degenerate_batches(self.trainer.model());
        let end = theory_comparison(s, &self.train, self.trainer.model())?;
        self.write(record, "layers", json!({ "when": "end", "step": all_steps, "rows": end.rows }))?;
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
        Ok(Outcome { epochs, weights, weights_sha256, start, during, end, steps: all_steps })
    }

    fn write(&self, record: &mut RecordWriter, kind: &str, body: impl Serialize) -> Result<()> {
        write(&self.settings, record, kind, body)
    }
}

/// Writes a line that names the run.
fn write(s: &Settings, record: &mut RecordWriter, kind: &str, body: impl Serialize) -> Result<()> {
    let (activation, seed) = (s.activation.as_str(), s.seed);
    Ok(record.write(kind, &Tagged { activation, seed, body })?)
}

/// The optimiser and its schedule around a new network.
fn trainer(s: &Settings, data: &Dataset, steps_per_epoch: u64) -> Result<Trainer> {
    let steps = |epochs: u64| epochs.saturating_mul(steps_per_epoch);
    let decay = s.schedule.decay.clone().in_steps(steps_per_epoch);
    let schedule = Schedule::new(s.lr, steps(s.schedule.warmup_epochs), steps(s.epochs), decay)?;
    let trainer = Trainer::new(model(s, data)?, Optimizer::new(s.sgd)?, schedule, s.smoothing, s.seed);
    let trainer = trainer.executing(s.execution());
    let trainer = if s.find_anomalies { trainer.finding_anomalies() } else { trainer };
    Ok(match s.inspect_every {
        Some(every) => trainer.inspecting(Inspections::new(every, steps(s.epochs))),
        None => trainer,
    })
}

fn model(s: &Settings, data: &Dataset) -> Result<Box<dyn layers::Layer<f32>>> {
    build_model(s, data.train.images().shape(), data.classes.len())
}

fn training_loader(s: &Settings, data: &Dataset, normalisation: Normalisation) -> Result<Loader> {
    let is_colour = data.train.images().shape()[0] > 1;
    let mut config = LoaderConfig::training(s.batch, s.seed, normalisation);
    config.augmentation = s.augment.unwrap_or(is_colour).then_some(Augmentation::CIFAR);
    // What a step leaves serves the next batch.
    Ok(Loader::new(data.train.clone(), config)?.with_arrays(buffer::to_overwrite))
}

/// Predicted and measured on the first batch of the first epoch.
fn theory_comparison(
    s: &Settings,
    train: &Loader,
    model: &mut dyn layers::Layer<f32>,
) -> Result<TheoryComparison> {
    let batch = train.epoch(0).next().expect("a loader has at least one batch")?;
    compare_with_theory(model, batch, s.op_by_op(), s.smoothing, (s.seed, 0), Cotangent::Loss)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Options;

    /// Of 4 batches an epoch the seventh is in the second.
    const STEP: u64 = 6;

    #[test]
    fn a_recorded_step_is_the_one_that_training_takes_next() {
        let settings = Settings::of(Options {
            model: Some("mlp".into()),
            width: Some(8),
            batch: Some(16),
            train_images: Some(64),
            test_images: Some(16),
            epochs: Some(2),
            ..Options::default()
        })
        .unwrap();
        let data = load_data(&settings).unwrap();
        let session = || Session::new(settings.clone(), &data).unwrap();
        let interrupt = Interrupt::default();

        let mut trained = session();
        let mut batch = trained.train_until(STEP, &interrupt).unwrap();
        let loss = trained.trainer.step(&mut batch, Place { epoch: 2, step: 3 }).unwrap().loss;
        let single = session().record::<f32>(STEP, &interrupt).unwrap();
        assert_eq!(single.loss().value().item().unwrap().to_bits(), loss.to_bits());

        let double = session().record::<f64>(STEP, &interrupt).unwrap();
        for ((name, weight), (_, wide)) in single.tape.parameters().iter().zip(double.tape.parameters()) {
            let widened: Vec<f64> = weight.value().data().iter().map(|&x| f64::from(x)).collect();
            assert_eq!(wide.value().data(), widened, "{name}");
        }
        // Seven digits of f32, less those that sums over 784 pixels lose.
        let wide = double.loss().value().item().unwrap();
        assert!((wide - f64::from(loss)).abs() <= 1e-5 * wide.abs(), "{wide} {loss}");
    }
}
