//! `anact bench scaling`: how images per second depend on batch, depth and threads.

use std::num::NonZero;

use clap::{Args, ValueEnum};
use layers::Execution;
use serde::Serialize;

use super::spread::Spread;
use super::steps::{Steps, Subject, usual_image};
use crate::command::execution::ExecutionOptions;
use crate::command::output::Output;
use crate::error::{Error, Result};
use crate::run::Options;
use crate::table::{Table, sig};

/// Arguments of `anact bench scaling`.
#[derive(Debug, Args)]
pub(super) struct Scaling {
    /// What changes [default: all of them, one after the other]
    along: Option<Along>,
    /// Network whose batch and threads change
    #[arg(long, default_value = "resnet20")]
    model: String,
    /// Activation, see `anact list activations`
    #[arg(long, default_value = "swish")]
    activation: String,
    /// Images per step where depth or threads change
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// How often each is timed; they take turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    #[command(flatten)]
    execution: ExecutionOptions,
    /// Fewer and smaller settings, each timed once
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    printed: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
enum Along {
    /// Images per step from 1 to 256
    Batch,
    /// The CIFAR residual nets from 20 to 110 layers
    Depth,
    /// Threads from 1 to as many as there are
    Threads,
}

/// The residual nets by depth, and those of a quick measurement.
const DEPTHS: [&str; 5] = ["resnet20", "resnet32", "resnet44", "resnet56", "resnet110"];
const QUICK_DEPTHS: [&str; 2] = ["resnet8", "resnet14"];
/// Steps that are timed together take at least so long.
const TURN: f64 = 0.1;

/// One setting.
#[derive(Debug, Serialize)]
struct Row {
    along: Along,
    model: String,
    batch: usize,
    threads: usize,
    /// Seconds of a step.
    median_s: f64,
    spread_s: Spread,
    images_per_s: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    activation: String,
    execution: Execution,
    rounds: usize,
    rows: Vec<Row>,
}

/// A setting that waits for its turn.
struct Runner {
    model: String,
    batch: usize,
    pool: rayon::ThreadPool,
    steps: Steps,
    /// Steps of a turn.
    turn: usize,
    seconds: Vec<f64>,
}

impl Runner {
    /// Seconds per step of some steps in a row.
    fn take(&mut self, steps: usize) -> Result<f64> {
        let Self { pool, steps: source, .. } = self;
        pool.install(|| {
            (0..steps).try_fold(0.0, |sum, _| Ok(sum + source.step()?.times.total().as_secs_f64()))
        })
        .map(|sum| sum / steps as f64)
    }
}

impl Scaling {
    pub(super) fn run(self) -> Result<()> {
        super::at_least_one([("--rounds", self.rounds)])?;
        let rounds = if self.quick { 1 } else { self.rounds };
        let mut rows = Vec::new();
        for along in Along::value_variants().iter().filter(|a| self.along.is_none_or(|only| only == **a)) {
            rows.extend(self.measure(*along, rounds)?);
        }
        let execution = self.execution.execution();
        let report = Report { activation: self.activation, execution, rounds, rows };
        self.printed.result(&report, || text(&report));
        Ok(())
    }

    fn measure(&self, along: Along, rounds: usize) -> Result<Vec<Row>> {
        let threads = rayon::current_num_threads();
        let batch = if self.quick { self.batch.min(8) } else { self.batch };
        let model = || self.model.clone();
        let settings: Vec<(String, usize, usize)> = match along {
            Along::Batch => {
                let last = if self.quick { 4 } else { 8 };
                (0..=last).map(|power| (model(), 1 << power, threads)).collect()
            }
            Along::Depth => {
                let models: &[&str] = if self.quick { &QUICK_DEPTHS } else { &DEPTHS };
                models.iter().map(|m| (m.to_string(), batch, threads)).collect()
            }
            Along::Threads => {
                let all = std::thread::available_parallelism().map_or(threads, NonZero::get);
                (1..=all).map(|threads| (model(), batch, threads)).collect()
            }
        };
        let mut runners = Vec::new();
        for (model, batch, threads) in settings {
            runners.push(self.runner(model, batch, threads)?);
        }
        for _ in 0..rounds {
            for runner in &mut runners {
                // What ran before has filled the caches with its own.
                runner.take(1)?;
                let seconds = runner.take(runner.turn)?;
                runner.seconds.push(seconds);
            }
        }
        let row = |runner: Runner| {
            let (threads, spread_s) = (runner.pool.current_num_threads(), Spread::of(runner.seconds));
            let Runner { model, batch, .. } = runner;
            let (median_s, images_per_s) = (spread_s.median, batch as f64 / spread_s.median);
            Row { along, model, batch, threads, median_s, spread_s, images_per_s }
        };
        Ok(runners.into_iter().map(row).collect())
    }

    fn runner(&self, model: String, batch: usize, threads: usize) -> Result<Runner> {
        let network = Options {
            model: Some(model.clone()),
            activation: Some(self.activation.clone()),
            ..Options::default()
        };
        let steps = Steps::new(&Subject {
            network,
            image: usual_image(&model),
            classes: 10,
            batch,
            lr: 1e-3,
            execution: self.execution.execution(),
            times_ops: false,
        })?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|e| {
            let legal = format!("a number of threads that can be started ({e})");
            Error::Setting { setting: "--threads", value: threads.to_string(), legal }
        })?;
        let mut runner = Runner { model, batch, pool, steps, turn: 1, seconds: Vec::new() };
        runner.take(1)?;
        runner.turn = (TURN / runner.take(1)?).ceil().clamp(1.0, 1e4) as usize;
        Ok(runner)
    }
}

fn text(report: &Report) -> String {
    let mut tables = Vec::new();
    for along in Along::value_variants() {
        let rows: Vec<_> = report.rows.iter().filter(|r| r.along == *along).collect();
        let Some(first) = rows.first() else { continue };
        let mut table = Table::new().text("model").number("batch").number("threads").number("ms per step");
        table = table.number("least").number("greatest").number("images/s").number("by the first");
        for row in &rows {
            let Spread { least, greatest, .. } = row.spread_s;
            let times = [row.median_s, least, greatest].map(|s| sig(s * 1e3, 4));
            let rates = [sig(row.images_per_s, 4), sig(row.images_per_s / first.images_per_s, 3)];
            let head = [row.model.clone(), row.batch.to_string(), row.threads.to_string()];
            table.row(head.into_iter().chain(times).chain(rates));
        }
        tables.push(format!("{}, medians of {} turns\n\n{table}", report.activation, report.rounds));
    }
    tables.join("\n")
}
