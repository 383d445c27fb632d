//! The training loop: epochs of steps, validation, checkpoints on the way, the test at the end.

use std::time::Instant;

use datasets::official::hexadecimal;
use datasets::{Batch, Loader};
use layers::{parameter_count, weights};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::keeping::Keeping;
use super::{Session, model, theory_comparison};
use crate::checkpoint::{Best, Loaded, Position};
use crate::error::{Error, Result};
use crate::record::{RecordWriter, read_records};
use crate::run::card::BEST;
use crate::run::epoch::EpochMetrics;
use crate::run::evaluation::{Evaluation, Metrics, evaluate};
use crate::run::inspection::LayersAtStep;
use crate::run::interrupt::Interrupt;
use crate::run::progress::Progress;
use crate::run::settings::Settings;
use crate::run::theory::TheoryComparison;
use crate::run::trainer::Place;

/// What a finished run leaves.
#[derive(Debug)]
pub struct Outcome {
    /// Every epoch.
    pub epochs: Vec<EpochMetrics>,
    /// The epoch whose validation was best; `None` without validation.
    pub best: Option<Best>,
    /// The network after the last epoch on the test images, which were not looked at before.
    pub test: Evaluation,
    /// The state of the trained network, as a safetensors file; averaged weights, if the run keeps an average.
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

/// What surrounds a run.
#[derive(Debug)]
pub struct RunContext<'a> {
    /// The run's name on the terminal.
    pub label: &'a str,
    /// Takes down what happens.
    pub record: &'a mut RecordWriter,
    /// Knows whether the user asked to stop.
    pub interrupt: &'a Interrupt,
    /// Keeps checkpoints, if there are to be any.
    pub keeping: Option<Keeping>,
}

/// Names the run that a line of the record belongs to.
#[derive(Debug, Serialize)]
struct Tagged<'a, T> {
    activation: &'a str,
    seed: u64,
    #[serde(flatten)]
    body: T,
}

/// What a run has gathered so far; a checkpoint holds it.
#[derive(Debug, Default)]
pub(super) struct RunSoFar {
    pub(super) position: Position,
    pub(super) epochs: Vec<EpochMetrics>,
    pub(super) best: Option<Best>,
    pub(super) during: Vec<LayersAtStep>,
}

/// Training batches over which the running statistics of uniformly averaged weights are gathered: a mean of a hundred batches has a
/// tenth of the noise of one.
const GATHERED: usize = 100;

/// Batches made ahead of the one in use.
const AHEAD: usize = 4;

impl Session<'_> {
    /// Trains and inspects, writing every epoch to the record as it ends; goes on from a checkpoint if one is given.
    ///
    /// # Errors
    /// A loss that is not finite; the user's wish to stop, after a checkpoint was written if any are kept; a checkpoint of
    /// another run; a full disk.
    pub fn run(mut self, mut context: RunContext<'_>, from: Option<&Loaded>) -> Result<Outcome> {
        let course = from.map(|loaded| self.restore(loaded)).transpose()?;
        let course = match (from, course) {
            (Some(loaded), Some(course)) => {
                // What came after the checkpoint happens again.
                context.record.cut(loaded.state.record_bytes)?;
                Some(RunSoFar { during: layers_in(context.record)?, ..course })
            }
            _ => None,
        };
        let outcome = self.train(course, &mut context);
        if let Err(error) = &outcome {
            // Without this line a run that ended early would look like one that goes on. If the record itself cannot
            // be written, the first error says so already.
            let kind = if matches!(error, Error::Paused { .. }) { "paused" } else { "stopped" };
            let _ = self.write(context.record, kind, json!({ "reason": error.to_string() }));
        }
        context.record.sync()?;
        outcome
    }

    fn train(&mut self, resumed: Option<RunSoFar>, context: &mut RunContext<'_>) -> Result<Outcome> {
        let steps = self.steps_per_epoch();
        // A network of its own: a comparison moves running statistics.
        let start =
            theory_comparison(&self.settings, &self.train, model(&self.settings, self.data)?.as_mut())?;
        let parameters = parameter_count(self.trainer.model());
        let is_new = resumed.is_none();
        let mut course = resumed.unwrap_or_default();
        if is_new {
            let images = |loader: &Loader| loader.split().len();
            let line = json!({
                "settings": self.settings,
                "parameters": parameters,
                "steps_per_epoch": steps,
                // The settings may leave it to the data whether images are cropped and mirrored; here is what came of that.
                "augmentation_in_effect": self.train.config().augmentation,
                "images": {
                    "train": images(&self.train),
                    "validation": self.validation.as_ref().map_or(0, images),
                    "test": images(&self.test),
                },
            });
            self.write(context.record, "start", line)?;
            let line = json!({ "when": "start", "step": 0, "rows": start.rows });
            self.write(context.record, "layers", line)?;
            // From here on the run can be resumed.
            self.keep(&course, context)?;
        } else {
            self.write(context.record, "resumed", json!({ "step": course.position.step }))?;
        }

        let progress = Progress::new(context.label, self.settings.epochs, steps, course.position.step);
        while course.position.epoch < self.settings.epochs {
            self.epoch(&mut course, context, &progress)?;
        }
        progress.finish();
        self.finish(start, course, context)
    }

    /// What is left of the present epoch, and its validation.
    fn epoch(
        &mut self,
        course: &mut RunSoFar,
        context: &mut RunContext<'_>,
        progress: &Progress,
    ) -> Result<()> {
        let epoch = course.position.epoch;
        let mut lr = self.trainer.last_rate();
        let accumulate = self.settings.accumulate;
        let before = (course.position.seconds, course.position.waited);
        let start = Instant::now();
        let (first, workers) = (course.position.batch as usize, self.settings.workers);
        let mut batches = self.train.epoch_in_background(epoch, first, workers, AHEAD.max(workers))?;
        loop {
            let mut micro_batches = self.micro_batches(&mut batches)?;
            if micro_batches.is_empty() {
                break;
            }
            let step = course.position.batch as usize / accumulate + 1;
            let done = self.trainer.step_over(&mut micro_batches, Place { epoch: epoch + 1, step })?;
            lr = done.rate;
            let position = &mut course.position;
            position.tally.add(done.loss, done.correct, done.samples);
            position.step += 1;
            position.batch += micro_batches.len() as u64;
            position.seconds = before.0 + start.elapsed().as_secs_f64();
            position.waited = before.1 + batches.waited().as_secs_f64();
            let images_per_s = position.tally.samples() as f64 / position.seconds;
            progress.step(epoch, position.tally.metrics(), images_per_s);
            if let Some(layers) = done.layers {
                let rows = &layers.comparison.rows;
                let line = json!({ "when": "training", "step": layers.step, "rows": rows });
                write(&self.settings, context.record, "layers", line)?;
                course.during.push(layers);
            }
            if context.interrupt.is_set() {
                return Err(self.pause(course, context));
            }
            if self.settings.checkpoint_steps.is_some_and(|every| course.position.step.is_multiple_of(every))
            {
                self.keep(course, context)?;
            }
        }
        drop(batches);
        let validation = match self.validate(epoch, context.interrupt) {
            Err(Error::Interrupted) => return Err(self.pause(course, context)),
            other => other?,
        };
        self.end_epoch(course, context, progress, (lr, validation))
    }

    /// The metrics on the images held out, and the weights that have them.
    fn validate(&mut self, epoch: u64, interrupt: &Interrupt) -> Result<Option<(Metrics, Vec<u8>)>> {
        let place = Place { epoch: epoch + 1, step: self.steps_per_epoch() };
        let Some(held_out) = &self.validation else { return Ok(None) };
        let batches = to_gather(&self.train, interrupt);
        let validation = self.trainer.with_averaged_weights(batches, |model, execution| {
            let evaluation = evaluate(model, execution, held_out, place, interrupt)?;
            Ok((evaluation.metrics, weights::to_safetensors(model)))
        })?;
        Ok(Some(validation))
    }

    fn end_epoch(
        &mut self,
        course: &mut RunSoFar,
        context: &mut RunContext<'_>,
        progress: &Progress,
        (lr, validation): (f64, Option<(Metrics, Vec<u8>)>),
    ) -> Result<()> {
        let Position { step, epoch, tally, seconds, waited, .. } = course.position;
        let metrics = EpochMetrics {
            epoch: epoch + 1,
            train: tally.metrics(),
            validation: validation.as_ref().map(|(metrics, _)| *metrics),
            lr,
            seconds,
            waited,
            images_per_s: tally.samples() as f64 / seconds,
        };
        progress.epoch(&metrics);
        self.write(context.record, "epoch", metrics)?;
        course.epochs.push(metrics);
        course.position = Position { step, epoch: epoch + 1, ..Position::default() };
        if let Some((Metrics { loss, accuracy }, weights)) = validation
            && course.best.as_ref().is_none_or(|best| accuracy > best.accuracy)
        {
            let weights_sha256 = hexadecimal(&Sha256::digest(&weights));
            course.best = Some(Best { epoch: epoch + 1, accuracy, loss, weights_sha256 });
            if let Some(keeping) = &context.keeping {
                keeping.write_best(&weights)?;
            }
        }
        self.keep(course, context)
    }

    /// The test, and what is known of the trained network.
    fn finish(
        &mut self,
        start: TheoryComparison,
        course: RunSoFar,
        context: &mut RunContext<'_>,
    ) -> Result<Outcome> {
        let place = Place { epoch: self.settings.epochs, step: self.steps_per_epoch() };
        let interrupt = context.interrupt;
        // Before the comparison and the gathering, whose batches are none of the run.
        let degenerate = anact::degenerate_batches(self.trainer.model());
        let (settings, train, test) = (&self.settings, &self.train, &self.test);
        let looked = self.trainer.with_averaged_weights(to_gather(train, interrupt), |model, execution| {
            let test = evaluate(model, execution, test, place, interrupt)?;
            let weights = weights::to_safetensors(model);
            Ok((test, weights, theory_comparison(settings, train, model)?))
        });
        let (test, weights, end) = match looked {
            Err(Error::Interrupted) => return Err(self.pause(&course, context)),
            other => other?,
        };
        if let (Some(keeping), Some(best)) = (&context.keeping, &course.best)
            && !keeping.holds_best(best)
        {
            eprintln!("note: {BEST} is gone or has been changed since epoch {} wrote it", best.epoch);
        }
        let weights_sha256 = hexadecimal(&Sha256::digest(&weights));
        let steps = course.position.step;
        self.write(context.record, "layers", json!({ "when": "end", "step": steps, "rows": end.rows }))?;
        for (site, batches) in &degenerate {
            eprintln!(
                "note: {site}: {batches} batches had no factor (constant, dead or not finite) and used the last one"
            );
        }
        let Evaluation { metrics, top5, samples, .. } = &test;
        self.write(
            context.record,
            "result",
            json!({
                "test": { "loss": metrics.loss, "accuracy": metrics.accuracy, "top5": top5, "images": samples },
                "class_accuracy": test.confusion.recall(),
                "best": course.best,
                "weights": if self.trainer.average().is_some_and(|a| a.updates() > 0) { "average" } else { "last" },
                "weights_sha256": weights_sha256,
                "degenerate_batches": degenerate,
            }),
        )?;
        let RunSoFar { epochs, best, during, .. } = course;
        Ok(Outcome { epochs, best, test, weights, weights_sha256, start, during, end, steps })
    }

    /// Writes a checkpoint and says that the user asked to stop; without checkpoints, only that.
    fn pause(&mut self, course: &RunSoFar, context: &mut RunContext<'_>) -> Error {
        match self.keep(course, context) {
            Err(error) => error,
            Ok(()) => match &context.keeping {
                Some(keeping) => {
                    Error::Paused { step: course.position.step, run: keeping.run().to_path_buf() }
                }
                None => Error::Interrupted,
            },
        }
    }

    /// Writes a checkpoint, if any are kept.
    fn keep(&mut self, course: &RunSoFar, context: &mut RunContext<'_>) -> Result<()> {
        let Some(keeping) = &context.keeping else { return Ok(()) };
        // What the checkpoint says of the record must be on the disk before it.
        context.record.sync()?;
        keeping.write(self, course, context.record.len()?)
    }

    pub(super) fn write(&self, record: &mut RecordWriter, kind: &str, body: impl Serialize) -> Result<()> {
        write(&self.settings, record, kind, body)
    }
}

/// The batches over which running statistics are gathered, until the user asks to stop.
fn to_gather(train: &Loader, interrupt: &Interrupt) -> impl Iterator<Item = Result<Batch>> {
    let batches = train.epoch(0).take(GATHERED);
    batches.map(|batch| interrupt.check().and_then(|()| Ok(batch?)))
}

/// The layers that were looked at in training, from the lines of a record.
fn layers_in(record: &RecordWriter) -> Result<Vec<LayersAtStep>> {
    let lines = read_records(record.path())?;
    let looked = lines.into_iter().filter(|line| line["kind"] == "layers" && line["when"] == "training");
    let layers = |mut line: Map<String, Value>| {
        let step = line["step"].as_u64();
        let rows = serde_json::from_value(line.remove("rows").unwrap_or_default()).ok();
        let (Some(step), Some(rows)) = (step, rows) else {
            let problem = "a line of layers that this version does not read".into();
            return Err(Error::File { path: record.path().to_path_buf(), problem });
        };
        Ok(LayersAtStep { step, comparison: TheoryComparison { rows } })
    };
    looked.map(layers).collect()
}

/// Writes a line that names the run.
fn write(s: &Settings, record: &mut RecordWriter, kind: &str, body: impl Serialize) -> Result<()> {
    let (activation, seed) = (s.activation.as_str(), s.seed);
    Ok(record.write(kind, &Tagged { activation, seed, body })?)
}
