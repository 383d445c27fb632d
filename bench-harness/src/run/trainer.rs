//! One step of training: forward, backward, optimiser, average.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use autograd::inspect::{Anomaly, Timing};
use autograd::{Gradients, Keep, Pass, Tape, Tensor};
use datasets::Batch;
use layers::optim::{Accumulator, Average, Averaging, Optimizer, Schedule};
use layers::weights::{Array, WeightsError};
use layers::{Context, Execution, Layer, gather_statistics, weights};

use super::evaluation::tensor;
use super::inspection::{Inspections, LayersAtStep};
use super::step::{Targets, record_loss};
use super::theory::{TheoryComparison, keeping_for_theory};
use crate::error::{Error, Result};
use crate::events::EventHistogram;

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
    /// The mean loss over the images.
    pub loss: f32,
    /// The number of images classified right; of mixed ones, in parts.
    pub correct: f64,
    /// The number of images.
    pub samples: usize,
    /// The learning rate.
    pub rate: f64,
    /// The norm of the gradients before clipping, if they are clipped by norm.
    pub gradient_norm: Option<f64>,
    /// The layers, if this step was to be looked at; on its first batch.
    pub layers: Option<LayersAtStep>,
    /// The gradient of every parameter on that batch, if the trainer takes histograms in such a step.
    pub histograms: Vec<(String, EventHistogram)>,
    /// What its parts took.
    pub times: StepTimes,
    /// What each kind of op took, if the trainer is a timing one; for the first batch.
    pub ops: Option<Timing>,
}

/// What the parts of a step took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    optimizer: Optimizer<f32>,
    average: Option<Average<f32>>,
    /// Steps before the average begins.
    not_averaged: u64,
    schedule: Schedule,
    smoothing: f64,
    seed: u64,
    finds_anomalies: bool,
    execution: Execution,
    inspections: Option<Inspections>,
    takes_histograms: bool,
    times_ops: bool,
    steps: u64,
}

impl Trainer {
    /// A trainer at step 0.
    pub fn new(
        model: Box<dyn Layer<f32>>,
        optimizer: Optimizer<f32>,
        schedule: Schedule,
        smoothing: f64,
        seed: u64,
    ) -> Self {
        Self {
            model,
            optimizer,
            average: None,
            not_averaged: 0,
            schedule,
            smoothing,
            seed,
            finds_anomalies: false,
            inspections: None,
            takes_histograms: false,
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

    /// Whether the steps that are looked at also give every parameter's gradient as a histogram.
    pub fn take_histograms(&mut self, takes_histograms: bool) {
        self.takes_histograms = takes_histograms;
    }

    /// The network.
    pub fn model(&mut self) -> &mut dyn Layer<f32> {
        self.model.as_mut()
    }

    /// Keeps an average of the weights over all steps but the first `before`.
    #[must_use]
    pub fn averaging(self, average: Average<f32>, before: u64) -> Self {
        Self { average: Some(average), not_averaged: before, ..self }
    }

    /// The rate of the last step taken; before any, that of the first.
    pub fn last_rate(&self) -> f64 {
        self.schedule.at(self.steps.saturating_sub(1))
    }

    /// What moves the network.
    pub fn optimizer(&self) -> &Optimizer<f32> {
        &self.optimizer
    }

    /// The average of the weights, if one is kept.
    pub fn average(&self) -> Option<&Average<f32>> {
        self.average.as_ref()
    }

    /// Goes on from the optimiser's state after `steps` steps; the network's own state is the caller's.
    ///
    /// # Errors
    /// A state that is not of this optimiser for this network. Then the trainer is of no use any more.
    pub fn restore(
        &mut self,
        steps: u64,
        optimizer: &BTreeMap<String, Array<f32>>,
    ) -> Result<(), WeightsError> {
        self.optimizer.load(self.model.as_mut(), optimizer)?;
        self.steps = steps;
        Ok(())
    }

    /// Goes on from the state of an average; without an average there is nothing to do.
    ///
    /// # Errors
    /// A state that is not of this average for this network.
    pub fn restore_average(&mut self, stored: &BTreeMap<String, Array<f32>>) -> Result<(), WeightsError> {
        self.average.as_mut().map_or(Ok(()), |average| average.load(self.model.as_mut(), stored))
    }

    /// One step on a batch.
    ///
    /// # Errors
    /// As [`Trainer::step_over`].
    pub fn step(&mut self, batch: &mut Batch, place: Place) -> Result<StepMetrics> {
        self.step_over(std::slice::from_mut(batch), place)
    }

    /// One step of the optimiser along the gradient of the mean loss over all images of `batches`, which go through the network
    /// one after the other: memory is that of one. Norms of batches are taken batch by batch.
    ///
    /// # Errors
    /// No batch; shapes that do not fit, a parameter without gradient, or a loss that is not finite: then nothing has moved but
    /// running statistics. Gradients that are not finite are looked for where the trainer is told to, or clips by norm.
    pub fn step_over(&mut self, batches: &mut [Batch], place: Place) -> Result<StepMetrics> {
        self.step_at(batches, place, self.schedule.at(self.steps))
    }

    /// The same at another learning rate than that of the schedule.
    ///
    /// # Errors
    /// As [`Trainer::step_over`].
    pub fn step_at(&mut self, batches: &mut [Batch], place: Place, rate: f64) -> Result<StepMetrics> {
        let micro_batches = batches.iter_mut().map(|batch| Ok((tensor(batch)?, Targets::of(batch))));
        self.step_over_micro_batches(micro_batches, place, rate)
    }

    /// One step on images [N, C, H, W] that are a tensor already.
    ///
    /// # Errors
    /// As [`Trainer::step_over`].
    pub fn step_on(&mut self, images: Tensor<f32>, labels: &[usize], place: Place) -> Result<StepMetrics> {
        let rate = self.schedule.at(self.steps);
        self.step_over_micro_batches(std::iter::once(Ok((images, Targets::of_labels(labels)))), place, rate)
    }

    fn step_over_micro_batches<'b>(
        &mut self,
        micro_batches: impl ExactSizeIterator<Item = Result<(Tensor<f32>, Targets<'b>)>>,
        place: Place,
        rate: f64,
    ) -> Result<StepMetrics> {
        let mut whole = StepMetrics {
            loss: 0.0,
            correct: 0.0,
            samples: 0,
            rate,
            gradient_norm: None,
            layers: None,
            histograms: Vec::new(),
            times: StepTimes::default(),
            ops: None,
        };
        let mut accumulator = Accumulator::default();
        let mut loss_sum = 0.0;
        for (number, part) in (0..).zip(micro_batches) {
            let (images, targets) = part?;
            let samples = targets.len();
            // The first draws by the step's own number, the others by numbers that no step reaches.
            let part = self.gradients(images, targets, (number, self.steps), place)?;
            loss_sum += f64::from(part.loss) * samples as f64;
            whole.correct += part.correct;
            whole.samples += samples;
            whole.layers = whole.layers.or(part.layers);
            whole.histograms.extend(part.histograms);
            whole.times.forward += part.forward;
            whole.times.backward += part.backward;
            whole.ops = whole.ops.or(part.ops);
            accumulator.add(part.gradients, samples)?;
        }
        let start = Instant::now();
        // The tapes are gone by now, so that parameters are unshared and move in place.
        let gradients = accumulator.take()?;
        let loss = (loss_sum / whole.samples as f64) as f32;
        let report = self.optimizer.step(self.model.as_mut(), &gradients, rate);
        let report = report.map_err(|error| match error {
            autograd::Error::NotFinite { .. } => {
                let Place { epoch, step } = place;
                Error::GradientsNotFinite { epoch, step, problem: error.to_string() }
            }
            other => other.into(),
        })?;
        if let Some(average) = self.average.as_mut().filter(|_| self.steps >= self.not_averaged) {
            average.update(self.model.as_mut())?;
        }
        self.steps += 1;
        whole.times.optimiser = start.elapsed();
        whole.loss = loss;
        whole.gradient_norm = report.gradient_norm;
        Ok(whole)
    }

    /// The loss and the gradients of batch `number` of step `step`.
    fn gradients(
        &mut self,
        images: Tensor<f32>,
        targets: Targets<'_>,
        (number, step): (u64, u64),
        place: Place,
    ) -> Result<MicroBatch> {
        let is_inspected = number == 0 && self.inspections.as_ref().is_some_and(|i| i.has(step));
        let draw = number << STEP_BITS | step;
        let start = Instant::now();
        let tape = if self.times_ops { Tape::timed() } else { Tape::new() };
        // The theory and the search for anomalies read the tape op by op; the bits are the same (the random layers of registered
        // networks have numbers, so that their masks do not depend on the nodes).
        let fused = self.execution.fused && !(is_inspected || self.finds_anomalies);
        let execution = Execution { fused, ..self.execution };
        let cx = Context::train(&tape, self.seed, draw).executing(execution);
        let (logits, loss) = record_loss(self.model.as_mut(), &cx, images, targets, self.smoothing)?;
        let correct = targets.correct(&logits.value())?;
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
        let is_drawn = is_inspected && self.takes_histograms;
        let histograms = if is_drawn { histograms(&tape, &gradients) } else { Vec::new() };
        let ops = tape.timing();
        drop(tape);
        Ok(MicroBatch {
            loss: mean_loss,
            correct,
            gradients,
            layers,
            histograms,
            ops,
            forward,
            backward: start.elapsed() - forward,
        })
    }

    /// Runs `look` on the network with the averaged weights in place, if there is an average, else on the network as it is.
    /// Running statistics are those of the last steps, which suit an exponential average; for a uniform one they are gathered
    /// anew over `batches`. Afterwards the network is as it was.
    ///
    /// # Errors
    /// Those of `look`; a batch that is an error.
    pub fn with_averaged_weights<T>(
        &mut self,
        batches: impl Iterator<Item = Result<Batch>>,
        look: impl FnOnce(&mut dyn Layer<f32>, Execution) -> Result<T>,
    ) -> Result<T> {
        let has_average = self.average.as_ref().is_some_and(|average| average.updates() > 0);
        let Some(average) = self.average.as_mut().filter(|_| has_average) else {
            return look(self.model.as_mut(), self.execution);
        };
        let (model, execution) = (self.model.as_mut(), self.execution);
        let before = weights::to_safetensors(model);
        average.swap(model)?;
        let is_uniform = average.kind() == Averaging::Uniform;
        let batches = batches.take(if is_uniform { usize::MAX } else { 0 });
        let images = batches.map(|batch| tensor(&mut batch?));
        let seen =
            gather_statistics(model, images, execution, self.seed).and_then(|_| look(model, execution));
        average.swap(model)?;
        weights::load_safetensors(model, &before).expect("a network takes its own state");
        seen
    }
}

/// A run has fewer steps than 2 to this.
pub(super) const STEP_BITS: u32 = 30;

/// What one micro-batch gave.
struct MicroBatch {
    loss: f32,
    correct: f64,
    gradients: Gradients<f32>,
    layers: Option<LayersAtStep>,
    histograms: Vec<(String, EventHistogram)>,
    ops: Option<Timing>,
    forward: Duration,
    backward: Duration,
}

/// The gradient of every parameter that has one.
fn histograms(tape: &Tape<f32>, gradients: &Gradients<f32>) -> Vec<(String, EventHistogram)> {
    let mut all = Vec::new();
    for (name, _) in tape.parameters() {
        // A frozen parameter has none.
        let histogram = gradients.named(&name).ok().and_then(|gradient| EventHistogram::of(gradient.data()));
        all.extend(histogram.map(|histogram| (name, histogram)));
    }
    all
}

#[cfg(test)]
mod tests;
