//! `anact bench moments`: what one call of the Gaussian moments costs, by activation and standard deviation.

use std::hint::black_box;
use std::time::Instant;

use anact::theory::gaussian_moments;
use autograd::ops::activation::ACTIVATIONS;
use clap::Args;
use serde::Serialize;

use crate::command::output::Output;
use crate::error::Result;
use crate::table::{Table, sig};

/// The standard deviations that are timed.
const STDS: [f64; 9] = [1e-6, 1e-3, 0.1, 0.5, 1.0, 2.0, 10.0, 1e3, 1e6];

/// Arguments of `anact bench moments`.
#[derive(Debug, Args)]
pub(super) struct Moments {
    /// The mean of z, in standard deviations
    #[arg(long, default_value_t = 0.3, allow_negative_numbers = true)]
    mean: f64,
    /// Calls in a row that are timed together
    #[arg(long, default_value_t = 50)]
    calls: usize,
    /// How often that is done; the median is shown
    #[arg(long, default_value_t = 11)]
    rounds: usize,
    #[command(flatten)]
    printed: Output,
}

/// Microseconds per call of one activation, by standard deviation.
#[derive(Debug, Serialize)]
struct Row {
    activation: &'static str,
    microseconds: Vec<f64>,
}

#[derive(Debug, Serialize)]
struct Report {
    mean_in_stds: f64,
    stds: [f64; STDS.len()],
    rows: Vec<Row>,
}

impl Moments {
    pub(super) fn run(self) -> Result<()> {
        super::at_least_one([("--calls", self.calls), ("--rounds", self.rounds)])?;
        let mut rows = Vec::new();
        for activation in ACTIVATIONS {
            let times = STDS.iter().map(|&std| self.time(activation.name, std)).collect::<Result<_>>()?;
            rows.push(Row { activation: activation.name, microseconds: times });
        }
        let report = Report { mean_in_stds: self.mean, stds: STDS, rows };
        self.printed.result(&report, || text(&report, self.rounds));
        Ok(())
    }

    /// The median over rounds, in microseconds per call.
    fn time(&self, name: &str, std: f64) -> Result<f64> {
        let mut times = Vec::with_capacity(self.rounds);
        for _ in 0..self.rounds {
            let start = Instant::now();
            for _ in 0..self.calls {
                black_box(gaussian_moments(black_box(name), self.mean * std, std)?);
            }
            times.push(start.elapsed().as_secs_f64() * 1e6 / self.calls as f64);
        }
        times.sort_by(f64::total_cmp);
        Ok(times[times.len() / 2])
    }
}

fn text(report: &Report, rounds: usize) -> String {
    let mut table = Table::new().text("activation");
    for std in STDS {
        table = table.number(format!("s = {std}"));
    }
    for row in &report.rows {
        let numbers = row.microseconds.iter().map(|&x| sig(x, 3));
        table.row(std::iter::once(row.activation.to_string()).chain(numbers));
    }
    format!("Microseconds per call at m = {}·s, medians of {rounds} rounds\n\n{table}", report.mean_in_stds)
}
