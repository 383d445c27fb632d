//! Loss, accuracies and confusion of a network on a split.

use autograd::{Tape, Tensor};
use datasets::{Batch, Loader};
use layers::{Context, Execution, Layer, accuracy};
use serde::{Deserialize, Serialize};

use super::epoch::number;
use super::interrupt::Interrupt;
use super::trainer::Place;
use crate::error::Result;
use crate::record::{Cell, Csv};

/// How many classes a sample's label may be among for the second accuracy.
const TOP: usize = 5;

/// Sums over samples, so that a last partial batch has its own weight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    loss: f64,
    correct: f64,
    samples: u64,
}

/// Means over samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Mean cross-entropy.
    #[serde(deserialize_with = "number")]
    pub loss: f64,
    /// Share of samples whose largest logit is their label's.
    #[serde(deserialize_with = "number")]
    pub accuracy: f64,
}

impl Tally {
    /// Adds a batch with its mean loss; of a mixed batch, samples are right in parts.
    pub fn add(&mut self, mean_loss: f32, correct: f64, samples: usize) {
        self.loss += f64::from(mean_loss) * samples as f64;
        self.correct += correct;
        self.samples += samples as u64;
    }

    /// The means so far; zeros before any sample.
    pub fn metrics(&self) -> Metrics {
        let n = self.samples.max(1) as f64;
        Metrics { loss: self.loss / n, accuracy: self.correct / n }
    }

    /// Samples so far.
    pub fn samples(&self) -> u64 {
        self.samples
    }
}

/// What a network makes of a split, sample by sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Mean cross-entropy and accuracy.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// Share of samples whose label is among the five largest logits.
    pub top5: f64,
    /// The number of samples.
    pub samples: u64,
    /// What was taken for what.
    pub confusion: Confusion,
}

/// How often samples of one class were taken for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// `counts[label][predicted]`.
    pub counts: Vec<Vec<u64>>,
    /// By label, samples whose logits hold a NaN.
    pub without_prediction: Vec<u64>,
}

impl Confusion {
    fn new(classes: usize) -> Self {
        Self { counts: vec![vec![0; classes]; classes], without_prediction: vec![0; classes] }
    }

    fn add(&mut self, label: usize, predicted: Option<usize>) {
        match predicted {
            Some(class) => self.counts[label][class] += 1,
            None => self.without_prediction[label] += 1,
        }
    }

    /// By class, the number of its samples.
    pub fn samples(&self) -> Vec<u64> {
        let rows = self.counts.iter().zip(&self.without_prediction);
        rows.map(|(row, missing)| row.iter().sum::<u64>() + missing).collect()
    }

    /// By class, the share of its samples that were recognised; `None` for a class without samples.
    pub fn recall(&self) -> Vec<Option<f64>> {
        let share = |(class, samples): (usize, u64)| {
            (samples > 0).then(|| self.counts[class][class] as f64 / samples as f64)
        };
        self.samples().into_iter().enumerate().map(share).collect()
    }

    /// A row for each label: its name, its samples, its accuracy, and how often it was taken for each class.
    ///
    /// # Errors
    /// Never for names of the classes counted.
    pub fn csv(&self, classes: &[String]) -> Result<Csv> {
        let head = ["label", "samples", "accuracy"].map(String::from).into_iter();
        let mut csv = Csv::new(head.chain(classes.iter().map(|name| format!("as {name}"))));
        let rows = classes.iter().zip(self.samples()).zip(self.recall()).zip(&self.counts);
        for (((name, samples), recall), counts) in rows {
            let head = [Cell::from(name.as_str()), Cell::from(samples), Cell::from(recall)];
            csv.row(head.into_iter().chain(counts.iter().map(|&count| Cell::from(count))))?;
        }
        Ok(csv)
    }
}

/// The images of a batch as a tensor.
pub(super) fn tensor(batch: &mut Batch) -> Result<Tensor<f32>> {
    Ok(Tensor::new(batch.shape, std::mem::take(&mut batch.images))?)
}

/// What the network makes of everything `loader` yields, in evaluation mode, carried out as `execution` says, without label
/// smoothing.
///
/// # Errors
/// A loss that is not finite, after the step at `place`; images that cannot be read; the user's wish to stop.
pub fn evaluate(
    model: &mut dyn Layer<f32>,
    execution: Execution,
    loader: &Loader,
    place: Place,
    interrupt: &Interrupt,
) -> Result<Evaluation> {
    let (mut tally, mut top5) = (Tally::default(), 0u64);
    let mut confusion = Confusion::new(loader.split().classes());
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
        let logits = logits.value();
        let ranks = accuracy::ranks(&logits, &batch.labels)?;
        let within = |top: usize| ranks.iter().flatten().filter(|&&rank| rank < top).count();
        tally.add(mean_loss, within(1) as f64, batch.labels.len());
        top5 += within(TOP) as u64;
        for (&label, predicted) in batch.labels.iter().zip(accuracy::predictions(&logits)?) {
            confusion.add(label, predicted);
        }
    }
    let samples = tally.samples();
    let top5 = top5 as f64 / samples.max(1) as f64;
    Ok(Evaluation { metrics: tally.metrics(), top5, samples, confusion })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: 2 samples of mean loss 1 and 1 of loss 4 have the mean 2, not 2.5.
    #[test]
    fn a_short_batch_has_its_own_weight() {
        let mut tally = Tally::default();
        tally.add(1.0, 2.0, 2);
        tally.add(4.0, 0.0, 1);
        assert_eq!(tally.metrics(), Metrics { loss: 2.0, accuracy: 2.0 / 3.0 });
        assert_eq!(Tally::default().metrics(), Metrics { loss: 0.0, accuracy: 0.0 });
    }

    #[test]
    fn confusion_is_label_by_prediction() {
        let mut confusion = Confusion::new(3);
        for (label, predicted) in [(0, Some(0)), (0, Some(1)), (1, Some(1)), (0, None)] {
            confusion.add(label, predicted);
        }
        assert_eq!(confusion.samples(), [3, 1, 0]);
        assert_eq!(confusion.recall(), [Some(1.0 / 3.0), Some(1.0), None]);
        let names = ["a", "b, c", "d"].map(String::from);
        let text = confusion.csv(&names).unwrap().to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "label,samples,accuracy,as a,\"as b, c\",as d");
        assert!(lines[1].starts_with("a,3,0.333") && lines[1].ends_with(",1,1,0"), "{text}");
        assert_eq!(lines[2], "\"b, c\",1,1.0,0,1,0");
    }
}
