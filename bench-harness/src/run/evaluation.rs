//! Loss and accuracy of a network on a split.

use autograd::{Tape, Tensor};
use datasets::{Batch, Loader};
use layers::{Context, Execution, Layer, accuracy};
use serde::Serialize;

use super::interrupt::Interrupt;
use super::trainer::Place;
use crate::error::Result;

/// Sums over samples, so that a last partial batch has its own weight.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    loss: f64,
    correct: usize,
    samples: usize,
}

/// Means over samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Metrics {
    /// Mean cross-entropy.
    pub loss: f64,
    /// Share of samples whose largest logit is their label's.
    pub accuracy: f64,
}

impl Tally {
    /// Adds a batch with its mean loss.
    pub(super) fn add(&mut self, mean_loss: f32, correct: usize, samples: usize) {
        self.loss += f64::from(mean_loss) * samples as f64;
        self.correct += correct;
        self.samples += samples;
    }

    pub(super) fn metrics(&self) -> Metrics {
        let n = self.samples.max(1) as f64;
        Metrics { loss: self.loss / n, accuracy: self.correct as f64 / n }
    }
}

/// The images of a batch as a tensor.
pub(super) fn tensor(batch: &mut Batch) -> Result<Tensor<f32>> {
    Ok(Tensor::new(batch.shape, std::mem::take(&mut batch.images))?)
}

/// The network's metrics on everything `loader` yields, in evaluation mode, carried out as `execution` says, without label
/// smoothing.
///
/// # Errors
/// A loss that is not finite, after the step at `place`; the user's wish to stop.
pub(super) fn evaluate(
    model: &mut dyn Layer<f32>,
    execution: Execution,
    loader: &Loader,
    place: Place,
    interrupt: &Interrupt,
) -> Result<Metrics> {
    let mut tally = Tally::default();
    for batch in loader.epoch(0) {
        let mut batch = batch?;
        interrupt.check()?;
        let tape = Tape::new();
        let images = tape.constant(tensor(&mut batch)?);
        let logits = model.forward(&Context::eval(&tape).executing(execution), images)?;
        let mean_loss = logits.cross_entropy(&batch.labels, 0.0)?.value().item()?;
        if !mean_loss.is_finite() {
            return Err(place.diverged(mean_loss, tape.first_anomaly()?.map(Box::new)));
        }
        tally.add(mean_loss, accuracy::correct(&logits.value(), &batch.labels)?, batch.labels.len());
    }
    Ok(tally.metrics())
}
