//! The way back through a linear map by weights, z_p = W·X_p, X_p being the window of x that output position p sees.
//!
//! W is not independent of δ: having seen X_p it is fixed along that direction, W = z_p·X_pᵀ/|X_p|² + W̃(I − X̂X̂ᵀ), and
//!
//! ```text
//! Wᵀδ_p = (ẑ_p·δ_p)·(|z_p|/|X_p|)·X̂_p + (I − X̂X̂ᵀ)W̃ᵀδ_p
//! ```
//!
//! The second term has the variance I = Var\[w\]·|δ_p|² along each direction across X̂_p, the first the squared amplitude
//! A = (z_p·δ_p)²/|X_p|². So E\[Wᵀδ(Wᵀδ)ᵀ\] = I·1 + (A − I)·X̂X̂ᵀ, and the position p′ of the window, which holds the part
//! x_p′ of X_p, gets I·1 + (A − I)/|X_p|²·x_p′x_p′ᵀ: a diagonal and one mode along its own value.
//!
//! Contributions of different windows to one position add as if independent, and every window is taken to know W along
//! its own patch alone. Both are exact where a place's δ depends on that place alone: in a dense net with given statistics,
//! and behind 1×1 convolutions as long as nothing above mixes positions. Elsewhere, statistics of the batch included, they
//! are an approximation. Groups of channels are taken together, by the mean over groups and without their directions.

use autograd::{Scalar, Var, ops};

use super::Theory;
use super::state::{Layout, Mode, State};
use super::windows::Windows;
use crate::theory::network::measure::second_moment;

/// A linear map on a tape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Linear {
    windows: Windows,
    /// Groups of channels that do not meet.
    groups: usize,
    /// Mean of w².
    weight: f64,
}

impl Linear {
    /// Of a `conv2d` or `matmul` node with weights; `None` for shapes that are neither.
    pub(super) fn of<S: Scalar>(node: Var<'_, S>) -> Option<Self> {
        let inputs = node.inputs();
        let (input, output) = (Layout::of(inputs[0].shape())?, Layout::of(node.shape())?);
        let weight = second_moment(inputs[1].value().data());
        let Some(conv) = node.op_as::<ops::Conv2d>() else {
            return Some(Self { windows: Windows::whole(input, output), groups: 1, weight });
        };
        let &[_, _, height, width] = inputs[1].shape().dims() else { return None };
        let ops::Conv2d { stride, padding, dilation, groups, .. } = conv;
        let windows = Windows { input, output, kernel: [height, width], stride, padding, dilation };
        Some(Self { windows, groups, weight })
    }

    /// The state at x from that at z.
    pub(super) fn back(&self, x: Vec<f64>, z: &[f64], state: &State, theory: Theory) -> State {
        let w = &self.windows;
        let patches = w.sums(&w.input.squares(&x));
        let places = w.input.places();
        let (mut fresh, mut strength) = (vec![0.0; places], vec![0.0; places]);
        for (place, &patch) in patches.iter().enumerate() {
            let across = self.weight * state.length(place) / self.groups as f64;
            let excess = if patch > 0.0 { (state.along(z, place) / patch - across) / patch } else { 0.0 };
            for at in w.seen_by(place) {
                fresh[at] += across;
                strength[at] += excess;
            }
        }
        let mut diagonal = vec![0.0; x.len()];
        for (place, &e) in fresh.iter().enumerate() {
            w.input.units_at(place).for_each(|i| diagonal[i] = e);
        }
        // Groups share no direction: what is known of one says nothing of the others' sum.
        let remembers = theory == Theory::TwoState && self.groups == 1;
        let modes = if remembers { vec![Mode { direction: x, strength }] } else { Vec::new() };
        State { layout: w.input, diagonal, modes }
    }

    /// E\[(∂L/∂w)²\] from the state at z and |x|² at every place: Σ over samples and positions of E|δ_p|²·|X_p|² over the
    /// number of weights, for independent δ.
    pub(super) fn weight_gradient(&self, x2: &[f64], state: &State) -> f64 {
        let w = &self.windows;
        let weights = (w.output.units * w.input.units * w.kernel[0] * w.kernel[1]) as f64;
        let patches = w.sums(x2);
        patches.iter().enumerate().map(|(place, patch)| patch * state.length(place)).sum::<f64>() / weights
    }
}
