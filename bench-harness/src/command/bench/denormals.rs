//! `anact bench denormals`: what subnormal numbers cost. Nothing flushes them to 0, and processors may take many times as
//! long for each.

use std::hint::black_box;

use autograd::{Keep, Shape, Tape, Tensor, Var, ops};
use clap::Args;
use serde::Serialize;

use super::kernels::Timer;
use crate::command::output::Output;
use crate::error::Result;
use crate::table::{Table, sig};

/// Arguments of `anact bench denormals`.
#[derive(Debug, Args)]
pub(super) struct Denormals {
    /// Images of 32 channels and 16 × 16 pixels per batch
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// How often each is timed; the median is shown
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    #[command(flatten)]
    printed: Output,
}

const CHANNELS: usize = 32;
const SIDE: usize = 16;

/// What makes standard normal numbers subnormal, but for fewer than one in a million, nearly all of which are then 0.
const SUBNORMAL: f32 = 2e-39;

/// x, and a weight of ordinary numbers that has as many elements as a 3×3 convolution of x wants.
type Apply = for<'t> fn(Var<'t, f32>, Var<'t, f32>) -> autograd::Result<Var<'t, f32>>;

const OPS: &[(&str, Apply)] = &[
    ("conv2d 3×3", |x, w| x.conv2d(w, None, ops::Conv2d { padding: [1; 2], ..<_>::default() })),
    ("conv2d 3×3 exact", |x, w| {
        x.conv2d(w, None, ops::Conv2d { padding: [1; 2], exact: true, ..<_>::default() })
    }),
    ("matmul", |x, w| {
        let rows = x.shape().len() / (CHANNELS * 9);
        x.reshape([x.shape().len()])?
            .slice(std::slice::from_ref(&(0..rows * CHANNELS * 9)))?
            .reshape([rows, CHANNELS * 9])?
            .matmul(w.reshape([CHANNELS * 9, CHANNELS])?)
    }),
    ("batch_norm", |x, w| {
        let gamma = w.reshape([CHANNELS * CHANNELS * 9])?.slice(std::slice::from_ref(&(0..CHANNELS)))?;
        x.batch_norm(gamma, gamma, ops::BatchNorm::default())
    }),
    ("max_pool2d", |x, _| x.max_pool2d(ops::MaxPool2d { kernel: [2; 2], stride: [2; 2], padding: [0; 2] })),
    ("global_avg_pool", |x, _| x.global_avg_pool()),
    ("add", |x, _| x.try_add(x)),
    ("relu", |x, _| x.activation("relu")),
    ("swish", |x, _| x.activation("swish")),
    ("gelu", |x, _| x.activation("gelu")),
    ("tanh", |x, _| x.activation("tanh")),
    ("nswish", |x, _| anact::normalize("swish", anact::Plan::batch(<_>::default()), x, None)),
];

/// Milliseconds of forward and backward.
#[derive(Debug, Serialize)]
struct Row {
    op: &'static str,
    ordinary_ms: f64,
    /// With subnormal x.
    subnormal_ms: f64,
    /// With ordinary x and a subnormal gradient from above.
    subnormal_gradient_ms: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    threads: usize,
    batch: usize,
    rounds: usize,
    rows: Vec<Row>,
}

impl Denormals {
    pub(super) fn run(self) -> Result<()> {
        super::at_least_one([("--batch", self.batch), ("--rounds", self.rounds)])?;
        let timer = Timer { rounds: self.rounds };
        let x = super::kernels::normal(&[self.batch, CHANNELS, SIDE, SIDE], 0);
        let weight = super::kernels::normal(&[CHANNELS, CHANNELS, 3, 3], 1);
        let tiny = scaled(&x);
        let mut rows = Vec::new();
        for &(op, apply) in OPS {
            let g = ones(step(apply, &x, &weight, None)?);
            let small = scaled(&g);
            // A first run of each has shown that nothing is refused.
            let time = |x: &Tensor<f32>, g: &Tensor<f32>| {
                1e3 * timer.seconds(|| drop(black_box(step(apply, x, &weight, Some(g)))))
            };
            rows.push(Row {
                op,
                ordinary_ms: time(&x, &g),
                subnormal_ms: time(&tiny, &g),
                subnormal_gradient_ms: time(&x, &small),
            });
        }
        let Self { batch, rounds, .. } = self;
        let report = Report { threads: rayon::current_num_threads(), batch, rounds, rows };
        self.printed.result(&report, || text(&report));
        Ok(())
    }
}

/// The shape of the value; with a gradient from above also the way back.
fn step(apply: Apply, x: &Tensor<f32>, weight: &Tensor<f32>, g: Option<&Tensor<f32>>) -> Result<Shape> {
    let tape = Tape::new();
    let y = apply(tape.variable(x.clone()), tape.variable(weight.clone()))?;
    if let Some(g) = g {
        black_box(tape.backward_from(y, g.clone(), Keep::Leaves)?);
    }
    Ok(y.shape())
}

fn ones(shape: Shape) -> Tensor<f32> {
    Tensor::full(shape, 1.0)
}

fn scaled(x: &Tensor<f32>) -> Tensor<f32> {
    Tensor::filled(x.shape(), x.data().iter().map(|x| x * SUBNORMAL).collect())
}

fn text(report: &Report) -> String {
    let mut table = Table::new()
        .text("op")
        .number("ordinary, ms")
        .number("subnormal x")
        .number("times")
        .number("subnormal gradient")
        .number("times");
    for row in &report.rows {
        let Row { op, ordinary_ms, subnormal_ms, subnormal_gradient_ms } = row;
        let numbers = [
            *ordinary_ms,
            *subnormal_ms,
            subnormal_ms / ordinary_ms,
            *subnormal_gradient_ms,
            subnormal_gradient_ms / ordinary_ms,
        ];
        table.row(std::iter::once((*op).to_string()).chain(numbers.map(|x| sig(x, 3))));
    }
    format!(
        "Forward and backward of [{}, {CHANNELS}, {SIDE}, {SIDE}] on {} threads, medians of {} rounds\n\n{table}",
        report.batch, report.threads, report.rounds
    )
}
