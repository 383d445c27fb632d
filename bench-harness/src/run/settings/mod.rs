//! A training run's complete, checked settings.

mod augmentation;
mod optimiser;
mod schedule;

use std::fmt::Display;
use std::path::PathBuf;

use anact::NormalizedSettings;
use datasets::{Augmentation, CLASS_ORDERS, ClassOrder, Split};
use layers::models::{HEADS, ModelEntry, STEMS, Variant};
use layers::optim::{Average, Averaging, Clipping, Groups, Optimizer, OptimizerSettings, Schedule};
use layers::{Execution, Init};
use serde::{Deserialize, Serialize};

pub use augmentation::JitterOption;
pub(super) use augmentation::complete;
pub use optimiser::GroupOption;
pub use schedule::ScheduleSettings;

use super::log::Log;
use super::options::Options;
use crate::error::{Error, Result};

/// The settings that no number of a run's result depends on.
pub(crate) const WITHOUT_EFFECT: [&str; 8] = [
    "data",
    "workers",
    "find_anomalies",
    "checkpoint_blocks",
    "inspect_every",
    "checkpoint_steps",
    "keep",
    "log",
];

/// What a run does. Written into its record, and enough to repeat it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
// What an older version did not know has its default; what a later one knows and this one does not is refused.
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "each field is the option of the same name, documented there and in --help")]
pub struct Settings {
    pub dataset: String,
    pub data: Option<PathBuf>,
    pub image_size: Option<usize>,
    pub class_order: ClassOrder,
    pub train_images: Option<usize>,
    pub test_images: Option<usize>,
    /// `None` is a tenth of the training images, see [`Settings::hold_out`].
    pub validation_images: Option<usize>,
    pub model: String,
    pub width: Option<usize>,
    pub depth: Option<usize>,
    /// How the network departs from its usual form.
    pub variant: Variant,
    pub activation: String,
    pub init: String,
    pub normalized: NormalizedSettings,
    pub epochs: u64,
    pub batch: usize,
    pub lr: f64,
    pub schedule: ScheduleSettings,
    pub optimizer: OptimizerSettings,
    pub groups: Groups,
    pub clipping: Option<Clipping>,
    pub average: Option<Averaging>,
    /// Epochs before the average begins.
    pub average_start: u64,
    /// Micro-batches of a step.
    pub accumulate: usize,
    pub smoothing: f64,
    /// `None` leaves it to the data: colour images are augmented.
    pub augment: Option<bool>,
    /// Augmentations besides those.
    pub augmentation: Augmentation,
    /// Threads that make batches ahead of time.
    pub workers: usize,
    /// Whether every step looks for gradients that are not finite.
    pub find_anomalies: bool,
    /// Whether residual blocks keep only their input and are computed once more.
    pub checkpoint_blocks: bool,
    /// Whether convolutions are computed by their definition's sums only.
    pub exact: bool,
    pub inspect_every: Option<u64>,
    /// Steps between checkpoints besides those at the end of every epoch.
    pub checkpoint_steps: Option<u64>,
    /// Checkpoints that stay.
    pub keep: usize,
    /// What it writes besides; the record is always among them.
    pub log: Vec<Log>,
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self::of(Options::default()).expect("the defaults are legal")
    }
}

impl Settings {
    /// Fills in defaults and checks everything that can be checked before data are read.
    ///
    /// # Errors
    /// A value out of range or a name that does not exist.
    pub fn of(o: Options) -> Result<Self> {
        let epochs = at_least_one("--epochs", o.epochs.unwrap_or(10))?;
        let model = o.model.clone().unwrap_or_else(|| "resnet20".into());
        let entry = ModelEntry::<f32>::named(&model)?;
        let variant = Variant {
            stem: o.stem.as_deref().map(|name| one_of(name, "--stem", STEMS)).transpose()?,
            head: o.head.as_deref().map(|name| one_of(name, "--head", HEADS)).transpose()?,
            preactivation: o.preactivation.unwrap_or(false),
            zero_gamma: o.zero_gamma.unwrap_or(false),
            stochastic_depth: o.stochastic_depth,
            dropout: o.dropout,
        };
        entry.check(&variant)?;
        let lr = optimiser::rate(&o, entry.rate)?;
        let schedule = schedule::schedule(&o, epochs)?;
        let (optimizer, groups) = (optimiser::optimizer(&o)?, optimiser::groups(&o)?);
        let (clipping, average) = (optimiser::clipping(&o)?, optimiser::averaging(&o)?);
        let (augment, augmentation) = augmentation::asked(&o)?;
        let average_start = optimiser::average_start(&o, average, epochs)?;
        // Each checks itself when it is made; here nothing has been read or written yet.
        let checked = Optimizer::<f32>::new(optimizer)?;
        clipping.map(|clipping| checked.clipping(clipping)).transpose()?;
        average.map(Average::<f32>::new).transpose()?;
        Schedule::new(lr, schedule.warmup_epochs, epochs, schedule.decay.clone())?;
        if let Some(data) = o.data.as_ref().filter(|data| data.to_str().is_none()) {
            return Err(refused("--data", data.display(), "a path in UTF-8, for runs write it down"));
        }
        for (option, path) in [("--data", &o.data), ("--output", &o.output)] {
            if path.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
                return Err(refused(option, "empty", "a path"));
            }
        }
        let init = o.init.unwrap_or_else(|| "lecun_normal".into());
        Init::named(&init)?;
        let defaults = NormalizedSettings::default();
        let normalized = NormalizedSettings {
            statistics: choose(o.statistics, "--statistics", anact::STATISTICS_SOURCES, defaults.statistics)?,
            moment: choose(o.moment, "--moment", anact::FORWARD_MOMENTS, defaults.moment)?,
            gradient: choose(o.gradient, "--gradient", anact::GRADIENT_MODES, defaults.gradient)?,
            granularity: choose(o.granularity, "--granularity", anact::GRANULARITIES, defaults.granularity)?,
            averaging: anact::Averaging {
                guard: choose(o.guard, "--guard", anact::GUARDS, defaults.averaging.guard)?,
                ..defaults.averaging
            },
        };
        let settings = Self {
            dataset: o.dataset.unwrap_or_else(|| "fashion-mnist-5k".into()),
            data: o.data,
            image_size: o.image_size,
            class_order: choose(o.class_order, "--class-order", CLASS_ORDERS, ClassOrder::Sorted)?,
            train_images: o.train_images,
            test_images: o.test_images,
            validation_images: o.validation_images,
            model,
            width: o.width,
            depth: o.depth,
            variant,
            activation: o.activation.unwrap_or_else(|| "nswish".into()),
            init,
            normalized,
            epochs,
            batch: o.batch.unwrap_or(128),
            lr,
            schedule,
            optimizer,
            groups,
            clipping,
            average,
            average_start,
            accumulate: o.accumulate.unwrap_or(1),
            smoothing: o.smoothing.unwrap_or(0.0),
            augment,
            augmentation,
            workers: o.workers.unwrap_or(1),
            find_anomalies: o.find_anomalies.unwrap_or(false),
            checkpoint_blocks: o.checkpoint_blocks.unwrap_or(false),
            exact: o.exact.unwrap_or(false),
            inspect_every: o.inspect_every,
            checkpoint_steps: o.checkpoint_steps,
            keep: o.keep.unwrap_or(2),
            log: Log::complete(o.log.unwrap_or_default()),
            seed: o.seed.unwrap_or(0),
        };
        settings.check_ranges()?;
        Ok(settings)
    }

    /// Refuses counts and a smoothing that are out of range; other numbers are checked by what is made of them.
    pub(super) fn check_ranges(&self) -> Result<()> {
        let number = |count: Option<usize>| count.map(|count| count as u64);
        for (setting, count) in [
            ("--epochs", Some(self.epochs)),
            ("--batch", number(Some(self.batch))),
            ("--train-images", number(self.train_images)),
            ("--test-images", number(self.test_images)),
            ("--inspect-every", self.inspect_every),
            ("--checkpoint-steps", self.checkpoint_steps),
            ("--keep", number(Some(self.keep))),
        ] {
            at_least_one(setting, count.unwrap_or(1))?;
        }
        if !(1..=MOST_MICRO_BATCHES).contains(&self.accumulate) {
            return Err(refused("--accumulate", self.accumulate, "from 1 to 1024"));
        }
        if self.workers > MOST_WORKERS {
            return Err(refused("--workers", self.workers, "from 0 to 256"));
        }
        match (0.0..1.0).contains(&self.smoothing) {
            true => Ok(()),
            false => Err(refused("--smoothing", self.smoothing, "a number from 0 to below 1")),
        }
    }

    /// The training images that are learnt from and those held out for validation: as many as asked for, or a tenth; none where a
    /// tenth would leave a class without an image.
    ///
    /// # Errors
    /// A number asked for that would leave a class without an image in either part.
    pub fn hold_out(&self, train: &Split) -> Result<(Split, Split)> {
        let none = || (train.clone(), train.head(0));
        match self.validation_images {
            Some(0) => Ok(none()),
            Some(count) => train.hold_out(count, self.seed).map_err(|error| match error {
                datasets::Error::LoaderOption { expected, .. } => {
                    refused("--validation-images", count, &expected)
                }
                other => other.into(),
            }),
            None => Ok(train.hold_out(train.len() / VALIDATION_SHARE, self.seed).unwrap_or_else(|_| none())),
        }
    }

    /// All settings as JSON, from which [`Settings::from_json`] makes the same again.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("settings are plain data")
    }

    /// The settings that a run's result depends on, as JSON: all but [`WITHOUT_EFFECT`].
    pub(crate) fn that_count(&self) -> String {
        let mut value = serde_json::to_value(self).expect("settings are plain data");
        if let Some(fields) = value.as_object_mut() {
            fields.retain(|key, _| !WITHOUT_EFFECT.contains(&key.as_str()));
        }
        value.to_string()
    }

    /// The settings of a run from what it has written down.
    ///
    /// # Errors
    /// Text that is not of this version's settings, with the field that is wrong; a number out of range.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        let settings: Self = serde_json::from_str(text)?;
        settings.check_ranges().map_err(serde::de::Error::custom)?;
        Ok(settings)
    }

    /// How a step is carried out that is looked at op by op.
    pub(super) fn op_by_op(&self) -> Execution {
        Execution { fused: false, checkpoint_blocks: false, ..self.execution() }
    }

    /// How a trained network is carried out where nothing goes backward.
    pub(crate) fn evaluating(&self) -> Execution {
        Execution { checkpoint_blocks: false, ..self.execution() }
    }

    /// How a training step is carried out.
    pub(crate) fn execution(&self) -> Execution {
        Execution { exact: self.exact, fused: true, checkpoint_blocks: self.checkpoint_blocks }
    }
}

/// Micro-batches of a step: in the 64 bits that key random masks the layers of a network take 24 and the step the trainer's 30,
/// which leaves 10.
const MOST_MICRO_BATCHES: usize = 1024;

/// Threads that make batches: far more than help.
const MOST_WORKERS: usize = 256;

/// One training image in so many is held out for validation, unless told otherwise.
const VALIDATION_SHARE: usize = 10;

/// The value called `name` in a list of named values.
fn choose<T: Copy>(
    name: Option<String>,
    option: &'static str,
    values: &[(&str, T)],
    default: T,
) -> Result<T> {
    name.map_or(Ok(default), |name| one_of(&name, option, values))
}

/// The value called `name`, which was given for `option`.
///
/// # Errors
/// No value of that name.
pub(crate) fn one_of<T: Copy>(name: &str, option: &'static str, values: &[(&str, T)]) -> Result<T> {
    let found = values.iter().find(|(n, _)| *n == name);
    found.map(|v| v.1).ok_or_else(|| {
        let legal: Vec<_> = values.iter().map(|(n, _)| *n).collect();
        refused(option, name, &legal.join(" or "))
    })
}

fn at_least_one(setting: &'static str, value: u64) -> Result<u64> {
    if value == 0 { Err(refused(setting, 0, "at least 1")) } else { Ok(value) }
}

fn refused(setting: &'static str, value: impl Display, legal: &str) -> Error {
    Error::Setting { setting, value: value.to_string(), legal: legal.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(options: Options) -> String {
        Settings::of(options).unwrap_err().to_string()
    }

    /// What a checkpoint holds: every bit of every number, and of an older version what it knew.
    #[test]
    fn settings_come_back_from_json() {
        let settings = Settings::of(Options {
            lr: Some(0.1 + 0.2),
            optimizer: Some("lion".into()),
            group: Some(vec!["fc.*:rate=0.3,decay=0".parse().unwrap()]),
            jitter: Some("0.4,0.3,0.2,0.1".parse().unwrap()),
            schedule: Some("one-cycle".into()),
            clip_norm: Some(1.0 / 3.0),
            average: Some("ema".into()),
            class_order: Some("file".into()),
            ..Options::default()
        })
        .unwrap();
        assert_eq!(Settings::from_json(&settings.to_json()).unwrap(), settings);
        let older = Settings::from_json("{\"epochs\": 3}").unwrap();
        assert_eq!(older, Settings { epochs: 3, ..Settings::default() });
        // What a later version may know cannot be left out in silence.
        for later in
            ["{\"epoch\": 3}", "{\"variant\": {\"stems\": null}}", "{\"schedule\": {\"warmdown\": 1}}"]
        {
            let text = Settings::from_json(later).unwrap_err().to_string();
            assert!(text.contains("unknown field"), "{text}");
        }
    }

    /// As for options, by the same check.
    #[test]
    fn numbers_in_json_are_in_range() {
        for (text, words) in [
            (r#"{"accumulate": 0}"#, "--accumulate is 0; want from 1 to 1024"),
            (r#"{"accumulate": 1025}"#, "--accumulate is 1025; want from 1 to 1024"),
            (r#"{"train_images": 0}"#, "--train-images is 0; want at least 1"),
            (r#"{"test_images": 0}"#, "--test-images is 0; want at least 1"),
            (r#"{"checkpoint_steps": 0}"#, "--checkpoint-steps is 0; want at least 1"),
            (r#"{"keep": 0}"#, "--keep is 0; want at least 1"),
            (r#"{"workers": 257}"#, "--workers is 257; want from 0 to 256"),
            (r#"{"batch": 0}"#, "--batch is 0; want at least 1"),
            (r#"{"epochs": 0}"#, "--epochs is 0; want at least 1"),
            (r#"{"inspect_every": 0}"#, "--inspect-every is 0; want at least 1"),
            (r#"{"smoothing": 1.0}"#, "--smoothing is 1; want a number from 0 to below 1"),
        ] {
            assert_eq!(Settings::from_json(text).unwrap_err().to_string(), words);
        }
    }

    #[test]
    fn bad_values_say_what_would_be_right() {
        assert_eq!(error(Options { batch: Some(0), ..Options::default() }), "--batch is 0; want at least 1");
        assert_eq!(
            error(Options { lr: Some(f64::NAN), ..Options::default() }),
            "--lr is NaN; want a positive number"
        );
        for (options, part) in [
            (Options { momentum: Some(1.5), ..Options::default() }, "momentum is 1.5"),
            (Options { clip_norm: Some(0.0), ..Options::default() }, "limit is 0"),
            (
                Options { average: Some("ema".into()), average_decay: Some(2.0), ..Options::default() },
                "decay is 2",
            ),
            (
                Options { min_lr: Some(1.0), lr: Some(0.1), ..Options::default() },
                "the rate falls from 0.1 to 1",
            ),
            (Options { workers: Some(1000), ..Options::default() }, "--workers is 1000; want from 0 to 256"),
        ] {
            let text = error(options);
            assert!(text.contains(part), "no `{part}` in: {text}");
        }
        // On a command line there is no such value, so that no sweep could hand it on.
        assert_eq!(
            error(Options { data: Some("".into()), ..Options::default() }),
            "--data is empty; want a path"
        );
        let every = Options { inspect_every: Some(0), ..Options::default() };
        assert_eq!(error(every), "--inspect-every is 0; want at least 1");
        let text = error(Options { moment: Some("row".into()), ..Options::default() });
        assert_eq!(text, "--moment is row; want raw or centered");
        assert!(error(Options { init: Some("lecun".into()), ..Options::default() }).contains("lecun_normal"));
    }
}
