//! Two-dimensional convolution.

use crate::check::Case;
use crate::error::{Error, Result};
use crate::kernels::buffer;
use crate::kernels::channels::Channels;
use crate::kernels::conv::{self, Geometry, Settings};
use crate::op::{Backward, Forward, Op};
use crate::samples::{Sample, SampledInput, Samples};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y[n, o, i, j] = b\[o\] + Σ w[o, c, k, l] · x[n, c₀ + c, i·stride + k·dilation − padding, j·stride + l·dilation − padding]
///
/// over channels c of o's group (which starts at c₀) and taps (k, l); x is 0 outside the image. A correlation, as
/// in every deep-learning library: the kernel is not turned round.
///
/// Derivatives: ∂L/∂b\[o\] = Σ g[n, o, i, j]; ∂L/∂w and ∂L/∂x are the same sum with g in place of w or x: every product
/// w·x that went into y sends g·x to ∂L/∂w and g·w to ∂L/∂x.
///
/// Shapes: x (N, C, H, W), w (O, C / groups, KH, KW), optionally b (O); y (N, O, OH, OW) with
/// OH = ⌊(H + 2·padding − dilation·(KH − 1) − 1) / stride⌋ + 1. What remains at the bottom and right is unused. An
/// empty batch has an empty output. Pairs are (height, width). Nothing saved.
///
/// Errors: other ranks, channels or outputs that do not divide into groups, a kernel that does not fit into the padded
/// image, a setting of 0 other than padding, a bias of another length.
///
/// In f32, 3×3 taps with stride 1 and many channels go through Winograd's transforms unless `exact`. Their rounding error is
/// relative to the largest input under an output tile of 4 × 4 instead of to those under one window; inputs beyond 1e37
/// overflow, and one that is not finite spoils its whole tile.
///
/// Source: Dumoulin and Visin, *A guide to convolution arithmetic for deep learning* (2016).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2d {
    /// Distance between windows.
    pub stride: [usize; 2],
    /// Zeros added at both ends.
    pub padding: [usize; 2],
    /// Distance between the taps of a window.
    pub dilation: [usize; 2],
    /// Channels are cut into this many groups, each convolved on its own.
    pub groups: usize,
    /// Sums by the definition only, never Winograd's transforms.
    pub exact: bool,
}

/// Stride 1, no padding, no dilation, one group.
impl Default for Conv2d {
    fn default() -> Self {
        Self { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1, exact: false }
    }
}

const NAME: &str = "conv2d";

impl Conv2d {
    fn geometry<S: Scalar>(&self, inputs: &[&Tensor<S>]) -> Result<Geometry> {
        let (x, weight, bias) = match inputs {
            [x, weight] => (x, weight, None),
            [x, weight, bias] => (x, weight, Some(bias.shape())),
            _ => {
                let legal = "2 or 3: the input, the weight, and perhaps a bias";
                return Err(Error::Inputs { op: NAME, given: inputs.len(), legal });
            }
        };
        let Self { stride, padding, dilation, groups, exact } = *self;
        let settings = Settings { stride, padding, dilation, groups, exact };
        Geometry::new(NAME, &settings, x.shape(), weight.shape(), bias)
    }
}

impl<S: Scalar> Op<S> for Conv2d {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let geometry = self.geometry(inputs)?;
        let shape = Shape::new(&geometry.output_dims())?;
        let mut y = buffer::to_overwrite(shape.len());
        let bias = inputs.get(2).map(|bias| bias.data());
        conv::forward(&geometry, inputs[0].data(), inputs[1].data(), bias, &mut y);
        Ok(Forward::of(Tensor::filled(shape, y)))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let geometry = self.geometry(cx.inputs).expect("forward has accepted these inputs");
        let (x, weight, dy) = (cx.inputs[0], cx.inputs[1], cx.upstream.data());
        let dx = cx.needs[0].then(|| {
            let mut dx = buffer::to_overwrite(x.len());
            conv::input_gradient(&geometry, weight.data(), dy, &mut dx);
            Tensor::filled(x.shape(), dx)
        });
        let dw = cx.needs[1]
            .then(|| Tensor::filled(weight.shape(), conv::weight_gradient(&geometry, x.data(), dy)));
        let mut gradients = vec![dx, dw];
        if let Some(&needed) = cx.needs.get(2) {
            gradients.push(needed.then(|| Tensor::vector(Channels::of(cx.output.shape()).sums(dy))));
        }
        gradients
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        Samples::row_by_row_with(inputs[0], &inputs[1..])
    }

    fn backward_of_sample(&self, cx: &Backward<'_, S>, sample: Sample<'_>) -> Vec<Option<Tensor<S>>> {
        sample.alone(cx, |cx| self.backward(cx))
    }
}

impl<S: Scalar> Var<'_, S> {
    /// Convolution with `weight`, and `bias` if there is one; see [`Conv2d`].
    ///
    /// # Errors
    /// Shapes or settings that do not fit.
    pub fn conv2d(self, weight: Self, bias: Option<Self>, conv: Conv2d) -> Result<Self> {
        match bias {
            Some(bias) => self.tape().apply(conv, &[self, weight, bias]),
            None => self.tape().apply(conv, &[self, weight]),
        }
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    let plain = Conv2d::default();
    let case = |name, conv, x: [usize; 4], weight: [usize; 4]| {
        Case::op(name, conv).normal(x).normal(weight).normal([weight[0]]).bilinear()
    };
    let all = Conv2d { stride: [2, 3], padding: [2, 1], dilation: [1, 2], groups: 2, ..plain };
    vec![
        case("3x3 of odd sizes", Conv2d { padding: [1, 1], ..plain }, [2, 2, 5, 3], [3, 2, 3, 3]),
        case(
            "a stride that leaves a remainder",
            Conv2d { stride: [2, 2], ..plain },
            [1, 2, 6, 8],
            [3, 2, 3, 3],
        ),
        case("a stride beyond the kernel", Conv2d { stride: [3, 3], ..plain }, [1, 2, 7, 8], [2, 2, 2, 2]),
        case("kernel larger than image", Conv2d { padding: [2, 2], ..plain }, [1, 2, 2, 3], [2, 2, 5, 5]),
        case("padding beyond the kernel", Conv2d { padding: [2, 3], ..plain }, [1, 2, 3, 2], [3, 2, 1, 2]),
        case("depthwise", Conv2d { padding: [1, 1], groups: 3, ..plain }, [2, 3, 5, 4], [6, 1, 3, 3]),
        case("everything at once", all, [1, 4, 6, 7], [6, 2, 3, 2]),
        case("1x1", plain, [2, 3, 3, 5], [4, 3, 1, 1]),
        case("1x1 of a large image", plain, [1, 2, 17, 16], [2, 2, 1, 1]),
        Case::op("no bias", plain).normal([2, 3, 4, 5]).normal([2, 3, 3, 2]).bilinear(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keep, Tape};

    /// By hand: [1 2 3] with the kernel [1 10], padded by one 0 on both sides, is [10 21 32 3]; plus the bias.
    #[test]
    fn value_and_gradient() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::new([1, 1, 1, 3], vec![1.0, 2.0, 3.0]).unwrap());
        let w = tape.variable(Tensor::new([1, 1, 1, 2], vec![1.0, 10.0]).unwrap());
        let b = tape.variable(Tensor::vector(vec![0.5]));
        let y = x.conv2d(w, Some(b), Conv2d { padding: [0, 1], ..Conv2d::default() }).unwrap();
        assert_eq!(y.value(), Tensor::new([1, 1, 1, 4], vec![10.5, 21.5, 32.5, 3.5]).unwrap());
        let g = Tensor::new([1, 1, 1, 4], vec![1.0, 2.0, 3.0, 4.0]).unwrap();
        let gradients = tape.backward_from(y, g, Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(x).unwrap().data(), [12.0, 23.0, 34.0]);
        assert_eq!(gradients.wrt(w).unwrap().data(), [20.0, 14.0]);
        assert_eq!(gradients.wrt(b).unwrap().data(), [10.0]);
    }

    #[test]
    fn an_empty_batch_is_an_empty_output() {
        let tape = Tape::<f32>::new();
        let x = tape.variable(Tensor::zeros([0, 2, 5, 5]));
        let (w, b) = (tape.variable(Tensor::zeros([3, 2, 3, 3])), tape.variable(Tensor::zeros([3])));
        let y = x.conv2d(w, Some(b), Conv2d::default()).unwrap();
        assert_eq!(y.shape(), Shape::from([0, 3, 3, 3]));
        let gradients = tape.backward_from(y, y.value(), Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(x).unwrap(), x.value());
        assert_eq!(gradients.wrt(w).unwrap(), w.value());
        assert_eq!(gradients.wrt(b).unwrap(), b.value());
    }

    #[test]
    fn a_wrong_number_of_inputs_is_refused() {
        let tape = Tape::<f32>::new();
        let x = tape.variable(Tensor::zeros([1, 1, 1, 1]));
        let text = tape.apply(Conv2d::default(), &[x]).unwrap_err().to_string();
        assert_eq!(text, "conv2d: 1 inputs given, want 2 or 3: the input, the weight, and perhaps a bias");
    }
}
