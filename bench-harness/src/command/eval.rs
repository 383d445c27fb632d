//! `anact eval`: what a trained network makes of a data set.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use datasets::{Loader, LoaderConfig, Split};
use serde_json::json;

use super::data_set::load_noted;
use super::output::Output;
use super::weights::RunWeights;
use crate::error::{Error, Result};
use crate::record::write_atomic;
use crate::run::{Confusion, Evaluation, Interrupt, Place, Settings, evaluate};
use crate::table::Table;

/// Pairs of classes shown that are taken for each other most often.
const PAIRS: usize = 10;

/// Which images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Those that the run did not train on or choose by
    Test,
    /// Those held out of the training images
    Validation,
    /// Those trained on, not augmented
    Train,
}

/// Arguments of `anact eval`.
#[derive(Debug, Args)]
pub(super) struct Eval {
    #[command(flatten)]
    run: RunWeights,
    /// Which images of the run's data set
    #[arg(long, value_enum, default_value_t = Part::Test)]
    split: Part,
    /// The data set's folder, archive or packed file, if it is not where the run had it
    #[arg(long)]
    data: Option<PathBuf>,
    /// Write the confusion matrix as CSV
    #[arg(long, value_name = "FILE")]
    confusion: Option<PathBuf>,
    #[command(flatten)]
    printed: Output,
}

impl Eval {
    pub(super) fn run(self) -> Result<()> {
        let (card, mut network) = self.run.open()?;
        let settings =
            Settings { data: self.data.clone().or(card.settings.data.clone()), ..card.settings.clone() };
        let data = load_noted(&settings)?;
        if data.classes != card.classes {
            return Err(Error::Setting {
                setting: "--data",
                value: format!("{} with the classes {}", data.name, data.classes.join(", ")),
                legal: format!("the classes of the run, {}", card.classes.join(", ")),
            });
        }
        let (train, validation) = settings.hold_out(&data.train)?;
        if self.split == Part::Validation && validation.is_empty() {
            return Err(Error::Setting {
                setting: "--split",
                value: "validation".into(),
                legal: "test or train: the run held no images out".into(),
            });
        }
        let split: Split = match self.split {
            Part::Test => data.test.clone(),
            Part::Validation => validation,
            Part::Train => train,
        };
        let loader = Loader::new(split, LoaderConfig::evaluation(settings.batch, card.normalisation()?))?;
        let execution = settings.evaluating();
        // Nothing is trained: the place is in no message.
        let place = Place { epoch: 0, step: 0 };
        let interrupt = Interrupt::listen();
        let evaluation = evaluate(network.as_mut(), execution, &loader, place, &interrupt).map_err(
            |error| match error {
                Error::Diverged { loss, anomaly, .. } => Error::File {
                    path: self.run.file(),
                    problem: format!(
                        "these weights give a loss of {loss} on the images{}",
                        anomaly.map(|a| format!("\n{a}")).unwrap_or_default()
                    ),
                },
                other => other,
            },
        )?;
        if let Some(path) = &self.confusion {
            write_atomic(path, evaluation.confusion.csv(&card.classes)?.to_string())?;
        }
        if self.printed.is_json() {
            println!("{}", in_json(&evaluation, &card.classes));
        } else {
            print(&evaluation, &card.classes);
        }
        Ok(())
    }
}

fn in_json(evaluation: &Evaluation, classes: &[String]) -> serde_json::Value {
    let Evaluation { metrics, top5, samples, confusion } = evaluation;
    let by_class = classes.iter().zip(confusion.recall()).zip(confusion.samples());
    let by_class: Vec<_> = by_class
        .map(
            |((class, accuracy), samples)| json!({ "class": class, "images": samples, "accuracy": accuracy }),
        )
        .collect();
    json!({
        "images": samples,
        "loss": metrics.loss,
        "accuracy": metrics.accuracy,
        "top5": top5,
        "classes": by_class,
        "confusion": confusion.counts,
    })
}

fn print(evaluation: &Evaluation, classes: &[String]) {
    let Evaluation { metrics, top5, samples, confusion } = evaluation;
    println!(
        "{samples} images: accuracy {:.2} %, top 5 {:.2} %, loss {:.4}\n",
        100.0 * metrics.accuracy,
        100.0 * top5,
        metrics.loss
    );
    let mut table = Table::new().text("class").number("images").number("accuracy");
    for ((class, samples), recall) in classes.iter().zip(confusion.samples()).zip(confusion.recall()) {
        let share = recall.map_or("–".into(), |share| format!("{:.2} %", 100.0 * share));
        table.row([class.clone(), samples.to_string(), share]);
    }
    println!("{table}");
    let pairs = most_confused(confusion);
    if !pairs.is_empty() {
        let mut table = Table::new().text("most often wrong").text("taken for").number("images");
        for (label, predicted, count) in pairs {
            table.row([classes[label].clone(), classes[predicted].clone(), count.to_string()]);
        }
        println!("{table}");
    }
}

/// Label, prediction and count of the most frequent mistakes.
fn most_confused(confusion: &Confusion) -> Vec<(usize, usize, u64)> {
    let rows = confusion.counts.iter().enumerate();
    let cells =
        rows.flat_map(|(label, row)| row.iter().enumerate().map(move |(p, &count)| (label, p, count)));
    let mut wrong: Vec<_> = cells.filter(|&(label, p, count)| label != p && count > 0).collect();
    wrong.sort_by_key(|&(_, _, count)| std::cmp::Reverse(count));
    wrong.truncate(PAIRS);
    wrong
}
