//! The training loop: epochs of steps, validation, checkpoints on the way, the test at the end.

use std::time::Instant;

use datasets::official::hexadecimal;
use datasets::{Batch, Loader};
use layers::{parameter_count, weights};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::keeping::Keeping;
use super::training_time::{TrainingTime, rate};
use super::{Session, model, theory_comparison};
use crate::checkpoint::{Best, Loaded, Position};
use crate::error::{Error, Result};
use crate::record::RecordWriter;
use crate::run::card::BEST;
use crate::run::epoch::EpochMetrics;
use crate::run::evaluation::{Evaluation, Metrics, evaluate};
use crate::run::history::RunHistory;
use crate::run::inspection::LayersAtStep;
use crate::run::interrupt::Interrupt;
use crate::run::lines::{
    EarlyEndLine, ImageCounts, LayersLine, ResultLine, ResumedLine, StartLine, TestResult,
};
use crate::run::settings::Settings;
use crate::run::theory::TheoryComparison;
use crate::run::trainer::Place;
use crate::run::watch::{RunBegins, StepTaken, Watchers, Wish};

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
    /// Follow what happens.
    pub watchers: Watchers<'a>,
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
}

/// Training batches over which the running statistics of uniformly averaged weights are gathered: a mean of a hundred batches has a
/// tenth of the noise of one.
const GATHERED: usize = 100;

/// Batches made ahead of the one in use.
pub(super) const AHEAD: usize = 4;

impl Session<'_> {
    /// Trains and inspects, writing every epoch to the record as it ends; goes on from a checkpoint if one is given.
    ///
    /// # Errors
    /// A loss that is not finite; the user's wish to stop, after a checkpoint was written if any are kept; a checkpoint of
    /// another run; a full disk.
    pub fn run(self, context: RunContext<'_>, from: Option<&Loaded>) -> Result<Outcome> {
        let (outcome, left) = self.run_and(context, from, |_| Ok(()))?;
        left.map(|()| outcome)
    }

    /// The same, with `leave` to write down what the run has found before anybody waits for a terminal, which may never be ready
    /// again. Beside the outcome stands whether it could be written down: where not, it is there to be told all the same.
    ///
    /// # Errors
    /// As [`Session::run`], but for what fails after the test.
    pub fn run_and(
        mut self,
        mut context: RunContext<'_>,
        from: Option<&Loaded>,
        leave: impl FnOnce(&Outcome) -> Result<()>,
    ) -> Result<(Outcome, Result<()>)> {
        let course = from.map(|loaded| self.restore(loaded)).transpose()?;
        let course = match (from, course) {
            (Some(loaded), Some(course)) => {
                // What came after the checkpoint happens again.
                context.record.cut(loaded.state.record_bytes)?;
                Some(course)
            }
            _ => None,
        };
        let trained = self.train(course, &mut context);
        if let Err(error) | Ok((_, Err(error))) = &trained {
            // Without this line a run that ended early would look like one that goes on. If the record itself cannot
            // be written, the first error says so already.
            let kind = if matches!(error, Error::Paused { .. }) { "paused" } else { "stopped" };
            let line = EarlyEndLine { reason: Some(error.to_string()), diverged: error.is_divergence() };
            let _ = self.write(context.record, kind, line);
        }
        // Of a run that ended early, too.
        let synced = context.record.sync();
        let finished = trained.map(|(mut outcome, recorded)| {
            let left = recorded.and_then(|()| {
                synced?;
                if self.settings.inspect_every.is_some() {
                    outcome.during = layers_in(context.record)?;
                }
                leave(&outcome)
            });
            (outcome, left)
        });
        context.watchers.end();
        finished
    }

    /// All of the run, and whether its result stands in the record.
    fn train(
        &mut self,
        resumed: Option<RunSoFar>,
        context: &mut RunContext<'_>,
    ) -> Result<(Outcome, Result<()>)> {
        let steps = self.steps_per_epoch();
        // A network of its own: a comparison moves running statistics.
        let start =
            theory_comparison(&self.settings, &self.train, model(&self.settings, self.data)?.as_mut())?;
        let parameters = parameter_count(self.trainer.model());
        let is_new = resumed.is_none();
        let mut course = resumed.unwrap_or_default();
        let begins = RunBegins {
            label: context.label,
            settings: &self.settings,
            classes: &self.data.classes,
            steps_per_epoch: steps as u64,
            taken: course.position.step,
            epochs: &course.epochs,
        };
        context.watchers.begin(&begins)?;
        let wants = context.watchers.wants();
        self.trainer.take_histograms(wants.histograms);
        if is_new {
            let images = |loader: &Loader| loader.split().len();
            let line = StartLine {
                settings: self.settings.clone(),
                parameters,
                steps_per_epoch: steps,
                augmentation_in_effect: self.train.config().augmentation,
                images: Some(ImageCounts {
                    train: images(&self.train),
                    validation: self.validation.as_ref().map_or(0, images),
                    test: images(&self.test),
                }),
                // A run without checkpoints has no folder of its own that others could be compared with.
                data_sha256: context.keeping.is_some().then(|| self.data_sha256()).transpose()?,
            };
            self.write(context.record, "start", line)?;
            self.write_layers(context.record, "start", 0, &start)?;
            if wants.first_batch {
                // A batch follows from its number, so that this one is made again for the first step.
                let batch = self.train.epoch(0).next().expect("a loader has at least one batch")?;
                let normalisation = &self.train.config().normalisation;
                context.watchers.tell(|watch| watch.first_batch(&batch, normalisation))?;
            }
            // From here on the run can be resumed.
            self.keep(&course, context)?;
        } else {
            self.write(context.record, "resumed", ResumedLine { step: course.position.step })?;
        }

        while course.position.epoch < self.settings.epochs {
            self.epoch(&mut course, context)?;
        }
        self.finish(start, course, context)
    }

    /// What is left of the present epoch, and its validation.
    fn epoch(&mut self, course: &mut RunSoFar, context: &mut RunContext<'_>) -> Result<()> {
        let epoch = course.position.epoch;
        let mut lr = self.trainer.last_rate();
        let accumulate = self.settings.accumulate;
        let waited_before = course.position.waited;
        // A pause that the user asked for is no training time; one between epochs is in no epoch's time.
        context.watchers.steps_begin();
        let mut time = TrainingTime::begin(course.position.seconds, Instant::now());
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
            // First how long it was held up: a stop after that is of the next step.
            let held_up = context.watchers.held_up();
            time.step(Instant::now(), held_up);
            position.seconds = time.seconds();
            position.waited = (waited_before + batches.waited().as_secs_f64()).min(position.seconds);
            let taken = StepTaken {
                steps: position.step,
                epoch: epoch + 1,
                loss: done.loss,
                rate: lr,
                so_far: position.tally.metrics(),
                images_per_s: rate(position.tally.samples(), position.seconds),
                layers: done.layers.as_ref(),
                histograms: &done.histograms,
            };
            let told = context.watchers.tell(|watch| watch.step(&taken));
            if let Some(layers) = done.layers {
                // The record keeps them: in memory a long run would grow by them.
                self.write_layers(context.record, "training", layers.step, &layers.comparison)?;
            }
            if let Err(error) = told {
                return Err(self.keep_before(error, course, context));
            }
            let every = self.settings.checkpoint_steps;
            let mut is_to_keep = every.is_some_and(|n| course.position.step.is_multiple_of(n));
            loop {
                if is_to_keep && !context.interrupt.is_set() {
                    self.keep(course, context)?;
                }
                let wish = context.watchers.wish();
                if context.interrupt.is_set() || wish == Wish::Stop {
                    return Err(self.pause(course, context));
                }
                is_to_keep = wish == Wish::Checkpoint;
                if !is_to_keep {
                    break;
                }
            }
        }
        drop(batches);
        let validation = match self.validate(epoch, context.interrupt) {
            Err(Error::Interrupted) => return Err(self.pause(course, context)),
            other => other?,
        };
        self.end_epoch(course, context, (lr, validation))
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
            images_per_s: rate(tally.samples(), seconds),
        };
        self.write(context.record, "epoch", metrics)?;
        let told = context.watchers.tell(|watch| watch.epoch(&metrics, step));
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
        match told {
            Ok(()) => self.keep(course, context),
            Err(error) => Err(self.keep_before(error, course, context)),
        }
    }

    /// A log cannot be written, which ends the run: not without a checkpoint.
    fn keep_before(&mut self, error: Error, course: &RunSoFar, context: &mut RunContext<'_>) -> Error {
        // The first error is the one to report.
        let _ = self.keep(course, context);
        error
    }

    /// The test, and what is known of the trained network.
    fn finish(
        &mut self,
        start: TheoryComparison,
        course: RunSoFar,
        context: &mut RunContext<'_>,
    ) -> Result<(Outcome, Result<()>)> {
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
            context.watchers.note(&format!(
                "{BEST} is missing, or was changed after epoch {} had written it",
                best.epoch
            ));
        }
        let weights_sha256 = hexadecimal(&Sha256::digest(&weights));
        let steps = course.position.step;
        let RunSoFar { epochs, best, .. } = course;
        let during = Vec::new();
        let outcome = Outcome { epochs, best, test, weights, weights_sha256, start, during, end, steps };
        let recorded = self.record_outcome(&outcome, degenerate, context);
        Ok((outcome, recorded))
    }

    /// Tells everybody what the run has found.
    fn record_outcome(
        &mut self,
        outcome: &Outcome,
        degenerate: Vec<(String, u64)>,
        context: &mut RunContext<'_>,
    ) -> Result<()> {
        self.write_layers(context.record, "end", outcome.steps, &outcome.end)?;
        for (site, batches) in &degenerate {
            context.watchers.note(&format!(
                "{site}: {batches} batches had no factor (constant, dead or not finite) and used the last one"
            ));
        }
        context.watchers.tell(|watch| watch.test(&outcome.test, outcome.steps))?;
        let Evaluation { metrics, top5, samples, confusion } = &outcome.test;
        let is_average = self.trainer.average().is_some_and(|average| average.updates() > 0);
        let line = ResultLine {
            test: TestResult {
                loss: metrics.loss,
                accuracy: metrics.accuracy,
                top5: *top5,
                images: *samples,
            },
            class_accuracy: confusion.recall(),
            confusion: Some(confusion.counts.clone()),
            best: outcome.best.clone(),
            weights: Some(if is_average { "average" } else { "last" }.into()),
            weights_sha256: Some(outcome.weights_sha256.clone()),
            degenerate_batches: degenerate,
        };
        self.write(context.record, "result", line)
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
        let synced = context.watchers.tell(|watch| watch.sync());
        let notes = keeping.write(self, course, context.record.len()?)?;
        notes.iter().for_each(|note| context.watchers.note(note));
        context.watchers.tell(|watch| watch.checkpoint(course.position.step))?;
        synced
    }

    /// SHA-256 of the classes' names and of all images before any are held out: the same whatever the seed.
    fn data_sha256(&self) -> Result<String> {
        let mut digest = Sha256::new();
        for class in &self.data.classes {
            digest.update((class.len() as u64).to_le_bytes());
            digest.update(class);
        }
        for split in [&self.data.train, &self.data.test] {
            digest.update(split.sha256()?);
        }
        Ok(hexadecimal(&digest.finalize()))
    }

    fn write_layers(
        &self,
        record: &mut RecordWriter,
        when: &str,
        step: u64,
        comparison: &TheoryComparison,
    ) -> Result<()> {
        self.write(record, "layers", LayersLine { when: when.into(), step, rows: comparison.rows.clone() })
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
    let lines = RunHistory::of_layers(record.path())?.map(|history| history.layers).unwrap_or_default();
    let looked = lines.into_iter().filter(|line| line.when == "training");
    let layers = |LayersLine { step, rows, .. }| LayersAtStep { step, comparison: TheoryComparison { rows } };
    Ok(looked.map(layers).collect())
}

/// Writes a line that names the run.
fn write(s: &Settings, record: &mut RecordWriter, kind: &str, body: impl Serialize) -> Result<()> {
    let (activation, seed) = (s.activation.as_str(), s.seed);
    Ok(record.write(kind, &Tagged { activation, seed, body })?)
}
