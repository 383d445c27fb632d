//! What the ops of a geometry give by their definitions, word by word.

use super::geometry::{Channels, Geometry, Kind};
use super::window::Window;
use crate::tensor::Tensor;

impl Geometry {
    /// The value's axis lengths and elements by the op's definition; `None` for a fused op, whose twin is the chain of its parts.
    pub(super) fn expected(&self, inputs: &[Tensor<f64>]) -> Option<(Vec<usize>, Vec<f64>)> {
        let x = inputs[0].data();
        Some(match &self.kind {
            Kind::Convolution { window, channels: c, .. } => {
                let [rows, columns] = window.places();
                let dims = vec![c.samples, c.groups * c.outputs, rows, columns];
                (dims, convolution(window, *c, inputs))
            }
            &Kind::MaxPool { window, planes: [n, c] } => {
                let largest = |values: Vec<f64>| values.into_iter().fold(f64::NEG_INFINITY, f64::max);
                pooled(&window, [n, c], x, |values, _| largest(values))
            }
            &Kind::AveragePool { window, planes: [n, c], count_include_pad } => {
                pooled(&window, [n, c], x, |values, taps| {
                    let count = if count_include_pad { taps } else { values.len() };
                    values.iter().sum::<f64>() / count as f64
                })
            }
            &Kind::GlobalAveragePool { dims: [n, c, h, w] } => {
                let mean = |plane: &[f64]| plane.iter().sum::<f64>() / (h * w) as f64;
                (vec![n, c], x.chunks(h * w).map(mean).collect())
            }
            Kind::BatchNorm { dims, eps } => {
                let moment = |c: usize, f: &dyn Fn(f64) -> f64| {
                    let of_channel = x.iter().enumerate().filter(|(i, _)| channel(dims, *i) == c);
                    let count = dims.iter().product::<usize>() / dims[1];
                    of_channel.map(|(_, x)| f(*x)).sum::<f64>() / count as f64
                };
                let statistics = |c: usize| {
                    let mean = moment(c, &|x| x);
                    (mean, moment(c, &|x| (x - mean) * (x - mean)))
                };
                let statistics: Vec<_> = (0..dims[1]).map(statistics).collect();
                (dims.clone(), normalized(dims, Self::eps(dims, *eps), inputs, |c| statistics[c]))
            }
            Kind::BatchNormInference { dims, eps } => {
                let given = |c: usize| (inputs[3].data()[c], inputs[4].data()[c]);
                (dims.clone(), normalized(dims, *eps, inputs, given))
            }
            Kind::BatchNormMap { .. } => return None,
        })
    }
}

/// y[n, o, place] = b[o] + Σ w[o, c, tap]·x[n, c₀ + c, pixel].
fn convolution(window: &Window, c: Channels, inputs: &[Tensor<f64>]) -> Vec<f64> {
    let (x, w) = (inputs[0].data(), inputs[1].data());
    let (all, taps) = (c.groups * c.outputs, window.kernel[0] * window.kernel[1]);
    let pixels = window.image[0] * window.image[1];
    window.slide(c.samples * all, |plane, seen| {
        let (n, o) = (plane / all, plane % all);
        let first = n * c.groups * c.inputs + o / c.outputs * c.inputs;
        let bias = inputs.get(2).map_or(0.0, |b| b.data()[o]);
        let products = (0..c.inputs).flat_map(|i| seen.iter().map(move |&(tap, pixel)| (i, tap, pixel)));
        bias + products
            .map(|(i, tap, pixel)| w[(o * c.inputs + i) * taps + tap] * x[(first + i) * pixels + pixel])
            .sum::<f64>()
    })
}

/// `value(pixels seen, taps of the window)` at every place.
fn pooled(
    window: &Window,
    [samples, channels]: [usize; 2],
    x: &[f64],
    value: impl Fn(Vec<f64>, usize) -> f64,
) -> (Vec<usize>, Vec<f64>) {
    let (pixels, taps) = (window.image[0] * window.image[1], window.kernel[0] * window.kernel[1]);
    let [rows, columns] = window.places();
    let values = window.slide(samples * channels, |plane, seen| {
        value(seen.iter().map(|&(_, pixel)| x[plane * pixels + pixel]).collect(), taps)
    });
    (vec![samples, channels, rows, columns], values)
}

/// The channel of element `i`.
fn channel(dims: &[usize], i: usize) -> usize {
    i / dims[2..].iter().product::<usize>() % dims[1]
}

/// γ·(x − μ)/√(v + ε) + β with (μ, v) of each channel.
fn normalized(
    dims: &[usize],
    eps: f64,
    inputs: &[Tensor<f64>],
    statistics: impl Fn(usize) -> (f64, f64),
) -> Vec<f64> {
    let (gamma, beta) = (inputs[1].data(), inputs[2].data());
    let value = |(i, x): (usize, &f64)| {
        let c = channel(dims, i);
        let (mean, variance) = statistics(c);
        gamma[c] * (x - mean) / (variance + eps).sqrt() + beta[c]
    };
    inputs[0].data().iter().enumerate().map(value).collect()
}
