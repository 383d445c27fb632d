//! Tables and pictures of the study.

use anact::theory::LayerRow;
use serde_json::json;

use super::super::{interval_text, level_text};
use super::{Network, Pair, Side};
use crate::command::output::{Output, say};
use crate::error::Result;
use crate::plot::{Chart, Series};
use crate::record::{Cell, Csv};
use crate::run::{DELTA, Quantity, WEIGHT_GRADIENT};
use crate::study::{StudyFolder, Summary, deviation, slope};
use crate::table::Table;

/// What is looked at in every layer.
const GRADIENTS: [Quantity; 2] = [WEIGHT_GRADIENT, DELTA];

/// A number that says how uneven a quantity is over layers, of its logarithms.
struct Measure {
    name: &'static str,
    about: &'static str,
    of: fn(&[f64]) -> Option<f64>,
    /// What becomes smaller where layers are alike: the size of a slope, whatever its sign.
    is_signed: bool,
}

const MEASURES: [Measure; 2] = [
    Measure { name: "deviation", about: "standard deviation", of: deviation, is_signed: false },
    Measure { name: "slope", about: "slope per layer", of: slope, is_signed: true },
];

/// A quantity's logarithm in every layer; `None` where the run did not get there.
fn logs(quantity: &Quantity, side: &Side, seed: usize, step: u64) -> Option<Vec<f64>> {
    let log = |row: &LayerRow| (quantity.read)(&row.measured).unwrap_or(f64::NAN).ln();
    Some(side.rows(seed, step)?.iter().map(log).collect())
}

/// A measure for every seed.
fn by_seed(quantity: &Quantity, side: &Side, step: u64, measure: &Measure) -> Vec<Option<f64>> {
    (0..side.courses.len()).map(|seed| (measure.of)(&logs(quantity, side, seed, step)?)).collect()
}

/// How the tables are to be read.
const READING: &str = "\
Logarithms are natural, intervals Student's. A difference above 0 says that the normalized activation
keeps layers more alike. By the general form the ratio of E[(∂L/∂w)²] in neighbouring layers is ρ/ρ′,
free of any factor λ: before training a scale shows in E[δ²], and layers whose signal fades forwards as
fast as their gradients do backwards look alike in E[(∂L/∂w)²].";

/// When the layers were looked at: the number of steps taken, and its name.
fn moments(steps: u64) -> [(u64, &'static str); 2] {
    [(0, "start"), (steps, "end")]
}

/// Writes and prints everything.
pub(super) fn report(folder: &mut StudyFolder, networks: &[Network], steps: u64, out: Output) -> Result<()> {
    folder.csv("layers.csv", &layers_csv(networks, steps)?)?;
    let mut csv = Csv::new([
        "model",
        "vanilla",
        "quantity",
        "measure",
        "when",
        "vanilla_mean",
        "vanilla_se",
        "normalized_mean",
        "normalized_se",
        "difference",
        "difference_se",
        "lower",
        "upper",
        "pairs",
    ]);
    for network in networks {
        for (step, when) in moments(steps) {
            let mut table = Table::new().text("activation").text("of the logarithm of").text("over layers");
            for head in ["vanilla", "normalized", "difference"] {
                table = table.number(head);
            }
            table = table.number(level_text()).number("pairs");
            for pair in &network.pairs {
                for quantity in &GRADIENTS {
                    for measure in &MEASURES {
                        let found = Contrast::of(pair, quantity, measure, step);
                        table.row(found.cells(pair, quantity, measure));
                        found.write(
                            folder,
                            &mut csv,
                            [&network.model, &pair.vanilla.activation, quantity.name, measure.name, when],
                        )?;
                    }
                }
            }
            let taken = if step == 0 { "before training".to_string() } else { format!("after {step} steps") };
            say!(
                out,
                "\n{} {taken}, mean ± standard error over seeds; the difference, vanilla minus normalized, is\n\
                 paired by seed, and taken of slopes without their sign\n{table}",
                network.model
            );
            for quantity in &GRADIENTS {
                let chart = chart(network, quantity, step, &taken);
                folder.chart(&format!("{}_{}_{when}.svg", network.model, quantity.name), &chart)?;
            }
        }
    }
    folder.csv("summary.csv", &csv)?;
    say!(out, "{READING}");
    let lost = networks.iter().flat_map(|n| &n.pairs).flat_map(|p| [&p.vanilla, &p.normalized]);
    let lost = lost.flat_map(|s| &s.courses).filter(|c| c.diverged.is_some()).count();
    if lost > 0 {
        say!(out, "{lost} runs diverged and are missing after training");
    }
    Ok(())
}

/// Vanilla and normalized in one measure.
struct Contrast {
    vanilla: Option<Summary>,
    normalized: Option<Summary>,
    difference: Option<Summary>,
}

impl Contrast {
    fn of(pair: &Pair, quantity: &Quantity, measure: &Measure, step: u64) -> Self {
        let [a, b] = [&pair.vanilla, &pair.normalized].map(|side| by_seed(quantity, side, step, measure));
        let size = |x: f64| if measure.is_signed { x.abs() } else { x };
        let differences = a.iter().zip(&b).filter_map(|(a, b)| Some(size((*a)?) - size((*b)?)));
        let difference = Summary::of(&differences.collect::<Vec<_>>());
        let summary =
            |values: Vec<Option<f64>>| Summary::of(&values.into_iter().flatten().collect::<Vec<_>>());
        Self { vanilla: summary(a), normalized: summary(b), difference }
    }

    fn cells(&self, pair: &Pair, quantity: &Quantity, measure: &Measure) -> [String; 8] {
        let mean = |s: Option<Summary>, sign: bool| match s {
            None => "·".to_string(),
            Some(s) => {
                let error = s.standard_error.map_or_else(String::new, |e| format!(" ± {e:.3}"));
                if sign { format!("{:+.3}{error}", s.mean) } else { format!("{:.3}{error}", s.mean) }
            }
        };
        [
            pair.vanilla.activation.clone(),
            quantity.heading.to_string(),
            measure.about.to_string(),
            mean(self.vanilla, measure.is_signed),
            mean(self.normalized, measure.is_signed),
            mean(self.difference, true),
            interval_text(self.difference.and_then(|d| d.t_interval)),
            self.difference.map_or(0, |d| d.n).to_string(),
        ]
    }

    fn write(&self, folder: &mut StudyFolder, csv: &mut Csv, names: [&str; 5]) -> Result<()> {
        let [model, vanilla, quantity, measure, when] = names;
        folder.write(
            "summary",
            &json!({
                "model": model, "activation": vanilla, "quantity": quantity, "measure": measure, "when": when,
                "vanilla": self.vanilla, "normalized": self.normalized, "difference": self.difference,
            }),
        )?;
        let pair = |s: Option<Summary>| [s.map(|s| s.mean), s.and_then(|s| s.standard_error)];
        let interval = self.difference.and_then(|d| d.t_interval);
        let numbers = [pair(self.vanilla), pair(self.normalized), pair(self.difference)];
        let ends = [interval.map(|i| i.0), interval.map(|i| i.1)];
        let numbers = numbers.into_iter().flatten().chain(ends).map(Cell::from);
        let pairs = Cell::from(self.difference.map_or(0, |d| d.n));
        Ok(csv.row(names.map(Cell::from).into_iter().chain(numbers).chain([pairs]))?)
    }
}

/// Every layer relative to the network's geometric mean: the mean over seeds of the logarithms, with their range.
fn chart(network: &Network, quantity: &Quantity, step: u64, taken: &str) -> Chart {
    let sides = || network.pairs.iter().flat_map(|p| [&p.vanilla, &p.normalized]);
    let first = sides().find_map(|s| (0..s.courses.len()).find_map(|seed| s.rows(seed, step)));
    let layers = first.unwrap_or_default().iter().map(|r| r.layer.clone());
    let mut chart =
        Chart::by_category(format!("{}: gradient variance by layer {taken}", network.model), layers)
            .x_label("layer, from input to output")
            .y_label(format!("{} over its geometric mean", quantity.heading))
            .description("Lines are geometric means over seeds, bands their range.")
            .log_y()
            .reference("alike in all layers", 1.0);
    for (colour, side) in sides().enumerate() {
        let runs: Vec<Vec<f64>> = (0..side.courses.len())
            .filter_map(|seed| {
                let logs = logs(quantity, side, seed, step)?;
                let mean = logs.iter().sum::<f64>() / logs.len() as f64;
                Some(logs.iter().map(|log| log - mean).collect())
            })
            .collect();
        let count = runs.first().map_or(0, Vec::len);
        let at = |i: usize| runs.iter().map(move |run| run[i]);
        let series = Series::line_by_category(
            &side.activation,
            (0..count).map(|i| (at(i).sum::<f64>() / runs.len() as f64).exp()),
        )
        .band(
            (0..count).map(|i| at(i).fold(f64::INFINITY, f64::min).exp()),
            (0..count).map(|i| at(i).fold(f64::NEG_INFINITY, f64::max).exp()),
        )
        .colour(colour);
        chart = chart.series(series);
    }
    chart
}

fn layers_csv(networks: &[Network], steps: u64) -> Result<Csv> {
    let head = ["model", "activation", "seed", "when", "step", "place", "layer"];
    let mut csv = Csv::new(head.into_iter().chain(GRADIENTS.iter().map(|q| q.name)));
    for network in networks {
        for side in network.pairs.iter().flat_map(|p| [&p.vanilla, &p.normalized]) {
            for seed in 0..side.courses.len() {
                for (step, when) in moments(steps) {
                    for (place, row) in side.rows(seed, step).unwrap_or_default().iter().enumerate() {
                        let cells = [
                            Cell::from(network.model.as_str()),
                            Cell::from(side.activation.as_str()),
                            Cell::from(seed),
                            Cell::from(when),
                            Cell::from(step),
                            Cell::from(place),
                            Cell::from(row.layer.as_str()),
                        ];
                        csv.row(
                            cells
                                .into_iter()
                                .chain(GRADIENTS.iter().map(|q| Cell::from((q.read)(&row.measured)))),
                        )?;
                    }
                }
            }
        }
    }
    Ok(csv)
}
