//! Mean of a sliding window.

use crate::check::Case;
use crate::error::Result;
use crate::kernels::buffer;
use crate::kernels::pool;
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::ops::pool2d;
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y[n, c, i, j] = Σ x[n, c, i·stride + k − padding, j·stride + l − padding] / count over the taps (k, l) inside the image.
///
/// The count is KH·KW if padding counts, else the number of taps inside the image.
///
/// Derivative: ∂L/∂x is the sum of g / count over the windows that cover the element.
///
/// Shapes: x (N, C, H, W); y (N, C, OH, OW) with OH = ⌊(H + 2·padding − KH) / stride⌋ + 1. What remains at the bottom
/// and right is unused. Pairs are (height, width). Nothing saved.
///
/// Errors: another rank, kernel or stride 0, padding above half the kernel, a kernel that does not fit.
///
/// Source: conventions of `torch.nn.AvgPool2d` without `ceil_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AvgPool2d {
    /// Size of the window.
    pub kernel: [usize; 2],
    /// Distance between windows.
    pub stride: [usize; 2],
    /// Positions added at both ends.
    pub padding: [usize; 2],
    /// Divide by the size of the window even where part of it is padding.
    pub count_include_pad: bool,
}

const NAME: &str = "avg_pool2d";

impl<S: Scalar> Op<S> for AvgPool2d {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of(NAME, inputs, "1")?;
        let (window, shape) = pool2d::window(NAME, x, self.kernel, self.stride, self.padding)?;
        let mut y = buffer::to_overwrite(shape.len());
        pool::mean(&window, self.count_include_pad, x.data(), &mut y);
        Ok(Forward::of(Tensor::filled(shape, y)))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let x = cx.inputs[0];
        let (window, _) = pool2d::window(NAME, x, self.kernel, self.stride, self.padding)
            .expect("forward has accepted this input");
        vec![cx.needs[0].then(|| {
            let mut dx = buffer::zeros(x.len());
            pool::mean_gradient(&window, self.count_include_pad, cx.upstream.data(), &mut dx);
            Tensor::filled(x.shape(), dx)
        })]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        // Linear, and every image for itself.
        inputs[0].samples
    }
}

impl<S: Scalar> Var<'_, S> {
    /// Mean of a sliding window; see [`AvgPool2d`].
    ///
    /// # Errors
    /// A shape or settings that do not fit.
    pub fn avg_pool2d(self, pool: AvgPool2d) -> Result<Self> {
        self.tape().apply(pool, &[self])
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    let case = |name, kernel, stride, padding, count_include_pad, x: [usize; 4]| {
        let pool = AvgPool2d { kernel, stride, padding, count_include_pad };
        Case::op(name, pool).normal(x).bilinear()
    };
    vec![
        case("a remainder", [2, 2], [2, 2], [0, 0], true, [2, 2, 5, 7]),
        case("overlapping and padded", [3, 3], [2, 2], [1, 1], true, [1, 3, 6, 7]),
        case("overlapping and padded", [3, 3], [2, 2], [1, 1], false, [1, 3, 6, 7]),
        case("unequal sides", [2, 3], [1, 2], [0, 1], false, [2, 2, 5, 6]),
        case("a stride beyond the kernel", [2, 2], [3, 3], [0, 0], true, [1, 2, 7, 8]),
        case("kernel larger than image", [4, 5], [1, 1], [2, 2], false, [2, 1, 2, 1]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keep, Tape};

    /// By hand, on [2 4 9] with windows of 2 and one 0 on both sides.
    #[test]
    fn value_and_gradient_with_and_without_padding_counted() {
        let run = |count_include_pad| {
            let tape = Tape::<f64>::new();
            let x = tape.variable(Tensor::new([1, 1, 1, 3], vec![2.0, 4.0, 9.0]).unwrap());
            let pool = AvgPool2d { kernel: [1, 2], stride: [1, 2], padding: [0, 1], count_include_pad };
            let y = x.avg_pool2d(pool).unwrap();
            let g = Tensor::new(y.shape(), vec![1.0, 10.0]).unwrap();
            let gradients = tape.backward_from(y, g, Keep::Leaves).unwrap();
            (y.value().data().to_vec(), gradients.wrt(x).unwrap().data().to_vec())
        };
        assert_eq!(run(true), (vec![1.0, 6.5], vec![0.5, 5.0, 5.0]));
        assert_eq!(run(false), (vec![2.0, 6.5], vec![1.0, 5.0, 5.0]));
    }

    #[test]
    fn too_much_padding_is_refused() {
        let tape = Tape::<f32>::new();
        let x = tape.constant(Tensor::zeros([1, 2, 3, 3]));
        let pool = AvgPool2d { kernel: [3, 3], stride: [1, 1], padding: [2, 0], count_include_pad: true };
        let text = x.avg_pool2d(pool).unwrap_err().to_string();
        assert_eq!(text, "avg_pool2d: padding [2, 0] with kernel [3, 3]; want at most half the kernel");
    }
}
