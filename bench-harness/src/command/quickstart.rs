//! `anact quickstart`: the project's question, answered in a minute.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::output::{Output, say};
use crate::data::load_data;
use crate::error::{Error, Result};
use crate::plot::{Chart, Series};
use crate::record::{RunFolder, default_folder, versions};
use crate::run::{
    CAVEAT, EpochMetrics, Interrupt, Options, Outcome, Progress, RunContext, Session, Settings,
    TheoryComparison, Watchers,
};
use crate::statistics::mean_and_error;
use crate::table::Table;

/// The two sides of the comparison: the vanilla activation and its normalized twin.
const SIDES: [&str; 2] = ["swish", "nswish"];
/// Channels of the first stage: half the usual, for the sake of the minute.
const WIDTH: usize = 8;
/// What fits into a minute on two cores.
const SEEDS: u64 = 3;
const EPOCHS: u64 = 2;

/// Arguments of `anact quickstart`.
#[derive(Debug, Args)]
pub(super) struct Quickstart {
    /// Paired runs, with seeds 0, 1, …: each trains both activations from the same weights on the same batches
    #[arg(long, default_value_t = SEEDS)]
    seeds: u64,
    /// Passes over the 4,500 images that are trained on; 500 are held out
    #[arg(long, default_value_t = EPOCHS)]
    epochs: u64,
    /// Folder for the record [default: runs/TIME-quickstart]
    #[arg(long)]
    output: Option<PathBuf>,
    #[command(flatten)]
    printed: Output,
}

impl Default for Quickstart {
    fn default() -> Self {
        Self { seeds: SEEDS, epochs: EPOCHS, output: None, printed: Output::default() }
    }
}

/// The runs of one activation, by seed.
struct Side {
    name: &'static str,
    outcomes: Vec<Outcome>,
}

impl Quickstart {
    pub(super) fn run(self) -> Result<()> {
        if self.seeds == 0 {
            return Err(Error::Setting { setting: "--seeds", value: "0".into(), legal: "at least 1".into() });
        }
        let settings = |activation: &str, seed| {
            Settings::of(Options {
                model: Some("resnet8".into()),
                width: Some(WIDTH),
                activation: Some(activation.into()),
                epochs: Some(self.epochs),
                batch: Some(64),
                seed: Some(seed),
                ..Options::default()
            })
        };
        let first = settings(SIDES[0], 0)?;
        let data = load_data(&first)?;
        // All runs are built before a folder is made for them.
        let mut sessions = Vec::new();
        for seed in 0..self.seeds {
            for (side, activation) in SIDES.into_iter().enumerate() {
                let label = format!("{activation:<6} seed {seed}");
                sessions.push((side, label, Session::new(settings(activation, seed)?, &data)?));
            }
        }
        let folder = RunFolder::create(self.output.clone().unwrap_or_else(|| default_folder("quickstart")))?;
        let mut record = folder.records()?;
        record.write(
            "config",
            &json!({
                "sides": SIDES,
                "seeds": self.seeds,
                "data": { "checks": data.checks, "remarks": data.remarks },
                "versions": versions(rayon::current_num_threads()),
            }),
        )?;
        say!(
            self.printed,
            "Swish against normalized Swish: {} of width {WIDTH} on {}, seeds: {}, epochs: {}",
            first.model,
            data.name,
            self.seeds,
            self.epochs
        );

        let interrupt = Interrupt::listen();
        let mut sides = SIDES.map(|name| Side { name, outcomes: Vec::new() });
        for (side, label, session) in sessions {
            let context = RunContext {
                label: &label,
                record: &mut record,
                interrupt: &interrupt,
                keeping: None,
                watchers: Watchers::default().with(Progress::on_stderr(self.printed.is_json())),
            };
            sides[side].outcomes.push(session.run(context, None)?);
        }
        let written = write_files(&folder, &sides);
        // First what was found, and then that it could not be written down.
        print_summary(&sides, self.printed);
        written?;
        say!(
            self.printed,
            "\nrecorded in {}: record.jsonl, CSV tables, SVG pictures",
            folder.path().display()
        );
        self.printed.record(&folder)
    }
}

fn write_files(folder: &RunFolder, sides: &[Side]) -> Result<()> {
    let (mut epochs, mut layers) = (EpochMetrics::csv(), TheoryComparison::csv());
    for side in sides {
        for (seed, outcome) in (0u64..).zip(&side.outcomes) {
            EpochMetrics::append_to(&mut epochs, side.name, seed, &outcome.epochs)?;
            outcome.start.append_to(&mut layers, side.name, seed, ("start", 0))?;
            outcome.end.append_to(&mut layers, side.name, seed, ("end", outcome.steps))?;
        }
    }
    folder.write_csv("epochs.csv", &epochs)?;
    folder.write_csv("layers.csv", &layers)?;

    let mut loss = Chart::new("Training loss")
        .x_label("epoch")
        .y_label("cross-entropy (nats), mean and range over seeds");
    let mut accuracy =
        Chart::new("Validation accuracy").x_label("epoch").y_label("accuracy (%), mean and range over seeds");
    for side in sides {
        loss = loss.series(curve(side, |e| e.train.loss));
        accuracy = accuracy.series(curve(side, |e| e.validation.map_or(f64::NAN, |v| 100.0 * v.accuracy)));
    }
    folder.write("loss.svg", loss.to_svg())?;
    folder.write("accuracy.svg", accuracy.to_svg())?;
    folder
        .write("gradient_variance_start.svg", gradients(sides, "before training", |o| &o.start).to_svg())?;
    folder.write("gradient_variance_end.svg", gradients(sides, "after training", |o| &o.end).to_svg())?;
    Ok(())
}

/// Mean over seeds with the band from smallest to largest.
fn curve(side: &Side, read: fn(&EpochMetrics) -> f64) -> Series {
    let epochs = side.outcomes[0].epochs.len();
    let at = |i: usize| side.outcomes.iter().map(move |o| read(&o.epochs[i]));
    let points = (0..epochs).map(|i| ((i + 1) as f64, at(i).sum::<f64>() / side.outcomes.len() as f64));
    let lower = (0..epochs).map(|i| at(i).fold(f64::INFINITY, f64::min));
    let upper = (0..epochs).map(|i| at(i).fold(f64::NEG_INFINITY, f64::max));
    Series::line(side.name, points).band(lower, upper)
}

/// Gradient variance by layer, measured (mean over seeds) and predicted (dashed).
fn gradients(sides: &[Side], when: &str, read: fn(&Outcome) -> &TheoryComparison) -> Chart {
    let layers = read(&sides[0].outcomes[0]).rows.iter().map(|r| r.layer.clone());
    let mut chart = Chart::by_category(format!("Gradient variance by layer {when}"), layers)
        .y_label("E[(∂L/∂w)²], mean over seeds")
        .log_y();
    for (colour, side) in sides.iter().enumerate() {
        let mean = |read_row: fn(&anact::theory::LayerRow) -> Option<f64>| {
            let rows = read(&side.outcomes[0]).rows.len();
            (0..rows)
                .map(|i| {
                    let values = side.outcomes.iter().filter_map(|o| read_row(&read(o).rows[i]));
                    values.sum::<f64>() / side.outcomes.len() as f64
                })
                .collect::<Vec<_>>()
        };
        chart = chart
            .series(Series::line_by_category(side.name, mean(|r| r.measured.weight_gradient)).colour(colour))
            .series(
                Series::line_by_category(
                    format!("{}, predicted", side.name),
                    mean(|r| r.predicted.weight_gradient),
                )
                .colour(colour)
                .dashed(),
            );
    }
    chart
}

fn print_summary(sides: &[Side; 2], out: Output) {
    say!(out, "\nPer layer before training, seed 0, each column predicted | measured");
    for side in sides {
        let [forward, backward] = side.outcomes[0].start.tables();
        say!(out, "\n{}\n\n{forward}\n{backward}", side.name);
    }
    say!(out, "{CAVEAT}");
    let accuracy = |o: &Outcome| 100.0 * o.test.metrics.accuracy;
    let mut table =
        Table::new().text("seed").number(sides[0].name).number(sides[1].name).number("difference");
    let mut differences = Vec::new();
    for (seed, (a, b)) in sides[0].outcomes.iter().zip(&sides[1].outcomes).enumerate() {
        let (a, b) = (accuracy(a), accuracy(b));
        differences.push(b - a);
        table.row([seed.to_string(), format!("{a:.2} %"), format!("{b:.2} %"), format!("{:+.2}", b - a)]);
    }
    say!(out, "\nTest accuracy after the last epoch\n{table}");
    match mean_and_error(&differences) {
        (mean, Some(error)) => say!(out, "paired difference {mean:+.2} points, standard error {error:.2}"),
        (mean, None) => say!(out, "paired difference {mean:+.2} points; one seed gives no standard error"),
    }
}
