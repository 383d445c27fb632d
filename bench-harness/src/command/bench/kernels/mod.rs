//! `anact bench kernels`: every kernel of a training step beside what the machine can do at most.

mod peaks;
mod products;
mod streams;

use std::hint::black_box;
use std::time::Instant;

use autograd::Tensor;
use autograd::random::{Purpose, Stream};
use clap::Args;
use layers::Execution;
use serde::Serialize;

use super::spread::Spread;
use crate::command::output::Output;
use crate::error::{Error, Result};
use crate::table::{Table, sig};
use peaks::Peaks;

/// Arguments of `anact bench kernels`.
#[derive(Debug, Args)]
pub(super) struct Kernels {
    /// Only those whose name, or a network that has them, contains this, as in `conv 3×3`, `resnet18` or `batch_norm`
    filter: Option<String>,
    /// Images per batch
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// How often each is timed; the median is shown
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Megabytes of each of the three arrays by which memory is measured: several times the largest cache
    #[arg(long, default_value_t = 128)]
    megabytes: usize,
    /// Convolutions by their definition's sums only
    #[arg(long)]
    exact: bool,
    #[command(flatten)]
    printed: Output,
}

#[derive(Debug, Serialize)]
struct Report {
    threads: usize,
    batch: usize,
    rounds: usize,
    exact: bool,
    peaks: Peaks,
    products: Vec<products::Row>,
    streams: Vec<streams::Row>,
}

/// How things are timed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timer {
    pub(super) rounds: usize,
}

impl Timer {
    /// The median of some rounds, each of as many calls as take some milliseconds.
    pub(super) fn seconds(self, mut work: impl FnMut()) -> f64 {
        const ROUND: f64 = 5e-3;
        let mut timed = |calls: usize| {
            let start = Instant::now();
            for _ in 0..calls {
                work();
            }
            start.elapsed().as_secs_f64() / calls as f64
        };
        timed(1);
        let calls = (ROUND / timed(1)).ceil().clamp(1.0, 1e4) as usize;
        Spread::of((0..self.rounds).map(|_| black_box(timed(calls))).collect()).median
    }
}

/// Standard normal numbers.
pub(super) fn normal(dims: &[usize], index: u64) -> Tensor<f32> {
    let mut stream = Stream::new(0, Purpose::Probe, index);
    let numbers = (0..dims.iter().product()).map(|_| stream.normal() as f32).collect();
    Tensor::new(autograd::Shape::new(dims).expect("a shape of a few axes"), numbers)
        .expect("as many numbers as the shape says")
}

impl Kernels {
    pub(super) fn run(self) -> Result<()> {
        super::at_least_one([
            ("--batch", self.batch),
            ("--rounds", self.rounds),
            ("--megabytes", self.megabytes),
        ])?;
        // Kernels are timed one by one.
        let execution = Execution { exact: self.exact, ..Execution::default() };
        let filter = self.filter.as_deref().unwrap_or_default();
        let all = products::products(self.batch, execution)?;
        let chosen: Vec<_> = all
            .iter()
            .filter(|p| p.name.contains(filter) || p.uses.iter().any(|(model, _)| model.contains(filter)))
            .collect();
        let measure_peaks = || Peaks::measure(self.megabytes * 1_000_000);
        let before = measure_peaks();
        let timer = Timer { rounds: self.rounds };
        let mut products = Vec::new();
        for product in chosen {
            products.extend(product.measure(timer)?);
        }
        let mut streams = streams::measure(self.batch, execution, timer, &|name| name.contains(filter))?;
        // A second time, in case that something else ran on the machine during the first.
        let peaks = before.or_better(measure_peaks());
        products.iter_mut().for_each(|row| row.share = row.gflops / peaks.gflops);
        streams.iter_mut().for_each(|row| row.share = row.gb_s / peaks.gb_s());
        if products.is_empty() && streams.is_empty() {
            let legal = format!(
                "a part of a kernel's or network's name, as {}",
                all.iter().map(|p| p.name.as_str()).take(3).collect::<Vec<_>>().join(", ")
            );
            return Err(Error::Setting { setting: "the filter", value: filter.into(), legal });
        }
        let Self { batch, rounds, .. } = self;
        let threads = rayon::current_num_threads();
        let report = Report { threads, batch, rounds, exact: self.exact, peaks, products, streams };
        self.printed.result(&report, || text(&report));
        Ok(())
    }
}

fn text(report: &Report) -> String {
    let Peaks { gflops, copy_gb_s, triad_gb_s } = report.peaks;
    let mut parts = vec![format!(
        "{} threads: at most {} GFLOP/s of multiply-adds in registers, {} GB/s copied, {} GB/s in a triad\n",
        report.threads,
        sig(gflops, 3),
        sig(copy_gb_s, 3),
        sig(triad_gb_s, 3)
    )];
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    if !report.products.is_empty() {
        let mut table = Table::new().text("product").text("pass").number("ms").number("GFLOP/s");
        table = table.number("of peak").text("in");
        for row in &report.products {
            let uses: Vec<_> = row.uses.iter().map(|(model, n)| format!("{n} × {model}")).collect();
            let numbers = [sig(row.ms, 3), sig(row.gflops, 3), percent(row.share)];
            let head = [row.name.clone(), row.pass.to_string()];
            table.row(head.into_iter().chain(numbers).chain([uses.join(", ")]));
        }
        parts.push(format!(
            "Products at batch {}; operations are those of the definition, 2 for every weight and input that meet, so \
             that an algorithm with fewer may exceed the peak\n\n{table}",
            report.batch
        ));
    }
    if !report.streams.is_empty() {
        let mut table = Table::new().text("what").text("pass").number("ms").number("GB/s").number("of peak");
        for row in &report.streams {
            let numbers = [sig(row.ms, 3), sig(row.gb_s, 3), percent(row.share)];
            table.row([row.name.clone(), row.pass.to_string()].into_iter().chain(numbers));
        }
        parts.push(format!(
            "Streams at batch {}; every array that goes in or comes out is counted once\n\n{table}",
            report.batch
        ));
    }
    parts.join("\n")
}
