//! The training loop.

use std::time::{Duration, Instant};

use autograd::inspect::{Anomaly, Timing};
use autograd::{Keep, Pass, Tape, Tensor};
use datasets::{Batch, Loader};
use layers::optim::{Schedule, Sgd};
use layers::{Context, Execution, Layer, accuracy};
use serde::Serialize;

use super::evaluation::{Metrics, Tally, evaluate, tensor};
use super::inspection::{Inspections, LayersAtStep};
use super::interrupt::Interrupt;
use super::progress::Progress;
use super::step::record_loss;
use super::theory::{TheoryComparison, keeping_for_theory};
use crate::error::{Error, Result};
use crate::record::{Cell, Csv};

/// What one epoch did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EpochMetrics {
    /// Counted from 1.
    pub epoch: u64,
    /// Means over the training images as they were seen, augmented and with the weights of the moment.
    pub train: Metrics,
    /// On the test images, after the epoch.
    pub test: Metrics,
    /// The learning rate of the epoch's last step.
    pub lr: f64,
    /// Training time.
    pub seconds: f64,
    /// Training images per second.
    pub images_per_s: f64,
}

impl EpochMetrics {
    /// An empty CSV table of epochs.
    pub fn csv() -> Csv {
        Csv::new([
            "activation",
            "seed",
            "epoch",
            "train_loss",
            "train_accuracy",
            "test_loss",
            "test_accuracy",
            "lr",
            "seconds",
            "images_per_s",
        ])
    }

    /// Appends a run's epochs to a table made by [`EpochMetrics::csv`].
    ///
    /// # Errors
    /// Never for a table of that making.
    pub fn append_to(csv: &mut Csv, activation: &str, seed: u64, epochs: &[Self]) -> Result<()> {
        for e in epochs {
            let numbers = [
                e.train.loss,
                e.train.accuracy,
                e.test.loss,
                e.test.accuracy,
                e.lr,
                e.seconds,
                e.images_per_s,
            ];
            let head = [Cell::from(activation), Cell::from(seed), Cell::from(e.epoch)];
            csv.row(head.into_iter().chain(numbers.map(Cell::from)))?;
        }
        Ok(())
    }
}

/// Where a run is, for messages; both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The epoch.
    pub epoch: u64,
    /// The step within the epoch.
    pub step: usize,
}

impl Place {
    /// The loss of the step here is not finite.
    pub(super) fn diverged(self, loss: f32, anomaly: Option<Box<Anomaly>>) -> Error {
        Error::Diverged { loss, epoch: self.epoch, step: self.step, anomaly }
    }
}

/// What one step did.
#[derive(Debug, Clone, PartialEq)]
pub struct StepMetrics {
    /// The batch's mean loss.
    pub loss: f32,
    /// The number of images classified right.
    pub correct: usize,
    /// The layers, if this step was to be looked at.
    pub layers: Option<LayersAtStep>,
    /// What its parts took.
    pub times: StepTimes,
    /// What each kind of op took, if the trainer is a timing one.
    pub ops: Option<Timing>,
}

/// What the parts of a step took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepTimes {
    /// From images to the loss.
    pub forward: Duration,
    /// From the loss to the gradients, and until the tape is gone.
    pub backward: Duration,
    /// The optimiser.
    pub optimiser: Duration,
}

impl StepTimes {
    /// The whole step.
    pub fn total(self) -> Duration {
        self.forward + self.backward + self.optimiser
    }
}

/// A network with what moves it.
#[derive(Debug)]
pub struct Trainer {
    model: Box<dyn Layer<f32>>,
    sgd: Sgd<f32>,
    schedule: Schedule,
    smoothing: f64,
    seed: u64,
    finds_anomalies: bool,
    execution: Execution,
    inspections: Option<Inspections>,
    times_ops: bool,
    steps: u64,
}

impl Trainer {
    /// A trainer at step 0.
    pub fn new(
        model: Box<dyn Layer<f32>>,
        sgd: Sgd<f32>,
        schedule: Schedule,
        smoothing: f64,
        seed: u64,
    ) -> Self {
        Self {
            model,
            sgd,
            schedule,
            smoothing,
            seed,
            finds_anomalies: false,
            inspections: None,
            execution: Execution::default(),
            times_ops: false,
            steps: 0,
        }
    }

    /// Carries its steps out as `execution` says.
    #[must_use]
    pub fn executing(self, execution: Execution) -> Self {
        Self { execution, ..self }
    }

    /// Measures what each kind of op takes in every step.
    #[must_use]
    pub fn timing_ops(self) -> Self {
        Self { times_ops: true, ..self }
    }

    /// Looks for gradients that are not finite in every step, too, at the cost of reading every one of them.
    #[must_use]
    pub fn finding_anomalies(mut self) -> Self {
        self.finds_anomalies = true;
        self
    }

    /// Looks at the layers in these steps, on the tape of the step itself: a step that is looked at moves the same
    /// numbers by the same bits, but keeps every value until it ends.
    #[must_use]
    pub fn inspecting(mut self, steps: Inspections) -> Self {
        self.inspections = Some(steps);
        self
    }

    /// The network.
    pub fn model(&mut self) -> &mut dyn Layer<f32> {
        self.model.as_mut()
    }

    /// One step.
    ///
    /// # Errors
    /// Shapes that do not fit, a parameter without gradient, or a number that is not finite: then nothing has moved but
    /// running statistics.
    pub fn step(&mut self, batch: &mut Batch, place: Place) -> Result<StepMetrics> {
        let images = tensor(batch)?;
        self.step_on(images, &batch.labels, place)
    }

    /// One step on images [N, C, H, W] that are a tensor already.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub fn step_on(&mut self, images: Tensor<f32>, labels: &[usize], place: Place) -> Result<StepMetrics> {
        let is_inspected = self.inspections.as_ref().is_some_and(|i| i.has(self.steps));
        let start = Instant::now();
        let (loss, correct, layers, gradients, ops, forward) = {
            let tape = if self.times_ops { Tape::timed() } else { Tape::new() };
            // The theory and the search for anomalies read the tape op by op; the bits are the same (the random layers of
            // registered networks have numbers, so that their masks do not depend on the tape's nodes).
            let fused = self.execution.fused && !(is_inspected || self.finds_anomalies);
            let execution = Execution { fused, ..self.execution };
            let cx = Context::train(&tape, self.seed, self.steps).executing(execution);
            let (logits, loss) = record_loss(self.model.as_mut(), &cx, images, labels, self.smoothing)?;
            let correct = accuracy::correct(&logits.value(), labels)?;
            let mean_loss = loss.value().item()?;
            if !mean_loss.is_finite() {
                return Err(place.diverged(mean_loss, tape.first_anomaly()?.map(Box::new)));
            }
            let forward = start.elapsed();
            let mut pass = if is_inspected {
                keeping_for_theory(&tape, logits)
            } else {
                Pass::new(Keep::Leaves).releasing()
            };
            if self.finds_anomalies {
                pass = pass.finding_anomalies();
            }
            let gradients = tape.run(pass, loss).map_err(|error| match error {
                autograd::Error::Anomaly(anomaly) => place.diverged(mean_loss, Some(anomaly)),
                other => other.into(),
            })?;
            let layers = is_inspected.then(|| TheoryComparison::on(&tape, logits, &gradients)).transpose()?;
            let layers = layers.map(|comparison| LayersAtStep { step: self.steps, comparison });
            (mean_loss, correct, layers, gradients, tape.timing(), forward)
        };
        let backward = start.elapsed() - forward;
        // The tape is gone by now, so that parameters are unshared and move in place.
        self.sgd.step(self.model.as_mut(), &gradients, self.schedule.at(self.steps))?;
        self.steps += 1;
        let times = StepTimes { forward, backward, optimiser: start.elapsed() - forward - backward };
        Ok(StepMetrics { loss, correct, layers, times, ops })
    }

    /// One pass over the training set, then the metrics on the test set; `on_layers` is given the layers of every step that
    /// is looked at.
    ///
    /// # Errors
    /// As [`Trainer::step`] and `on_layers`; a loss that is not finite; the user's wish to stop.
    pub fn epoch(
        &mut self,
        epoch: u64,
        train: &Loader,
        test: &Loader,
        progress: &Progress,
        interrupt: &Interrupt,
        on_layers: &mut dyn FnMut(LayersAtStep) -> Result<()>,
    ) -> Result<EpochMetrics> {
        let (start, mut tally, mut seen) = (Instant::now(), Tally::default(), 0);
        let mut lr = 0.0;
        for (step, mut batch) in train.epoch(epoch).enumerate() {
            interrupt.check()?;
            lr = self.schedule.at(self.steps);
            let place = Place { epoch: epoch + 1, step: step + 1 };
            let done = self.step(&mut batch, place)?;
            done.layers.map(&mut *on_layers).transpose()?;
            tally.add(done.loss, done.correct, batch.labels.len());
            seen += batch.labels.len();
            progress.step(epoch, tally.metrics(), seen as f64 / start.elapsed().as_secs_f64());
        }
        let seconds = start.elapsed().as_secs_f64();
        let place = Place { epoch: epoch + 1, step: train.batches_per_epoch() };
        let test = evaluate(self.model.as_mut(), self.execution, test, place, interrupt)?;
        Ok(EpochMetrics {
            epoch: epoch + 1,
            train: tally.metrics(),
            test,
            lr,
            seconds,
            images_per_s: seen as f64 / seconds,
        })
    }
}
