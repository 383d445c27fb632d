//! The variance of a dense net's gradients at initialisation, from a chain of independent samples: no network is built.
//!
//! A sample's pre-activations are normals of its own variance, z = σ·ε with σ² = n·Var\[w\]·|x|²/n_x, and x = h(z) gives the
//! next σ². λ (and μ) come from the moments pooled over the samples, layer by layer; m, a², b and c from every sample's own
//! units. On the way back every sample carries |g|² and (v̂·g)² by itself, and the mean over samples is taken last:
//!
//! ```text
//! through W:    A = (ẑ·δ)²·|z|²/|x|²,   I = Var[w]·|δ|²:    |g|² = (n − 1)·I + A,   (x̂·g)² = A
//! through h:    |δ|² = I·(Σ h′² − c) + A·c,     (ẑ·δ)² = I·(b − a²) + A·a²
//!               c = Σ ĥ²h′²,   b = Σ ẑ²h′²,   a = Σ ẑ ĥ h′
//! ```
//!
//! The network's q = |z|²/n fluctuate because Σ h(z)² does: drawing the units one by one has the right share of it whatever
//! h is, which a χ² distributed q has not.
//!
//! Source: our own derivation.

mod back;
mod forward;

use autograd::ops::activation::Visitor;
use autograd::{Elementwise, Error, Result};
use serde::Serialize;

use crate::moments::ForwardMoment;
use crate::registry::plain_name;
use crate::rivals::with_frozen;

/// A dense net, x₀ → z₁ → h → z₂ → … → z_D, with an activation behind every layer but the last.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseNet {
    /// n₀, n₁, …, n_D: the inputs, standard normal, and the units of every layer.
    pub widths: Vec<usize>,
    /// n_{l−1}·Var\[w_l\] of every layer: 1 for LeCun's initialisation, 2 for He's.
    pub gain: f64,
    /// The activation's name: a registered one, its normalized twin `n…`, or a rival such as `gp-tanh`.
    pub activation: String,
    /// Which ρ a normalized activation's λ is made of.
    pub moment: ForwardMoment,
    /// What becomes of μ in a normalized activation.
    pub output_mean: OutputMean,
}

/// What becomes of μ, the mean of f, in a normalized activation's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutputMean {
    /// The output is λ(f − μ), as the node's is.
    #[default]
    Subtracted,
    /// The output is λ·f.
    Kept,
}

/// One layer of the chain; every E\[δ²\] for E\[δ²\] = 1 at z_D.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ChainRow {
    /// Var\[z\], pooled over the samples.
    pub variance_z: f64,
    /// λ, or 1.
    pub lambda: f64,
    /// The mean over samples of a = Σ z h h′/Σ h²; `None` for the last layer, which no activation follows.
    pub slope: Option<f64>,
    /// The standard deviation over samples of log q.
    pub log_q_spread: Option<f64>,
    /// E\[δ²\] by the general form: pooled moments of the chain, multiplied.
    pub pooled: f64,
    /// E\[δ²\] for every sample by itself.
    pub per_sample: f64,
    /// E\[δ²\] with the radial mode.
    pub two_state: f64,
}

/// Runs `samples` samples through `net`.
///
/// # Errors
/// An unknown activation; no layer, a width or a gain that is not positive; fewer than two samples.
pub fn dense_chain(net: &DenseNet, samples: usize, seed: u64) -> Result<Vec<ChainRow>> {
    struct Run<'a>(&'a DenseNet, usize, u64);
    impl Visitor for Run<'_> {
        type Output = Vec<ChainRow>;
        fn visit<E: Elementwise>(self, activation: E) -> Self::Output {
            let layers = forward::run(&activation, self.0, self.1, self.2);
            back::rows(self.0, &layers)
        }
    }
    let refuse = |what: String, legal: &str| Error::Argument { op: "dense chain", what, legal: legal.into() };
    if net.widths.len() < 2 || net.widths.contains(&0) {
        return Err(refuse(
            format!("widths {:?}", net.widths),
            "inputs and at least one layer, none of them 0",
        ));
    }
    if !(net.gain > 0.0 && net.gain.is_finite()) {
        return Err(refuse(format!("a gain of {}", net.gain), "a positive, finite n·Var[w]"));
    }
    if samples < 2 {
        return Err(refuse(format!("{samples} samples"), "at least 2"));
    }
    let name = plain_name(&net.activation).unwrap_or(&net.activation);
    with_frozen(name, Run(net, samples, seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(activation: &str, n: usize, depth: usize) -> DenseNet {
        DenseNet {
            widths: vec![n; depth + 1],
            gain: 1.0,
            activation: activation.into(),
            moment: ForwardMoment::Raw,
            output_mean: OutputMean::Subtracted,
        }
    }

    /// By hand: the identity keeps E[δ²] whatever the widths, but for n_l/n_{l−1} on the way forward; with a gain of 2 in
    /// equal widths every layer doubles it, and the radial mode adds nothing since a² = b = c = m = 1.
    #[test]
    fn a_linear_net_multiplies_gains() {
        let rows = dense_chain(&DenseNet { gain: 2.0, ..net("identity", 64, 5) }, 50, 1).unwrap();
        for (layer, row) in rows.iter().enumerate() {
            let want = 2f64.powi(4 - layer as i32);
            assert!((row.pooled / want - 1.0).abs() < 1e-12, "{layer}: {row:?}");
            assert!((row.per_sample / want - 1.0).abs() < 1e-12, "{layer}: {row:?}");
            assert!((row.two_state / want - 1.0).abs() < 0.2, "{layer}: {row:?}");
        }
        assert_eq!(rows[4].slope, None);
        assert!(rows[..4].iter().all(|r| (r.slope.unwrap() - 1.0).abs() < 1e-12));
    }

    /// Measured with an independent implementation in f64, depth 20, width 512, E[δ₁²] over the general form's value: the chain
    /// 21.6 and networks 21.9 for λ·f of Swish, the chain 7.7 and networks 6.5 for GELU; 1 for ReLU and tanh. A σ² drawn as
    /// E[h²]·χ²/n finds half of it. The mean over samples has a heavy tail: three chains of 400 samples.
    #[test]
    fn the_chain_finds_what_pooled_moments_miss() {
        let miss = |activation: &str, seed| {
            let net = DenseNet { output_mean: OutputMean::Kept, ..net(activation, 512, 20) };
            let row = dense_chain(&net, 400, seed).unwrap()[0];
            row.two_state / row.pooled
        };
        let mean = |activation| (0..3).map(|seed| miss(activation, seed)).sum::<f64>() / 3.0;
        let swish = mean("nswish");
        assert!((16.0..28.0).contains(&swish), "{swish}");
        let gelu = mean("ngelu");
        assert!((5.5..10.0).contains(&gelu), "{gelu}");
        for activation in ["nrelu", "ntanh"] {
            assert!((miss(activation, 3) - 1.0).abs() < 0.05, "{activation}");
        }
    }

    /// The same bits from the same seed; a variance that underflows is no NaN. ReLU's slope is 1.
    #[test]
    fn every_draw_is_keyed() {
        let of = |seed| dense_chain(&net("nswish", 16, 4), 40, seed).unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1)[0].two_state.to_bits(), of(2)[0].two_state.to_bits());
        let dead = dense_chain(&DenseNet { gain: 1e-300, ..net("nrelu", 2, 3) }, 4, 0).unwrap();
        let relu = dense_chain(&net("relu", 8, 3), 20, 0).unwrap();
        assert!(relu[..2].iter().all(|r| (r.slope.unwrap() - 1.0).abs() < 1e-12), "{relu:?}");
        assert!(dead.iter().all(|r| r.two_state.is_finite() && r.per_sample.is_finite()), "{dead:?}");
    }

    #[test]
    fn what_makes_no_net_is_refused() {
        let bad = [
            (DenseNet { widths: vec![3], ..net("relu", 2, 2) }, 10),
            (DenseNet { widths: vec![3, 0, 2], ..net("relu", 2, 2) }, 10),
            (DenseNet { gain: f64::NAN, ..net("relu", 2, 2) }, 10),
            (net("rleu", 2, 2), 10),
            (net("relu", 2, 2), 1),
        ];
        for (net, samples) in bad {
            assert!(dense_chain(&net, samples, 0).is_err(), "{net:?}");
        }
    }
}
