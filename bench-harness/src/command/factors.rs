//! `anact factors`: what normalizes each activation, by the Gaussian theory alone.

use std::collections::BTreeMap;

use anact::ForwardMoment::{Centered, Raw};
use anact::rivals::{Coefficients, RIVALS, RivalEntry, coefficients};
use anact::theory::gaussian_moments;
use anact::{backward_factor, forward_factor};
use autograd::ops::activation::ACTIVATIONS;
use clap::Args;
use serde::Serialize;

use super::output::Output;
use crate::error::Result;
use crate::table::{Table, sig};

/// Arguments of `anact factors`.
#[derive(Debug, Args)]
pub(super) struct Factors {
    /// Standard deviation of the activation's input
    #[arg(long, default_value_t = 1.0)]
    std: f64,
    /// Mean of the activation's input
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    mean: f64,
    /// Only these activations, separated by commas; rivals such as gp-tanh are allowed [default: every plain one]
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    activations: Vec<String>,
    #[command(flatten)]
    printed: Output,
}

/// What is known of one activation; `None` where it is not defined.
#[derive(Debug, Serialize)]
struct Row {
    activation: String,
    mean: f64,
    std: f64,
    rho: f64,
    rho_centered: f64,
    rho_prime: f64,
    slope: f64,
    lambda: Option<f64>,
    lambda_centered: Option<f64>,
    lambda_forward: Option<f64>,
    lambda_backward: Option<f64>,
    /// By prefix, at standard normal input whatever `mean` and `std` are.
    rivals: BTreeMap<&'static str, Option<Coefficients>>,
}

impl Row {
    fn of(name: &str, mean: f64, std: f64) -> Result<Self> {
        let m = gaussian_moments(name, mean, std)?;
        // Undefined for this function; an unknown name has been refused above.
        let rival = |prefix: &str| -> Option<Coefficients> { coefficients(&format!("{prefix}-{name}")).ok() };
        Ok(Self {
            activation: name.to_string(),
            mean,
            std,
            rho: m.rho(),
            rho_centered: m.rho_centered(),
            rho_prime: m.rho_prime(),
            slope: m.slope(),
            lambda: m.lambda(Raw),
            lambda_centered: m.lambda(Centered),
            lambda_forward: forward_factor(m.rho()),
            lambda_backward: backward_factor(m.rho_prime()),
            rivals: RIVALS.iter().map(|r| (r.prefix, rival(r.prefix))).collect(),
        })
    }
}

impl Factors {
    pub(super) fn run(self) -> Result<()> {
        let all = || ACTIVATIONS.iter().map(|a| a.name.to_string()).collect();
        let names = if self.activations.is_empty() { all() } else { self.activations };
        let rows =
            names.iter().map(|n| Row::of(n.trim(), self.mean, self.std)).collect::<Result<Vec<_>>>()?;
        if self.printed.is_json() {
            println!("{}", serde_json::to_string_pretty(&rows).expect("plain numbers and names"));
        } else {
            print!("{}", text(&rows, self.mean, self.std));
        }
        Ok(())
    }
}

/// What tables keep to.
const WIDTH: usize = 100;

fn text(rows: &[Row], mean: f64, std: f64) -> String {
    let headers = ["ρ", "ρ centred", "ρ′", "slope a", "λ", "λ centred", "λ_f", "λ_b"];
    let mut factors = headers.iter().fold(Table::new().text("activation"), |t, header| t.number(*header));
    for row in rows {
        let ratios = [row.rho, row.rho_centered, row.rho_prime, row.slope].map(Some);
        let lambdas = [row.lambda, row.lambda_centered, row.lambda_forward, row.lambda_backward];
        let cells = ratios.into_iter().chain(lambdas).map(|x| cell(x, 1e-14));
        factors.row(std::iter::once(row.activation.clone()).chain(cells));
    }
    let variance = if std == 1.0 { "1".to_string() } else { format!("{std}²") };
    let mut text = format!(
        "For z ~ N({mean}, {variance}): ρ = E[f²]/s², centred Var[f]/s²; ρ′ = E[f′²]; slope a = E[z f f′]/E[f²];\n\
         λ = √(½(1/ρ + 1/ρ′)), also with the centred ρ; λ_f = 1/√ρ keeps forward moments alone,\n\
         λ_b = 1/√ρ′ backward ones alone.\n{factors}"
    );
    let rivals: Vec<Rival> = RIVALS.iter().filter_map(|entry| Rival::of(entry, rows)).collect();
    if rivals.is_empty() {
        return text;
    }
    text += "\nRivals a·f(c·x + d) + b, frozen for standard normal input; – where a function has none, or none was\n\
             found, and b = 0, c = 1, d = 0 where the column is left out.\n";
    let mut meanings = Table::new().text("prefix").text("what it makes of f");
    for rival in &rivals {
        let default =
            rival.entry.parameter.map_or_else(String::new, |p| format!(", {} = {}", p.name, p.default));
        meanings.row([rival.entry.prefix.to_string(), format!("{}{default}", rival.entry.about)]);
    }
    text += &meanings.to_string();
    let mut columns = vec![Column::names(rows)];
    for rival in rivals {
        let width = |columns: &[Column]| columns.iter().map(|c| c.width() + 2).sum::<usize>() - 2;
        if columns.len() > 1 && width(&columns) + 2 + width(&rival.columns) > WIDTH {
            text += &format!("\n{}", table(&columns));
            columns.truncate(1);
        }
        columns.extend(rival.columns);
    }
    text + &format!("\n{}", table(&columns))
}

/// The numbers of one rival for every activation.
struct Rival {
    entry: &'static RivalEntry,
    columns: Vec<Column>,
}

impl Rival {
    /// `None` where no row has numbers.
    fn of(entry: &'static RivalEntry, rows: &[Row]) -> Option<Self> {
        let numbers: Vec<Option<Coefficients>> = rows.iter().map(|row| row.rivals[entry.prefix]).collect();
        if numbers.iter().all(Option::is_none) {
            return None;
        }
        type Read = fn(&Coefficients) -> Option<f64>;
        let reads: [(&str, Read); 5] = [
            ("a", |k| Some(k.a)),
            ("b", |k| Some(k.b)),
            ("c", |k| Some(k.c)),
            ("d", |k| Some(k.d)),
            ("parameter", |k| k.parameter),
        ];
        let columns = reads.into_iter().filter_map(|(letter, read)| {
            // What leaves f as it is says nothing; but every rival shows its factor.
            let plain = read(&Coefficients::IDENTITY);
            let says_something = |k: &Coefficients| read(k) != plain;
            (letter == "a" || numbers.iter().flatten().any(says_something)).then(|| Column {
                heading: format!("{} {letter}", entry.prefix),
                // Offsets of odd functions are roundings of 0 beside factors of order 1.
                cells: numbers.iter().map(|k| cell(k.as_ref().and_then(read), 5e-9)).collect(),
            })
        });
        Some(Self { entry, columns: columns.collect() })
    }
}

/// A heading and a cell for every activation.
struct Column {
    heading: String,
    cells: Vec<String>,
}

impl Column {
    fn names(rows: &[Row]) -> Self {
        Self { heading: "activation".into(), cells: rows.iter().map(|r| r.activation.clone()).collect() }
    }

    fn width(&self) -> usize {
        let cells = self.cells.iter().map(|cell| cell.chars().count());
        cells.chain([self.heading.chars().count()]).max().unwrap_or(0)
    }
}

/// The first column is text, the others are numbers.
fn table(columns: &[Column]) -> Table {
    let (first, numbers) = columns.split_first().expect("activations' names");
    let start = Table::new().text(&first.heading);
    let mut table = numbers.iter().fold(start, |table, column| table.number(&column.heading));
    for i in 0..first.cells.len() {
        table.row(columns.iter().map(|column| column.cells[i].as_str()));
    }
    table
}

/// Five digits; what is smaller than `rounding` is a rounding of 0.
fn cell(x: Option<f64>, rounding: f64) -> String {
    x.map_or_else(|| "–".into(), |x| sig(if x.abs() < rounding { 0.0 } else { x }, 5))
}
