//! Counting: how often the weights of a linear map meet each input and each output.

use autograd::{Scalar, Var, ops};

/// The sizes of a linear map by weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fans {
    /// n: weights that reach an output, averaged over outputs.
    pub(super) inward: f64,
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
            ([samples, features], [_, _], [_, outputs]) => {
                Some(Self { inward: *features as f64, outward: *outputs as f64, uses: *samples as f64 })
            }
            ([samples, _, height, width], [outputs, inputs, kh, kw], [_, _, oh, ow]) => {
                let conv = node.op_as::<ops::Conv2d>()?;
                let taps = |axis: usize, input: usize, kernel: usize, output: usize| {
                    taps(input, kernel, output, conv.stride[axis], conv.padding[axis], conv.dilation[axis])
                        as f64
                };
                let (rows, columns) = (taps(0, *height, *kh, *oh), taps(1, *width, *kw, *ow));
                let per = |a: usize, b: usize| rows * columns / (a * b) as f64;
                Some(Self {
                    inward: *inputs as f64 * per(*oh, *ow),
                    outward: (*outputs / conv.groups) as f64 * per(*height, *width),
                    uses: *samples as f64 * per(*kh, *kw),
                })
            }
            _ => None,
        }
    }
}

/// The number of (output, tap) pairs along one axis whose input lies inside the image.
fn taps(input: usize, kernel: usize, output: usize, stride: usize, padding: usize, dilation: usize) -> usize {
    let inside = |o: usize, k: usize| (padding..padding + input).contains(&(o * stride + k * dilation));
    (0..output).map(|o| (0..kernel).filter(|&k| inside(o, k)).count()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: 5 pixels, kernel 3, padding 1: 2 + 3 + 3 + 3 + 2 taps; with stride 2: 2 + 3 + 2.
    #[test]
    fn taps_at_borders_count_only_what_is_inside() {
        assert_eq!(taps(5, 3, 5, 1, 1, 1), 13);
        assert_eq!(taps(5, 3, 3, 2, 1, 1), 7);
        assert_eq!(taps(5, 3, 1, 1, 0, 2), 3);
    }
}
