//! `anact study`: what the paper claims, measured over activations and seeds.

mod convergence;
mod dense;
mod variance;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use datasets::Dataset;
use serde::Serialize;

use crate::command::data_set::load_noted;
use crate::error::{Error, Result};
use crate::run::{Options, Settings};
use crate::statistics::LEVEL;

/// Arguments of `anact study`.
#[derive(Debug, Args)]
pub(super) struct Study {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Does a network converge the better, the better the normalization property holds? Rank correlation of the
    /// property with the loss after some steps, over activations and seeds
    Convergence(convergence::Convergence),
    /// Does the normalized activation keep gradient variance alike in all layers? Vanilla beside normalized, before
    /// and after training
    Variance(variance::Variance),
    /// Where do pooled moments fail to predict gradient variance? Deep dense nets at initialisation, measured beside
    /// every theory and beside a chain of samples that needs no network
    Dense(dense::Dense),
}

impl Study {
    pub(super) fn run(self) -> Result<()> {
        match self.question {
            Question::Convergence(command) => command.run(),
            Question::Variance(command) => command.run(),
            Question::Dense(command) => command.run(),
        }
    }
}

/// What all studies are told.
#[derive(Debug, Args, Serialize)]
struct Common {
    /// Data set, see `anact list datasets`
    #[arg(long, default_value = "fashion-mnist-5k")]
    dataset: String,
    /// Folder that holds the data set's official files
    #[arg(long)]
    data: Option<PathBuf>,
    /// Use only the first N training images
    #[arg(long)]
    train_images: Option<usize>,
    /// Images per step
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// How weights are drawn, see `anact list inits`
    #[arg(long, default_value = "lecun_normal")]
    init: String,
    /// Runs of each network, with seeds 0, 1, …: equal seeds have equal weights and batches
    #[arg(long, default_value_t = 3)]
    seeds: u64,
}

impl Common {
    /// Settings of one run, everything else being `rest`. Weight decay is 0: what is looked at is the loss that is
    /// minimised.
    fn settings(&self, activation: &str, seed: u64, rest: Options) -> Result<Settings> {
        Settings::of(
            Options {
                dataset: Some(self.dataset.clone()),
                data: self.data.clone(),
                train_images: self.train_images,
                batch: Some(self.batch),
                init: Some(self.init.clone()),
                activation: Some(activation.to_string()),
                weight_decay: Some(0.0),
                augment: Some(false),
                seed: Some(seed),
                ..Options::default()
            }
            .over(rest),
        )
    }

    /// Refuses a study of nothing, else loads the data.
    fn load(&self, first: &Settings) -> Result<Dataset> {
        if self.seeds == 0 {
            return Err(refused("--seeds", "0", "at least 1"));
        }
        load_noted(first)
    }
}

/// Refuses a list that is empty or names something twice.
fn check_list(setting: &'static str, list: &[String]) -> Result<()> {
    if list.is_empty() {
        return Err(refused(setting, "empty", "at least one name"));
    }
    let twice = list.iter().enumerate().find(|(i, name)| list[..*i].contains(name));
    twice.map_or(Ok(()), |(_, name)| Err(refused(setting, format!("{name}, twice"), "each name once")))
}

fn refused(setting: &'static str, value: impl Into<String>, legal: &str) -> Error {
    Error::Setting { setting, value: value.into(), legal: legal.into() }
}

/// `[0.12, 0.57]`, to two digits after the point.
fn interval_text(interval: Option<(f64, f64)>) -> String {
    interval.map_or_else(|| "no interval".to_string(), |(a, b)| format!("[{a:.2}, {b:.2}]"))
}

/// The level of intervals, as in tables.
fn level_text() -> String {
    format!("{:.0} % interval", 100.0 * LEVEL)
}
