//! The way forward: samples are drawn layer by layer, and what the way back needs of each is kept.

use autograd::Tensor;
use autograd::random::{Purpose, Stream};
use rayon::prelude::*;

use super::{DenseNet, OutputMean};
use crate::registry::plain_name;
use crate::theory::network::Function;

/// A layer of the chain.
#[derive(Debug)]
pub(super) struct Layer {
    /// Var[z], pooled.
    pub(super) variance_z: f64,
    /// λ, or 1.
    pub(super) lambda: f64,
    /// λ²ρ′, pooled.
    pub(super) scaled_rho_prime: f64,
    pub(super) samples: Vec<Sample>,
}

/// What is kept of a sample at one layer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sample {
    /// |x|² of the layer's input.
    pub(super) x2: f64,
    /// |z|².
    pub(super) z2: f64,
    /// What the activation behind the layer does on the way back; zeros behind the last layer.
    pub(super) activation: ActivationSums,
    /// a = Σ z h h′/Σ h².
    pub(super) slope: Option<f64>,
}

/// Sums over a sample's units, with ĥ = h/|h| and ẑ = z/|z|.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ActivationSums {
    /// Σ h′².
    pub(super) trace: f64,
    /// c = Σ ĥ²h′².
    pub(super) c: f64,
    /// b = Σ ẑ²h′².
    pub(super) b: f64,
    /// a² = (Σ ẑ ĥ h′)².
    pub(super) a2: f64,
}

/// Draws `count` samples through all layers.
pub(super) fn run(function: &dyn Function, net: &DenseNet, count: usize, seed: u64) -> Vec<Layer> {
    let depth = net.widths.len() - 1;
    let stream = |layer: usize, i: usize| Stream::new(seed, Purpose::Chain, (layer * count + i) as u64);
    // |x₀|² of standard normal inputs.
    let input = |i: usize| {
        let mut stream = stream(0, i);
        (0..net.widths[0]).map(|_| stream.normal().powi(2)).sum()
    };
    let mut x2: Vec<f64> = (0..count).map(input).collect();
    let mut layers = Vec::with_capacity(depth);
    for layer in 1..=depth {
        let (inputs, units) = (net.widths[layer - 1], net.widths[layer]);
        let draw = |i: usize| {
            let (sigma, mut stream) = ((net.gain * x2[i] / inputs as f64).sqrt(), stream(layer, i));
            (0..units).map(|_| sigma * stream.normal()).collect::<Vec<f64>>()
        };
        let z: Vec<Vec<f64>> = (0..count).into_par_iter().map(draw).collect();
        let pooled = Tensor::filled([count, units].into(), z.concat());
        let moments = function.on(&pooled).unwrap_or_default();
        // A batch without a factor is left as it is, as by the node.
        let lambda = plain_name(&net.activation)
            .and_then(|_| moments.ratios(net.moment)?.factor())
            .map(|lambda| (lambda, if net.output_mean == OutputMean::Kept { 0.0 } else { moments.m1 }));
        let (lambda, mu) = lambda.unwrap_or((1.0, 0.0));
        let is_last = layer == depth;
        let sample = |i: usize| {
            let z2 = z[i].iter().map(|z| z * z).sum();
            let kept = Sample { x2: x2[i], z2, ..Sample::default() };
            if is_last { (kept, 0.0) } else { activate(function, &z[i], (lambda, mu), kept) }
        };
        let (samples, next) = (0..count).into_par_iter().map(sample).unzip();
        let scaled_rho_prime = lambda * lambda * moments.d2;
        layers.push(Layer { variance_z: moments.z_var, lambda, scaled_rho_prime, samples });
        x2 = next;
    }
    layers
}

/// The sample with its sums, and |h|².
fn activate(function: &dyn Function, z: &[f64], (lambda, mu): (f64, f64), sample: Sample) -> (Sample, f64) {
    let (mut h2, mut zhd, mut trace, mut cc, mut bb) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for ((&z, f), slope) in z.iter().zip(function.values(z)).zip(function.slopes(z)) {
        let (h, d) = (lambda * (f - mu), lambda * slope);
        h2 += h * h;
        zhd += z * h * d;
        trace += d * d;
        cc += (h * d).powi(2);
        bb += (z * d).powi(2);
    }
    let share = |sum: f64, of: f64| if of > 0.0 { sum / of } else { 0.0 };
    let (c, b, a2) = (share(cc, h2), share(bb, sample.z2), share(zhd * zhd, sample.z2 * h2));
    let activation = ActivationSums { trace, c, b, a2 };
    (Sample { activation, slope: (h2 > 0.0).then(|| zhd / h2), ..sample }, h2)
}
