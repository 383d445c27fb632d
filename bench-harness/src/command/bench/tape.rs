//! `anact bench tape`: chains of ops on single numbers, where the tape's own cost is all there is.

use std::time::{Duration, Instant};

use autograd::{Keep, Pass, Tape as Record, Tensor, Var};
use clap::Args;
use serde::Serialize;

use crate::command::output::Output;
use crate::error::Result;
use crate::resident::Resident;
use crate::table::{Table, sig};

/// Arguments of `anact bench tape`.
#[derive(Debug, Args)]
pub(super) struct Tape {
    /// Nodes of the chains that are timed
    #[arg(long, default_value_t = 100_000)]
    length: usize,
    /// Nodes of the chain whose memory is measured
    #[arg(long, default_value_t = 1_000_000)]
    memory_length: usize,
    /// How often every chain is timed; the chains take turns
    #[arg(long, default_value_t = 11)]
    rounds: usize,
    #[command(flatten)]
    printed: Output,
}

type Step = for<'t> fn(Var<'t, f64>, Var<'t, f64>) -> Var<'t, f64>;

/// The next value of a chain from the last one and a constant input that needs a gradient, too.
const CHAINS: &[(&str, Step)] = &[
    ("add", |y, x| y + x),
    ("mul", |y, x| y * x),
    ("scale", |y, _| y.scale(0.999)),
    ("exp", |y, _| y.exp()),
];

/// Nanoseconds per node.
#[derive(Debug, Clone, Copy, Serialize)]
struct Times {
    forward: f64,
    backward: f64,
    drop: f64,
}

impl Times {
    fn total(self) -> f64 {
        self.forward + self.backward + self.drop
    }
}

/// A chain's figures over all rounds.
#[derive(Debug, Serialize)]
struct ChainCost {
    op: &'static str,
    /// Medians, in nanoseconds per node.
    median: Times,
    /// The least and the greatest total.
    range: [f64; 2],
}

/// Everything that is printed.
#[derive(Debug, Serialize)]
struct Report {
    length: usize,
    rounds: usize,
    chains: Vec<ChainCost>,
    memory_length: usize,
    /// Resident bytes per node above the 8 of its number, at the peak of forward and backward. `None` where the
    /// system does not say.
    bytes_per_node: Option<f64>,
}

impl Tape {
    pub(super) fn run(self) -> Result<()> {
        super::at_least_one([
            ("--length", self.length),
            ("--memory-length", self.memory_length),
            ("--rounds", self.rounds),
        ])?;
        // First, while nothing else has left memory behind.
        let bytes_per_node = bytes_per_node(self.memory_length)?;
        let mut times = vec![Vec::new(); CHAINS.len()];
        for _ in 0..self.rounds {
            for (times, (_, step)) in times.iter_mut().zip(CHAINS) {
                times.push(time(*step, self.length)?);
            }
        }
        let chains = times.iter().zip(CHAINS).map(|(times, (op, _))| cost(op, times)).collect();
        let Self { length, rounds, memory_length, .. } = self;
        let report = Report { length, rounds, chains, memory_length, bytes_per_node };
        self.printed.result(&report, || text(&report));
        Ok(())
    }
}

/// Records a chain, runs it backward and drops it.
fn time(step: Step, nodes: usize) -> Result<Times> {
    let per_node = |d: Duration| d.as_secs_f64() * 1e9 / nodes as f64;
    let start = Instant::now();
    let tape = Record::<f64>::new();
    let x = tape.variable(Tensor::scalar(0.5));
    let y = (0..nodes).fold(x, |y, _| step(y, x));
    let forward = start.elapsed();
    let start = Instant::now();
    let gradients = tape.backward(y, Keep::Leaves)?;
    let backward = start.elapsed();
    let start = Instant::now();
    drop((gradients, tape));
    Ok(Times { forward: per_node(forward), backward: per_node(backward), drop: per_node(start.elapsed()) })
}

fn cost(op: &'static str, times: &[Times]) -> ChainCost {
    let sorted = |read: fn(&Times) -> f64| {
        let mut numbers: Vec<f64> = times.iter().map(read).collect();
        numbers.sort_by(f64::total_cmp);
        numbers
    };
    let median = |read| {
        let numbers = sorted(read);
        numbers[numbers.len() / 2]
    };
    let totals = sorted(|t| t.total());
    ChainCost {
        op,
        median: Times {
            forward: median(|t| t.forward),
            backward: median(|t| t.backward),
            drop: median(|t| t.drop),
        },
        range: [totals[0], totals[totals.len() - 1]],
    }
}

/// What a chain of additions takes at its peak.
fn bytes_per_node(nodes: usize) -> Result<Option<f64>> {
    Resident::reset_peak();
    let Some(before) = Resident::read() else { return Ok(None) };
    let tape = Record::<f64>::new();
    let x = tape.variable(Tensor::scalar(0.5));
    let y = (0..nodes).fold(x, |y, _| y + x);
    let gradients = tape.run(Pass::new(Keep::Leaves), y)?;
    let peak = Resident::read().map(|after| after.peak);
    // ∂y/∂x counts every node; a wrong chain would make the figure worthless.
    assert_eq!(gradients.wrt(x)?.item()?, nodes as f64 + 1.0, "every node was passed");
    Ok(peak.map(|peak| (peak.saturating_sub(before.now)) as f64 / nodes as f64 - 8.0))
}

fn text(report: &Report) -> String {
    let mut table = Table::new()
        .text("op")
        .number("forward")
        .number("backward")
        .number("drop")
        .number("total")
        .number("least")
        .number("greatest");
    for ChainCost { op, median, range } in &report.chains {
        let numbers = [median.forward, median.backward, median.drop, median.total(), range[0], range[1]]
            .map(|x| sig(x, 3));
        table.row(std::iter::once((*op).to_string()).chain(numbers));
    }
    let memory = match report.bytes_per_node {
        Some(bytes) => format!(
            "A chain of {} additions takes {} bytes per node beyond its numbers, at the peak of forward and backward",
            report.memory_length,
            sig(bytes, 3)
        ),
        None => "This system does not say how much memory a process takes".into(),
    };
    format!(
        "Chains of {} nodes of one f64 each, nanoseconds per node, medians of {} rounds\n\n{table}\n{memory}",
        report.length, report.rounds
    )
}
