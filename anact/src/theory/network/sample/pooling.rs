//! The way back through pooling: every input element gets a share of the gradient of each window that it lies in.

use autograd::{Scalar, Var, ops};

use super::run::values;
use super::state::{Layout, Mode, State};
use super::windows::Windows;
use crate::theory::network::moments::Shares;

/// The windows of a pooling node.
pub(super) fn windows<S: Scalar>(node: Var<'_, S>) -> Option<Windows> {
    let (input, output) = (Layout::of(node.inputs()[0].shape())?, Layout::of(node.shape())?);
    let of = |kernel, stride, padding| Windows { input, output, kernel, stride, padding, dilation: [1, 1] };
    if let Some(p) = node.op_as::<ops::MaxPool2d>() {
        return Some(of(p.kernel, p.stride, p.padding));
    }
    if let Some(p) = node.op_as::<ops::AvgPool2d>() {
        return Some(of(p.kernel, p.stride, p.padding));
    }
    node.op_as::<ops::GlobalAvgPool>().map(|_| Windows::whole(input, output))
}

/// The weight of each input in a window with `count` inputs inside the image.
pub(super) fn mean_share<S: Scalar>(node: Var<'_, S>) -> impl Fn(usize) -> f64 {
    let fixed = node.op_as::<ops::AvgPool2d>().filter(|p| p.count_include_pad);
    let fixed = fixed.map(|p| p.kernel[0] * p.kernel[1]);
    move |count| 1.0 / fixed.unwrap_or(count) as f64
}

/// The weights of a mean pooling `node`, means over its windows.
pub(in crate::theory::network) fn mean_pooling<S: Scalar>(node: Var<'_, S>) -> Option<Shares> {
    let (windows, share) = (windows(node)?, mean_share(node));
    let positions = windows.output.positions();
    // The windows of one sample are those of all.
    let of = |place: usize| {
        let count = windows.seen_by(place).count();
        let (count, share) = (count as f64, share(count));
        [count * share, (count * share).powi(2), count * share * share]
    };
    let mean = |k: usize| (0..positions).map(|place| of(place)[k]).sum::<f64>() / positions as f64;
    Some(Shares { sum: mean(0), squared_sum: mean(1), squares: mean(2) })
}

/// For every output element of a maximum the input element that it is: the first of equals, as on the tape; none where it is NaN,
/// whose gradient no theory has.
pub(super) fn winners(windows: &Windows, x: &[f64], y: &[f64]) -> Vec<Option<usize>> {
    let mut winners = vec![None; y.len()];
    for place in 0..windows.output.places() {
        for at in windows.seen_by(place) {
            for (from, to) in windows.input.units_at(at).zip(windows.output.units_at(place)) {
                if winners[to].is_none() && x[from] == y[to] {
                    winners[to] = Some(from);
                }
            }
        }
    }
    winners
}

/// E\[h′²\] over the winners of a maximum `node` behind an activation with `slopes`: they are larger than a typical z.
pub(in crate::theory::network) fn winners_slope<S: Scalar>(node: Var<'_, S>, slopes: &[f64]) -> Option<f64> {
    let winners = winners(&windows(node)?, &values(node.inputs()[0]), &values(node));
    let squares = winners.iter().flatten().map(|&from| slopes[from] * slopes[from]);
    Some(squares.sum::<f64>() / winners.len() as f64)
}

/// The state at the pooling's input from that at its output. `slope(from, to, count)` is that of input element `from` in
/// output element `to`, whose window has `count` positions inside the image.
///
/// Contributions of overlapping windows add as if independent, and without their modes' directions, which differ.
pub(super) fn back(windows: &Windows, slope: impl Fn(usize, usize, usize) -> f64, state: State) -> State {
    let (input, output) = (windows.input, windows.output);
    let overlap = windows.stride[0] < windows.kernel[0] || windows.stride[1] < windows.kernel[1];
    let whole = output.positions() == 1;
    let state = if overlap && !whole { state.forgetting() } else { state };
    let elements = input.places() * input.units;
    let mut diagonal = vec![0.0; elements];
    let none = |_: &Mode| Mode { direction: vec![0.0; elements], strength: vec![0.0; input.places()] };
    let mut modes: Vec<Mode> = state.modes.iter().map(none).collect();
    for place in 0..output.places() {
        let count = windows.seen_by(place).count();
        for at in windows.seen_by(place) {
            for (from, to) in input.units_at(at).zip(output.units_at(place)) {
                let slope = slope(from, to, count);
                diagonal[from] += slope * slope * state.diagonal[to];
                for (mode, upstream) in modes.iter_mut().zip(&state.modes) {
                    mode.direction[from] = slope * upstream.direction[to];
                }
            }
            for (mode, upstream) in modes.iter_mut().zip(&state.modes) {
                mode.strength[at] = upstream.strength[place];
            }
        }
    }
    State { layout: input, diagonal, modes }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Behind a ReLU most windows have several zeros.
    #[test]
    fn of_equals_the_first_wins_and_nan_is_nobody_s() {
        let of = |height| Layout { samples: 1, units: 1, height, width: 2 };
        let windows = Windows {
            input: of(4),
            output: Layout { width: 1, ..of(2) },
            kernel: [2, 2],
            stride: [2, 2],
            padding: [0, 0],
            dilation: [1, 1],
        };
        let x = [-1.0, 3.0, 3.0, 3.0, -5.0, -5.0, f64::NAN, 0.0];
        assert_eq!(winners(&windows, &x, &[3.0, f64::NAN]), [Some(1), None]);
    }
}
