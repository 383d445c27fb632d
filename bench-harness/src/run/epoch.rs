//! What one epoch did, and tables of epochs.

use serde::{Deserialize, Deserializer, Serialize};

use super::evaluation::Metrics;
use crate::error::Result;
use crate::record::{Cell, Csv};

/// What one epoch did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// Counted from 1.
    pub epoch: u64,
    /// Means over the training images as they were seen, augmented and with the weights of the moment.
    pub train: Metrics,
    /// On the images held out, after the epoch; `None` if none are.
    pub validation: Option<Metrics>,
    /// The learning rate of the epoch's last step.
    #[serde(deserialize_with = "number")]
    pub lr: f64,
    /// Training time.
    #[serde(deserialize_with = "number")]
    pub seconds: f64,
    /// Of which steps waited for their batches.
    #[serde(deserialize_with = "number")]
    pub waited: f64,
    /// Training images per second; NaN if that is not known.
    #[serde(deserialize_with = "number")]
    pub images_per_s: f64,
}

/// A number as it is read back: in a record `null` is one that is not finite; a checkpoint, which is binary, holds every number itself.
pub(super) fn number<'de, D: Deserializer<'de>>(value: D) -> std::result::Result<f64, D::Error> {
    if value.is_human_readable() {
        Ok(Option::deserialize(value)?.unwrap_or(f64::NAN))
    } else {
        f64::deserialize(value)
    }
}

impl EpochMetrics {
    /// An epoch of which nothing is known.
    pub(super) fn unknown(epoch: u64) -> Self {
        let nan = f64::NAN;
        let train = Metrics { loss: nan, accuracy: nan };
        Self { epoch, train, validation: None, lr: nan, seconds: nan, waited: nan, images_per_s: nan }
    }

    /// An empty CSV table of epochs.
    pub fn csv() -> Csv {
        Csv::new([
            "activation",
            "seed",
            "epoch",
            "train_loss",
            "train_accuracy",
            "validation_loss",
            "validation_accuracy",
            "lr",
            "seconds",
            "waited_s",
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
                Some(e.train.loss),
                Some(e.train.accuracy),
                e.validation.map(|v| v.loss),
                e.validation.map(|v| v.accuracy),
                Some(e.lr),
                Some(e.seconds),
                Some(e.waited),
                Some(e.images_per_s),
            ];
            let head = [Cell::from(activation), Cell::from(seed), Cell::from(e.epoch)];
            csv.row(head.into_iter().chain(numbers.map(Cell::from)))?;
        }
        Ok(())
    }
}
