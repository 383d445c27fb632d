//! Counting: how often the weights of a linear map meet each input and each output.

use autograd::{Scalar, Var, ops};

/// The sizes of a linear map by weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fans {
    /// n: weights that reach an output, averaged over outputs.
    pub(super) inward: f64,
    /// Σ p², p being the share of outputs for which a weight's input lies inside the image: n where nothing is padded.
    pub(super) inward_fixed: f64,
    /// m: weights that an input meets on the way back, averaged over inputs.
    pub(super) outward: f64,
    /// P: times a weight is used, averaged over weights.
    pub(super) uses: f64,
}

impl Fans {
    /// Of a `conv2d` or `matmul` node; `None` for any other.
    pub(super) fn of<S: Scalar>(node: Var<'_, S>) -> Option<Self> {
        let inputs = node.inputs();
        let (x, w, y) = (inputs.first()?.shape(), inputs.get(1)?.shape(), node.shape());
        match (x.dims(), w.dims(), y.dims()) {
            ([samples, features], [_, _], [_, outputs]) => Some(Self {
                inward: *features as f64,
                inward_fixed: *features as f64,
                outward: *outputs as f64,
                uses: *samples as f64,
            }),
            ([samples, _, height, width], [outputs, inputs, kh, kw], [_, _, oh, ow]) => {
                let conv = node.op_as::<ops::Conv2d>()?;
                let taps = |axis: usize, input: usize, kernel: usize, output: usize| {
                    taps(input, kernel, output, conv.stride[axis], conv.padding[axis], conv.dilation[axis])
                };
                let (rows, columns) = (taps(0, *height, *kh, *oh), taps(1, *width, *kw, *ow));
                let sum = |taps: &[usize]| taps.iter().sum::<usize>() as f64;
                let squares = |taps: &[usize]| taps.iter().map(|t| t * t).sum::<usize>() as f64;
                let pairs = sum(&rows) * sum(&columns);
                let outputs_seen = (oh * ow) as f64;
                Some(Self {
                    inward: *inputs as f64 * pairs / outputs_seen,
                    inward_fixed: *inputs as f64 * squares(&rows) * squares(&columns) / outputs_seen.powi(2),
                    outward: (*outputs / conv.groups) as f64 * pairs / (height * width) as f64,
                    uses: *samples as f64 * pairs / (kh * kw) as f64,
                })
            }
            _ => None,
        }
    }
}

/// For every tap along one axis, the number of outputs whose input lies inside the image.
fn taps(
    input: usize,
    kernel: usize,
    output: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
) -> Vec<usize> {
    let inside = |o: usize, k: usize| (padding..padding + input).contains(&(o * stride + k * dilation));
    (0..kernel).map(|k| (0..output).filter(|&o| inside(o, k)).count()).collect()
}

/// How uneven the output channels of a weight are: mean(1/s)·mean(s) for s = Σ w² of each channel, since a channel's
/// variance is proportional to it. 1 + 2/n in the mean for normal weights of fan-in n.
pub(super) fn unevenness<S: Scalar>(weight: Var<'_, S>) -> f64 {
    let value = weight.value();
    let channels = value.dims().first().copied().unwrap_or(1).max(1);
    let sums = value.data().chunks((value.len() / channels).max(1));
    let sums: Vec<f64> = sums.map(|row| row.iter().map(|w| w.to_f64() * w.to_f64()).sum()).collect();
    let mean = |f: &dyn Fn(f64) -> f64| sums.iter().map(|&s| f(s)).sum::<f64>() / sums.len().max(1) as f64;
    let product = mean(&|s| s) * mean(&|s| 1.0 / s);
    // A channel of zeros has no variance to divide by; it is left to the measurement.
    if product.is_finite() { product } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: 5 pixels, kernel 3, padding 1: the outer taps miss one output; with stride 2: outputs 0, 2, 4.
    #[test]
    fn taps_at_borders_count_only_what_is_inside() {
        assert_eq!(taps(5, 3, 5, 1, 1, 1), [4, 5, 4]);
        assert_eq!(taps(5, 3, 3, 2, 1, 1), [2, 3, 2]);
        assert_eq!(taps(5, 3, 1, 1, 0, 2), [1, 1, 1]);
    }
}
