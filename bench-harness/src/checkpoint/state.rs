//! What a checkpoint remembers besides arrays.

use serde::{Deserialize, Serialize};

use crate::run::{EpochMetrics, Tally};

/// Where a run stands, between two steps of its optimiser.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// The program's version, for messages.
    pub version: String,
    /// The run's settings as JSON: text survives a setting that is added later. All else here is of this version of the
    /// envelope; another field wants another version.
    pub settings: String,
    /// The data it is trained on.
    pub data: DataIdentity,
    /// How far it is.
    pub position: Position,
    /// The epochs that are over.
    pub epochs: Vec<EpochMetrics>,
    /// The epoch with the best validation so far.
    pub best: Option<Best>,
    /// The length of the record when this was written; what follows is written again. Layers looked at in training are read
    /// back from the lines before.
    pub record_bytes: u64,
    /// Name and SHA-256 of every file beside this one; another name wants another version of the envelope.
    pub files: Vec<(String, [u8; 32])>,
}

/// What tells one data set from another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataIdentity {
    /// The registry's name.
    pub name: String,
    /// Training, validation and test images.
    pub images: [u64; 3],
    /// SHA-256 of the classes' names and of every [split](datasets::Split::sha256): labels and pixels in order.
    pub samples: [u8; 32],
    /// Mean and deviation of each channel of the training images.
    pub normalisation: Vec<(f64, f64)>,
}

/// How far a run is. All random numbers of a step follow from this and the seed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Steps taken.
    pub step: u64,
    /// Epochs that are over.
    pub epoch: u64,
    /// Batches of the present epoch that were used.
    pub batch: u64,
    /// The present epoch's sums so far.
    pub tally: Tally,
    /// The time it took so far.
    pub seconds: f64,
    /// Of which the step waited for its batch.
    pub waited: f64,
}

/// The epoch whose validation accuracy was best, the first of equals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Counted from 1.
    pub epoch: u64,
    /// Its validation accuracy.
    pub accuracy: f64,
    /// Its validation loss.
    pub loss: f64,
    /// SHA-256 of the weights' file, in hexadecimal; records of the first runs have none.
    #[serde(default)]
    pub weights_sha256: String,
}
