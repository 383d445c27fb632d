//! The TOML file of a run's options.

use anact::activation;
use autograd::ops::activation::ACTIVATIONS;
use bench_harness::run::{Options, Settings};
use clap::{Args, Command, FromArgMatches};
use datasets::DATASETS;

use super::{accepted, on_disk};

/// Words that stand in files of options, for a fuzzer: it finds single bytes by itself.
pub fn words() -> Vec<&'static str> {
    let names = ACTIVATIONS.iter().map(|entry| entry.name).chain(DATASETS.iter().map(|entry| entry.name));
    Options::KEYS.iter().copied().chain(names).chain(EXTRA).collect()
}

/// Of tar, zip, packed files, records and values.
const EXTRA: [&str; 18] = [
    "kind",
    "settings",
    "config",
    "start",
    "epoch",
    "layers",
    "result",
    "metrics",
    "ustar",
    "path=",
    "size=",
    "GNU.sparse.",
    "[options]",
    "[[grid]]",
    "one-cycle",
    "multi-step",
    "mlp",
    "true",
];

/// Options are those of their words on a command line, and settings those of their JSON.
pub fn config(bytes: &[u8]) -> bool {
    let Some(options) = accepted(on_disk("run.toml", bytes, Options::read), "run.toml") else { return false };
    let Some(settings) = accepted(Settings::of(options.clone()), "") else { return false };
    let again = Settings::from_json(&settings.to_json()).expect("settings that were written");
    assert_eq!(again, settings);
    let _ = accepted(activation::<f32>(&settings.activation, &settings.normalized), "");
    are_words(&options);
    true
}

/// What a sweep hands to the process of a run is what the plan says.
pub(super) fn are_words(options: &Options) {
    let command = Options::augment_args(Command::new("train").no_binary_name(true));
    let matches = command.try_get_matches_from(options.arguments());
    let matches = matches.unwrap_or_else(|error| panic!("{:?}: {error}", options.arguments()));
    let again = Options::from_arg_matches(&matches).expect("words that were matched");
    // The words of a file's empty list are none, and mean the same.
    let (again, options) = (Settings::of(again), Settings::of(options.clone()));
    assert_eq!(again.expect("legal options"), options.expect("legal options"));
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "epochs = 3\nlr = 0.5\nseed = 1\nmodel = \"mlp\"\nwidth = 10\ndepth = 2\n",
        "activation = \"swish(1.702)\"\noptimizer = \"adamw\"\nlr = 0.001\nschedule = \"multi-step\"\nmilestones = [3, 6]\n",
        "group = [\"fc.*:rate=0.3,decay=0\"]\njitter = \"0.4,0.3,0.2,0.1\"\nlog = [\"csv\", \"tensorboard\"]\n",
        "dataset = \"cifar10\"\ndata = \"/data\"\nactivation = \"dks(50)-tanh\"\naverage = \"ema\"\nclip_norm = 1.0\n",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}
