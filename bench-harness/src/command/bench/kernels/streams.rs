//! What reads and writes memory and computes little: normalization, activations, pooling, sums, loss, optimiser.

use std::time::Instant;

use anact::NormalizedSettings;
use autograd::{Keep, Pass, Tape, Var, ops};
use layers::optim::{OPTIMIZERS, Optimizer, OptimizerSettings};
use layers::{
    AvgPool2d, BatchNorm2d, BatchNormSettings, Context, Execution, GlobalAvgPool, Layer, MaxPool2d,
    parameter_count,
};
use serde::Serialize;

use super::{Timer, normal};
use crate::command::bench::spread::Spread;
use crate::error::Result;
use crate::run::{Options, Settings, build_model};

/// Channels and positions of resnet18's first stage.
const IMAGE: [usize; 3] = [64, 32, 32];
/// Classes of the loss that is measured, as many as ImageNet's: with ten there would be nothing to measure.
const CLASSES: usize = 1000;
/// The activations, plain and normalized.
const ACTIVATIONS: [&str; 8] = ["relu", "swish", "gelu", "tanh", "nrelu", "nswish", "ngelu", "ntanh"];

/// What one pass takes.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) pass: &'static str,
    pub(super) ms: f64,
    /// Every array that goes in or comes out counted once, however often it is read.
    pub(super) gb_s: f64,
    /// Of the peak, which is known last.
    pub(super) share: f64,
}

/// A layer with what it must move at least, in elements by pass.
struct Stream {
    name: String,
    layer: Box<dyn Layer<f32>>,
    shape: Vec<usize>,
    /// Forward and backward.
    moved: [usize; 2],
}

/// x + x, as at the end of a residual block.
#[derive(Debug)]
struct Sum;

impl Layer<f32> for Sum {
    fn forward<'t>(&mut self, _cx: &Context<'t, f32>, x: Var<'t, f32>) -> autograd::Result<Var<'t, f32>> {
        x.try_add(x)
    }
}

/// The mean cross-entropy with class 0.
#[derive(Debug)]
struct Loss;

impl Layer<f32> for Loss {
    fn forward<'t>(&mut self, _cx: &Context<'t, f32>, x: Var<'t, f32>) -> autograd::Result<Var<'t, f32>> {
        x.cross_entropy(&vec![0; x.shape().dims()[0]], 0.0)
    }
}

/// Every layer at this batch size.
fn streams(batch: usize) -> Result<Vec<Stream>> {
    let [channels, height, width] = IMAGE;
    let shape = vec![batch, channels, height, width];
    let n: usize = shape.iter().product();
    let window = [2; 2];
    let of = |name: &str, layer: Box<dyn Layer<f32>>, moved| Stream {
        name: name.into(),
        layer,
        shape: shape.clone(),
        moved,
    };
    // Backward of what is not linear reads its input, too.
    let mut all = vec![of(
        "batch_norm",
        Box::new(BatchNorm2d::new(channels, BatchNormSettings::default())?),
        [2 * n, 3 * n],
    )];
    for name in ACTIVATIONS {
        let make = anact::activation::<f32>(name, &NormalizedSettings::default())?;
        all.push(of(name, make(channels), [2 * n, 3 * n]));
    }
    let max = ops::MaxPool2d { kernel: window, stride: window, padding: [0; 2] };
    let avg = ops::AvgPool2d { kernel: window, stride: window, padding: [0; 2], count_include_pad: true };
    all.push(of("max_pool2d 2×2", Box::new(MaxPool2d(max)), [n + n / 4, 2 * n + n / 4]));
    all.push(of("avg_pool2d 2×2", Box::new(AvgPool2d(avg)), [n + n / 4, n + n / 4]));
    all.push(of("global_avg_pool", Box::new(GlobalAvgPool), [n + batch * channels; 2]));
    all.push(of("add", Box::new(Sum), [2 * n, 2 * n]));
    let logits = batch * CLASSES;
    let loss = Stream {
        name: format!("cross_entropy of {CLASSES}"),
        layer: Box::new(Loss),
        shape: vec![batch, CLASSES],
        moved: [logits, 2 * logits],
    };
    all.push(loss);
    Ok(all)
}

/// Forward and backward of every layer whose name `chosen` takes, and every optimiser.
pub(super) fn measure(
    batch: usize,
    execution: Execution,
    timer: Timer,
    chosen: &dyn Fn(&str) -> bool,
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let row = |name: &str, pass, moved: usize, seconds: f64| {
        let gb_s = (moved * size_of::<f32>()) as f64 / seconds / 1e9;
        Row { name: name.into(), pass, ms: seconds * 1e3, gb_s, share: f64::NAN }
    };
    for mut stream in streams(batch)?.into_iter().filter(|s| chosen(&s.name)) {
        let [forward, backward] = times(&mut stream, execution, timer)?;
        rows.push(row(&stream.name, "forward", stream.moved[0], forward));
        rows.push(row(&stream.name, "backward", stream.moved[1], backward));
    }
    for optimizer in OPTIMIZERS {
        let name = format!("{} of resnet18", optimizer.name);
        if chosen(&name) {
            let settings = (optimizer.defaults)();
            let (parameters, seconds) = optimiser(settings, timer)?;
            // The parameter, its gradient and what is kept for it are read; all but the gradient are written.
            let moved = (3 + 2 * settings.arrays_kept()) * parameters;
            rows.push(row(&name, "step", moved, seconds));
        }
    }
    Ok(rows)
}

/// Seconds forward and backward on a tape of its own, as a network's step has it.
fn times(stream: &mut Stream, execution: Execution, timer: Timer) -> Result<[f64; 2]> {
    let x = normal(&stream.shape, 0);
    let mut upstream = None;
    let (mut forward, mut backward) = (Vec::new(), Vec::new());
    // The first round warms caches up and tells the output's shape.
    for round in 0..=timer.rounds {
        let tape = Tape::new();
        let input = tape.variable(x.clone());
        let cx = Context::train(&tape, 0, 0).executing(execution);
        let start = Instant::now();
        let y = stream.layer.forward(&cx, input)?;
        let middle = start.elapsed();
        let g = upstream.get_or_insert_with(|| normal(y.shape().dims(), 1)).clone();
        let start = Instant::now();
        tape.run(Pass::new(Keep::Leaves).with_cotangent(g), y)?;
        let end = start.elapsed();
        if round > 0 {
            forward.push(middle.as_secs_f64());
            backward.push(end.as_secs_f64());
        }
    }
    Ok([forward, backward].map(|times| Spread::of(times).median))
}

/// The number of parameters of resnet18 and the seconds of a step.
fn optimiser(settings: OptimizerSettings, timer: Timer) -> Result<(usize, f64)> {
    let options =
        Options { model: Some("resnet18".into()), activation: Some("relu".into()), ..<_>::default() };
    let mut model = build_model::<f32>(&Settings::of(options)?, [3, 8, 8], 10)?;
    let gradients = {
        let tape = Tape::new();
        let images = tape.constant(normal(&[2, 3, 8, 8], 0));
        let logits = model.forward(&Context::train(&tape, 0, 0), images)?;
        tape.backward(logits.cross_entropy(&[0, 1], 0.0)?, Keep::Leaves)?
    };
    let mut optimizer = Optimizer::new(settings)?;
    let mut failed = Ok(());
    let seconds = timer.seconds(|| {
        if let Err(error) = optimizer.step(model.as_mut(), &gradients, 1e-6) {
            failed = Err(error);
        }
    });
    failed?;
    Ok((parameter_count(model.as_mut()), seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_has_both_passes_and_its_bytes() {
        let timer = Timer { rounds: 1 };
        let rows = measure(2, Execution::default(), timer, &|name| !name.ends_with("resnet18")).unwrap();
        assert_eq!(rows.len(), 2 * (1 + ACTIVATIONS.len() + 5));
        assert!(rows.iter().all(|r| r.ms > 0.0 && r.gb_s > 0.0), "{rows:?}");
        let pool = rows.iter().find(|r| r.name == "avg_pool2d 2×2").unwrap();
        // 2·64·32·32 numbers of 4 bytes in, a quarter of it out.
        assert!((pool.gb_s * pool.ms * 1e6 / (2.0 * 65_536.0 * 4.0 * 1.25) - 1.0).abs() < 1e-9, "{pool:?}");
    }
}
