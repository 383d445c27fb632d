//! The lines of a run's record: what the training loop writes and what everything else reads.
//!
//! Each line is one of these with its `kind`, and with the run's activation and seed. A record of an earlier version has fewer
//! fields, and two under another name; what it lacks is absent here, too.

use anact::theory::LayerRow;
use datasets::Augmentation;
use serde::{Deserialize, Serialize};

use super::epoch::EpochMetrics;
use super::settings::Settings;
use crate::checkpoint::Best;

/// The line `start`: what a run is, once its data are read and its network is built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StartLine {
    /// Its settings.
    pub settings: Settings,
    /// Numbers that it learns.
    pub parameters: usize,
    /// Steps of an epoch.
    pub steps_per_epoch: usize,
    /// How images are augmented, `None` if they are not. The settings may leave it to the data; here is what came of that.
    #[serde(default, alias = "augmentation")]
    pub augmentation_in_effect: Option<Augmentation>,
    /// Its images; records of the first runs have none, and nothing of augmentation either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<ImageCounts>,
    /// SHA-256 of the classes' names and of all training and test images before any are held out, in hexadecimal: equal for
    /// equal data, whatever the seed. Only of runs that keep checkpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_sha256: Option<String>,
}

/// How many images each part has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageCounts {
    /// Learnt from.
    #[serde(alias = "training")]
    pub train: usize,
    /// Held out.
    pub validation: usize,
    /// Looked at once, at the end.
    pub test: usize,
}

/// The line `layers`: the layers as they were looked at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayersLine {
    /// `start`, `training` or `end`.
    pub when: String,
    /// Steps taken before.
    pub step: u64,
    /// Every layer with weights.
    pub rows: Vec<LayerRow>,
}

/// The line `resumed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ResumedLine {
    /// Steps taken before.
    #[serde(default)]
    pub step: u64,
}

/// The lines `paused` and `stopped`: a run that ends before its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EarlyEndLine {
    /// Why, in words.
    #[serde(default)]
    pub reason: Option<String>,
    /// Whether numbers ceased to be finite, as they would do again.
    #[serde(default)]
    pub diverged: bool,
}

/// What the test said after the last epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TestResult {
    /// Mean cross-entropy.
    pub loss: f64,
    /// Share of images classified right.
    pub accuracy: f64,
    /// Share of images whose label is among the five likeliest.
    pub top5: f64,
    /// How many images.
    pub images: u64,
}

/// The line `result`, a finished run's last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultLine {
    /// The test.
    pub test: TestResult,
    /// By class, the share of its images that were recognised; `None` of a class without images.
    #[serde(default)]
    pub class_accuracy: Vec<Option<f64>>,
    /// Test images by true class and prediction.
    #[serde(default)]
    pub confusion: Option<Vec<Vec<u64>>>,
    /// The epoch whose validation was best; `None` without validation.
    #[serde(default)]
    pub best: Option<Best>,
    /// Whose weights they are: the `last` step's, or their `average`.
    #[serde(default)]
    pub weights: Option<String>,
    /// SHA-256 of the weights, in hexadecimal.
    #[serde(default)]
    pub weights_sha256: Option<String>,
    /// Sites of normalized activations with the number of batches that gave no factor.
    #[serde(default)]
    pub degenerate_batches: Vec<(String, u64)>,
}

/// Any line after the first, as it is read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Line {
    Start(Box<StartLine>),
    Epoch(EpochMetrics),
    Layers(LayersLine),
    Resumed(ResumedLine),
    Paused(EarlyEndLine),
    Stopped(EarlyEndLine),
    Result(Box<ResultLine>),
    /// What a later version may write.
    #[serde(other)]
    Other,
}
