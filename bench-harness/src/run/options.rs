//! The options of a training run, as flags and as a TOML file.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};

use super::log::Log;
use super::settings::{GroupOption, JitterOption};
use crate::error::{Error, Result};

/// Defines [`Options`] together with the merge that puts flags on top of a file, so that no field is forgotten.
macro_rules! options {
    ($($(#[$attribute:meta])* $field:ident: $type:ty,)*) => {
        /// Every option of a training run; what is not given takes the default of [`Settings`](super::Settings).
        /// The same names, with underscores, are the keys of a TOML file.
        #[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Options {
            $($(#[$attribute])* #[arg(long)] pub $field: Option<$type>,)*
        }

        impl Options {
            /// The names of the options that are given, as flags.
            pub fn given(&self) -> Vec<String> {
                let given = [$((self.$field.is_some(), stringify!($field)),)*];
                let given = given.into_iter().filter(|(is_given, _)| *is_given);
                given.map(|(_, field)| format!("--{}", field.replace('_', "-"))).collect()
            }

            /// The names of all options, as keys of a file.
            pub const KEYS: &[&str] = &[$(stringify!($field),)*];

            /// The options that are given as words of a command line.
            pub fn arguments(&self) -> Vec<String> {
                let mut words = Vec::new();
                $(if let Some(value) = &self.$field {
                    value.append(&format!("--{}", stringify!($field).replace('_', "-")), &mut words);
                })*
                words
            }

            /// `self` where given, else `below`.
            #[must_use]
            pub fn over(self, below: Self) -> Self {
                Self { $($field: self.$field.or(below.$field),)* }
            }
        }
    };
}

/// A value as words of a command line.
trait Words {
    /// Appends the flag and the value.
    fn append(&self, flag: &str, words: &mut Vec<String>);
}

/// A flag and its value, as one word where the value would be taken for a flag.
fn append(flag: &str, value: String, words: &mut Vec<String>) {
    if value.starts_with('-') {
        words.push(format!("{flag}={value}"));
    } else {
        words.extend([flag.to_string(), value]);
    }
}

/// What `Display` writes is what the flag reads.
macro_rules! displayed {
    ($($type:ty),*) => {
        $(impl Words for $type {
            fn append(&self, flag: &str, words: &mut Vec<String>) {
                append(flag, self.to_string(), words);
            }
        })*
    };
}

displayed!(String, usize, u64, f64, bool, JitterOption, GroupOption);

impl Words for PathBuf {
    fn append(&self, flag: &str, words: &mut Vec<String>) {
        append(flag, self.display().to_string(), words);
    }
}

impl Words for Vec<u64> {
    fn append(&self, flag: &str, words: &mut Vec<String>) {
        let numbers: Vec<_> = self.iter().map(u64::to_string).collect();
        append(flag, numbers.join(","), words);
    }
}

impl Words for Vec<Log> {
    fn append(&self, flag: &str, words: &mut Vec<String>) {
        let names: Vec<_> = self.iter().map(Log::to_string).collect();
        // No log besides the record, which is what no flag says.
        if !names.is_empty() {
            append(flag, names.join(","), words);
        }
    }
}

impl Words for Vec<GroupOption> {
    fn append(&self, flag: &str, words: &mut Vec<String>) {
        self.iter().for_each(|group| group.append(flag, words));
    }
}

options! {
    /// Data set, see `anact list datasets` [default: fashion-mnist-5k]
    dataset: String,
    /// The data set's folder, archive or packed file, or the folder that one of them lies in
    data: PathBuf,
    /// Height and width of images as the network sees them, for image folders with pictures of several sizes
    image_size: usize,
    /// How classes are numbered: sorted by name, or as in the data set's own file [default: sorted]
    class_order: String,
    /// Use only the first N training images
    train_images: usize,
    /// Use only the first N test images
    test_images: usize,
    /// Training images held out for validation, the same share of every class, drawn by the seed; 0 for none [default: a tenth, or none where a class would be left without an image]
    validation_images: usize,
    /// Network, see `anact list models` [default: resnet20]
    model: String,
    /// Hidden units, or channels of the first stage [default: the network's usual width]
    width: usize,
    /// Hidden layers of mlp, layers with weights of plain [default: the network's usual depth]
    depth: usize,
    /// Stem of the ImageNet residual networks, small (3x3), medium (3x3 of stride 2, for 64 pixels) or imagenet (7x7 of stride 2 and pooling) [default: small]
    stem: String,
    /// Head of the VGG networks, small (mean over positions, one dense layer) or imagenet (three dense layers, for 224 pixels) [default: small]
    head: String,
    /// Residual blocks with normalization and activation in front of convolutions (He et al. 2016b)
    #[arg(num_args = 0..=1, default_missing_value = "true")]
    preactivation: bool,
    /// The scale of the last normalization in each residual branch starts at 0 (Goyal et al. 2017)
    #[arg(num_args = 0..=1, default_missing_value = "true")]
    zero_gamma: bool,
    /// Probability with which the last residual block's branch is dropped from a sample, earlier ones in proportion to their place (Huang et al. 2016) [default: 0]
    stochastic_depth: f64,
    /// Probability with which an element is dropped, in the networks that have dropout [default: 0; 0.5 with the imagenet head]
    dropout: f64,
    /// Activation, see `anact list activations`; a family's parameter in parentheses, as in "swish(1.702)"; a rival's prefix, as in gp-tanh [default: nswish]
    activation: String,
    /// How weights are drawn, see `anact list inits` [default: lecun_normal]
    init: String,
    /// Normalized activations: statistics used in training, running or batch [default: running]
    statistics: String,
    /// Normalized activations: forward moment, raw or centered [default: raw]
    moment: String,
    /// Normalized activations: gradient through the statistics, detached or full (full needs --statistics batch) [default: detached]
    gradient: String,
    /// Normalized activations: one factor per layer or per channel [default: layer]
    granularity: String,
    /// Normalized activations: what a batch outside the bounds does to the running statistics, clamp or reject [default: clamp]
    guard: String,
    /// Passes over the training set [default: 10]
    epochs: u64,
    /// Images of a batch; a step takes --accumulate of them [default: 128]
    batch: usize,
    /// Highest learning rate [default: the network's usual rate, see `anact list models`]
    lr: f64,
    /// Course of the learning rate: cosine, step, multi-step, one-cycle or constant [default: cosine]
    schedule: String,
    /// With --schedule cosine: the rate that it nears at the end [default: 0]
    min_lr: f64,
    /// Epochs over which the learning rate rises in equal steps to its highest [default: 1, or 0 in runs of fewer than 5 epochs and with one-cycle]
    warmup_epochs: u64,
    /// With --schedule step: epochs between falls [default: a third of the run]
    step_epochs: u64,
    /// With --schedule step or multi-step: the factor of each fall [default: 0.1]
    step_factor: f64,
    /// With --schedule multi-step: the epochs after which the rate falls, as in 80,120 [default: after a half and three quarters]
    #[arg(value_delimiter = ',')]
    milestones: Vec<u64>,
    /// Optimiser, see `anact list optimizers` [default: sgd]
    optimizer: String,
    /// Momentum of sgd [default: 0.9]
    momentum: f64,
    /// Nesterov's momentum [default: true, unless --momentum is 0]
    #[arg(num_args = 0..=1, default_missing_value = "true")]
    nesterov: bool,
    /// β₁ of adam, adamw and lion [default: 0.9]
    beta1: f64,
    /// β₂ of adam, adamw (0.999) and lion (0.99)
    beta2: f64,
    /// ε of adam and adamw [default: 1e-8]
    eps: f64,
    /// Weight decay [default: that of the optimiser, 5e-4 of sgd]
    weight_decay: f64,
    /// How weight decay acts in sgd, coupled (L2) or decoupled [default: coupled]
    decay: String,
    /// What weight decay acts on: all parameters or weights (no bias, norm or activation parameter) [default: weights]
    decayed: String,
    /// Parameters treated apart, PATTERN:rate=FACTOR,decay=NUMBER,frozen; may be given more than once, the first match decides
    group: Vec<GroupOption>,
    /// Clip gradients so that their norm over all parameters is at most this
    clip_norm: f64,
    /// Clip every element of gradients to this magnitude
    clip_value: f64,
    /// Keep an average of the weights and evaluate with it: ema (exponential) or swa (uniform)
    average: String,
    /// With --average ema: the share of the past [default: 0.999]
    average_decay: f64,
    /// With --average: epochs before it begins [default: 0 for ema, three quarters of the run for swa]
    average_start: u64,
    /// Micro-batches of a step, whose gradients are averaged; memory is that of one [default: 1]
    accumulate: usize,
    /// Label smoothing [default: 0]
    smoothing: f64,
    /// Random crops and mirror images in training [default: true for colour images, else false]
    #[arg(num_args = 0..=1, default_missing_value = "true")]
    augment: bool,
    /// A named recipe of augmentations in place of --augment, see `anact list recipes`
    recipe: String,
    /// Training images are random regions of at least this share, resized, in place of padded crops
    resized_crop: f64,
    /// Colour jitter: brightness, contrast, saturation and hue, as in 0.4,0.4,0.4,0.1
    jitter: JitterOption,
    /// Cutout: the side of a square of mean colour
    cutout: usize,
    /// Random erasing: the share of images with a rectangle of mean colour
    erasing: f64,
    /// Mixup: α of the weights' Beta distribution
    mixup: f64,
    /// Threads that make batches ahead of time; batches are the same for any number [default: 1]
    workers: usize,
    /// Look for the first gradient that is not finite in every step; a loss that is not is always traced to its origin
    #[arg(num_args = 0..=1, default_missing_value = "true")]
    find_anomalies: bool,
    /// Residual blocks keep only their input for the way back and are computed once more: less memory, more time, the same bits
    #[arg(num_args = 0..=1, default_missing_value = "true")]
    checkpoint_blocks: bool,
    /// Convolutions by their definition's sums only, never by Winograd's transforms: slower, smaller rounding errors
    #[arg(num_args = 0..=1, default_missing_value = "true")]
    exact: bool,
    /// Compare the layers with the theory in the first step, every N steps and in the last, on the step's own batch
    inspect_every: u64,
    /// Write a checkpoint every N steps, besides those at the end of every epoch
    checkpoint_steps: u64,
    /// Number of newest checkpoints to keep [default: 2]
    keep: usize,
    /// Logs besides the record record.jsonl: csv (epochs.csv and steps.csv, row by row), tensorboard (event files in the folder tensorboard), as in csv,tensorboard
    #[arg(value_delimiter = ',')]
    log: Vec<Log>,
    /// Seed of weights, order of the images, augmentation and dropout [default: 0]
    seed: u64,
    /// Folder for the run's record; must not hold one yet [default: runs/TIME-MODEL-ACTIVATION]
    output: PathBuf,
}

impl Options {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// The file cannot be read, is no TOML, or has a key that is no option, with the near ones, or a value of the wrong type.
    pub fn read(path: &Path) -> Result<Self> {
        let refuse = |problem| Error::File { path: path.to_path_buf(), problem };
        let text = std::fs::read_to_string(path).map_err(|e| refuse(format!("cannot be read: {e}")))?;
        toml::from_str(&text).map_err(|e| refuse(unknown_option(&text).unwrap_or_else(|| e.to_string())))
    }
}

/// Of a TOML text the first key that is no option, with the near ones.
fn unknown_option(text: &str) -> Option<String> {
    let table: toml::Table = toml::from_str(text).ok()?;
    let key = table.keys().find(|key| !Options::KEYS.contains(&key.as_str()))?;
    Some(unknown_key(text, "option", key, Options::KEYS))
}

/// What is said of `key`, a key in the TOML text `text` that is none of the `names` of its kind: its line and the near names.
pub(crate) fn unknown_key(text: &str, kind: &'static str, key: &str, names: &[&str]) -> String {
    // Flags have dashes where keys have underscores.
    let unknown = autograd::Error::unknown(kind, &key.replace('-', "_"), names.iter().copied());
    let has_near = matches!(&unknown, autograd::Error::UnknownName { near, .. } if !near.is_empty());
    let help = if has_near || kind != "option" { "" } else { "; `anact train --help` has them all" };
    let is_there = |line: &str| {
        let line = line.split('#').next().unwrap_or_default().trim();
        let name = line.split('=').next().unwrap_or_default();
        name.trim().trim_matches(['[', ']', '"']).trim() == key
    };
    let line = text.lines().position(is_there);
    let place = line.map_or_else(String::new, |line| format!("line {}: ", line + 1));
    format!("{place}{unknown}{help}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file() {
        let file: Options = toml::from_str("epochs = 3\nlr = 0.5").unwrap();
        let flags = Options { epochs: Some(7), ..Options::default() };
        let merged = flags.over(file);
        assert_eq!((merged.epochs, merged.lr, merged.batch), (Some(7), Some(0.5), None));
    }

    #[test]
    fn an_unknown_key_of_a_file_comes_with_the_near_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.toml");
        for (text, parts) in [
            ("seed = 1\nepoch = 3\n", ["line 2", "did you mean epochs"]),
            ("epochs = 3\nepoch = 4\n", ["line 2", "did you mean epochs"]),
            ("train-images = 3", ["line 1", "did you mean train_images"]),
            ("[optimiser]\nlr = 1", ["line 1", "did you mean optimizer"]),
            ("qqqq = 1", ["line 1", "anact train --help"]),
            // What is known and wrong is said as before.
            ("epochs = \"three\"", ["epochs", "invalid type"]),
        ] {
            std::fs::write(&path, text).unwrap();
            let message = Options::read(&path).unwrap_err().to_string();
            for part in parts {
                assert!(message.contains(part), "no `{part}` in: {message}");
            }
        }
    }

    #[test]
    fn logs_are_a_list() {
        let options: Options = toml::from_str("log = [\"csv\", \"tensorboard\"]").unwrap();
        assert_eq!(options.arguments(), ["--log", "csv,tensorboard"]);
        let text = toml::from_str::<Options>("log = [\"cvs\"]").unwrap_err().to_string();
        assert!(text.contains("csv"), "{text}");
    }

    /// What a sweep hands to a process: a folder may begin with a dash, and a list may be empty.
    #[test]
    fn words_are_never_taken_for_flags() {
        let options: Options = toml::from_str("data = \"-d\"\nlog = []\ndropout = -0.0").unwrap();
        assert_eq!(options.arguments(), ["--data=-d", "--dropout=-0"]);
        let command = Options::augment_args(clap::Command::new("train").no_binary_name(true));
        let matches = command.try_get_matches_from(options.arguments()).unwrap();
        let read = <Options as clap::FromArgMatches>::from_arg_matches(&matches).unwrap();
        assert_eq!(Options { log: Some(Vec::new()), ..read }, options);
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        let text = toml::from_str::<Options>("epoch = 3").unwrap_err().to_string();
        assert!(text.contains("epoch") && text.contains("epochs"), "{text}");
    }
}
