//! The general form, sample by sample and with the radial mode.
//!
//! Two things are invisible to moments that are pooled over a batch.
//!
//! *Samples differ.* The mean over samples of a product of factors is not the product of their means, and a function with a
//! logarithmic slope a > 1 drives the samples' norms apart, layer by layer. So E\[δ²\] is carried for every sample, and in
//! an image for every position, and averaged last.
//!
//! *Weights know the activations.* z = W·x fixes W along x, so the component of δ along z returns along x with no loss,
//! whatever W is otherwise. So the covariance of δ is carried, as a diagonal and a few directions ([`state`]): a weight
//! layer makes the diagonal even and adds the direction of its input ([`linear`]); whatever acts on each element by itself
//! (activations, normalizations, masks) multiplies both exactly; a sum passes both on to its operands. In a dense net that
//! is the recursion of two numbers
//!
//! ```text
//! T ← m T + c Δ,       Δ ← (a² − c/n) Δ + (b − m) T/n
//! ```
//!
//! with T = |δ|²/n and Δ = (ẑ·δ)²/n − T/n, for any widths and any n·Var\[w\]. The diagonal is kept element by element
//! since a residual sum keeps the units apart: the one that was on in this block is likelier to be on in the next.
//! `docs/PAPER.md` has every step.
//!
//! Source: our own derivation.

mod linear;
pub(super) mod pooling;
mod run;
mod state;
mod windows;

use autograd::{Scalar, Tape, Tensor, Var};

use self::linear::Linear;
use self::run::{run, values};
use self::state::{Layout, State};
use super::BackwardMoments;
use super::function::ActivationNode;
use super::sites::Site;

/// How much is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Theory {
    /// One number for a place, as if all its units were alike and weights knew nothing.
    PerSample,
    /// The diagonal: units are told apart.
    PerUnit,
    /// The diagonal and the directions.
    TwoState,
}

impl Theory {
    fn at(self, state: State) -> State {
        match self {
            Self::PerSample => state.forgetting().even(),
            Self::PerUnit => state.forgetting(),
            Self::TwoState => state,
        }
    }
}

/// What comes back to each of `sites`, in their order, from `output`, whose gradient is given.
pub(super) fn predict<'t, S: Scalar>(
    tape: &'t Tape<S>,
    output: Var<'t, S>,
    cotangent: &Tensor<S>,
    theory: Theory,
    sites: &[Site<'t, S>],
) -> Vec<BackwardMoments> {
    let mut rows = vec![BackwardMoments::default(); sites.len()];
    run(tape, output, cotangent, theory, &mut |node, state| {
        for (site, row) in sites.iter().zip(&mut rows) {
            if site.z.id() == node.id() {
                row.delta = Some(state.mean());
            }
            if site.weight_op.id() == node.id() {
                row.weight_gradient = weight_gradient(site, state);
            }
        }
    });
    rows
}

/// E\[(∂L/∂w)²\] of a layer from the state at its own output.
fn weight_gradient<S: Scalar>(site: &Site<'_, S>, state: &State) -> Option<f64> {
    let (linear, x) = (Linear::of(site.weight_op)?, site.weight_op.inputs()[0]);
    let layout = Layout::of(x.shape())?;
    let mut x = values(x);
    // Behind a batch normalization Σδ over a channel is 0, so what is fixed in x meets nothing.
    if site.is_batch_normalized {
        centre(layout, &mut x);
    }
    Some(linear.weight_gradient(&layout.squares(&x), state))
}

/// Takes its mean over samples and positions from every channel.
fn centre(layout: Layout, x: &mut [f64]) {
    let (positions, units) = (layout.positions(), layout.units);
    let mut sums = vec![0.0; units];
    x.iter().enumerate().for_each(|(i, x)| sums[i / positions % units] += x);
    let count = layout.places() as f64;
    x.iter_mut().enumerate().for_each(|(i, x)| *x -= sums[i / positions % units] / count);
}

/// The mean over samples of a = Σ z h h′/Σ h² of an activation's node, from all of a sample's units and positions;
/// samples whose h is 0 are left out.
pub(super) fn slope<S: Scalar>(node: &ActivationNode, input: Var<'_, S>, output: Var<'_, S>) -> Option<f64> {
    let layout = Layout::of(input.shape())?;
    let (z, h, d) = (values(input), values(output), node.slopes(output));
    let size = z.len() / layout.samples;
    let of = |sample: usize| {
        let here = sample * size..(sample + 1) * size;
        let sum = |f: &dyn Fn(usize) -> f64| here.clone().map(f).sum::<f64>();
        let squares = sum(&|i| h[i] * h[i]);
        (squares > 0.0).then(|| sum(&|i| z[i] * h[i] * d[i]) / squares)
    };
    let slopes: Vec<f64> = (0..layout.samples).filter_map(of).collect();
    (!slopes.is_empty()).then(|| slopes.iter().sum::<f64>() / slopes.len() as f64)
}

/// The standard deviation of log q over samples and positions, q = |z|²/n.
pub(super) fn log_q_spread<S: Scalar>(z: Var<'_, S>) -> Option<f64> {
    log_spread(Layout::of(z.shape())?.squares(&values(z)))
}

/// The standard deviation of log q, whatever q's unit; numbers that have no logarithm are left out. `None` for a single one.
pub(in crate::theory) fn log_spread(q: impl IntoIterator<Item = f64>) -> Option<f64> {
    let logs: Vec<f64> = q.into_iter().filter(|&q| q > 0.0 && q.is_finite()).map(f64::ln).collect();
    if logs.len() < 2 {
        return None;
    }
    let count = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / count;
    Some((logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt())
}

#[cfg(test)]
mod tests;
