//! Maximum of a sliding window.

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

/// y[n, c, i, j] = max x[n, c, i·stride + k − padding, j·stride + l − padding] over the taps (k, l) inside the image.
///
/// Derivative: ∂L/∂x at a window's maximum gets that window's g; an element that is the maximum of several windows
/// gets the sum. Ties: the first in row-major order gets it all. Padding never wins, whatever the signs; a NaN does,
/// as in PyTorch.
///
/// Shapes: x (N, C, H, W); y (N, C, OH, OW) with OH = ⌊(H + 2·padding − KH) / stride⌋ + 1. What remains at the bottom
/// and right is unused. Pairs are (height, width). Nothing saved: where the maximum was is found again from x.
///
/// Errors: another rank, kernel or stride 0, padding above half the kernel, a kernel that does not fit.
///
/// Source: conventions of `torch.nn.MaxPool2d` without `ceil_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPool2d {
    /// Size of the window.
    pub kernel: [usize; 2],
    /// Distance between windows.
    pub stride: [usize; 2],
    /// Positions added at both ends.
    pub padding: [usize; 2],
}

const NAME: &str = "max_pool2d";

impl<S: Scalar> Op<S> for MaxPool2d {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of(NAME, inputs, "1")?;
        let (window, shape) = pool2d::window(NAME, x, self.kernel, self.stride, self.padding)?;
        let mut y = buffer::to_overwrite(shape.len());
        pool::maximum(&window, x.data(), &mut y);
        Ok(Forward::of(Tensor::filled(shape, y)))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let x = cx.inputs[0];
        let (window, _) = pool2d::window(NAME, x, self.kernel, self.stride, self.padding)
            .expect("forward has accepted this input");
        vec![cx.needs[0].then(|| {
            let mut dx = buffer::zeros(x.len());
            pool::maximum_gradient(&window, x.data(), cx.upstream.data(), &mut dx);
            Tensor::filled(x.shape(), dx)
        })]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        inputs[0].samples.row_by_row()
    }
}

impl<S: Scalar> Var<'_, S> {
    /// Maximum of a sliding window; see [`MaxPool2d`].
    ///
    /// # Errors
    /// A shape or settings that do not fit.
    pub fn max_pool2d(self, pool: MaxPool2d) -> Result<Self> {
        self.tape().apply(pool, &[self])
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    let case = |name, kernel, stride, padding, x: [usize; 4]| {
        Case::op(name, MaxPool2d { kernel, stride, padding }).distinct(x)
    };
    vec![
        case("a remainder", [2, 2], [2, 2], [0, 0], [2, 2, 5, 7]),
        case("overlapping and padded", [3, 3], [2, 2], [1, 1], [1, 3, 6, 7]),
        case("unequal sides", [2, 3], [1, 2], [0, 1], [2, 2, 5, 6]),
        case("a stride beyond the kernel", [2, 2], [3, 3], [0, 0], [1, 2, 7, 8]),
        case("kernel larger than image", [4, 5], [1, 1], [2, 2], [2, 1, 2, 1]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keep, Tape};

    fn run(x: [f64; 6], pool: MaxPool2d, g: Vec<f64>) -> (Vec<f64>, Vec<f64>) {
        let tape = Tape::new();
        let x = tape.variable(Tensor::new([1, 1, 2, 3], x.to_vec()).unwrap());
        let y = x.max_pool2d(pool).unwrap();
        let g = Tensor::new(y.shape(), g).unwrap();
        let gradients = tape.backward_from(y, g, Keep::Leaves).unwrap();
        (y.value().data().to_vec(), gradients.wrt(x).unwrap().data().to_vec())
    }

    const OVERLAPPING: MaxPool2d = MaxPool2d { kernel: [2, 2], stride: [1, 1], padding: [0, 0] };

    /// By hand: 7 is the maximum of both windows, 5 of none; of equal sevens the first in row-major order counts.
    #[test]
    fn value_gradient_and_ties() {
        let (y, dx) = run([1.0, 7.0, -2.0, 5.0, 0.0, 3.0], OVERLAPPING, vec![1.0, 10.0]);
        assert_eq!(y, [7.0, 7.0]);
        assert_eq!(dx, [0.0, 11.0, 0.0, 0.0, 0.0, 0.0]);
        let (_, dx) = run([1.0, 7.0, 7.0, 7.0, 7.0, 3.0], OVERLAPPING, vec![1.0, 10.0]);
        assert_eq!(dx, [0.0, 11.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn padding_never_wins_and_nan_always_does() {
        let padded = MaxPool2d { kernel: [2, 3], stride: [2, 3], padding: [1, 1] };
        let (y, _) = run([-4.0, -5.0, -6.0, -3.0, -2.0, -1.0], padded, vec![1.0; 2]);
        assert_eq!(y, [-4.0, -2.0]);
        let (y, dx) = run([1.0, f64::NAN, -2.0, 5.0, 0.0, 3.0], OVERLAPPING, vec![1.0, 10.0]);
        assert!(y.iter().all(|y| y.is_nan()));
        assert_eq!(dx, [0.0, 11.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn misfits_are_named() {
        let tape = Tape::<f32>::new();
        let x = tape.constant(Tensor::zeros([1, 2, 3, 3]));
        let text = |pool| x.max_pool2d(pool).unwrap_err().to_string();
        let fit = MaxPool2d { kernel: [2, 2], stride: [2, 2], padding: [0, 0] };
        let cases = [
            (MaxPool2d { padding: [0, 2], ..fit }, "padding [0, 2] with kernel [2, 2]; want at most half"),
            (MaxPool2d { stride: [0, 2], ..fit }, "stride [0, 2]; want at least 1"),
            (MaxPool2d { kernel: [2, 0], ..fit }, "kernel [2, 0]; want at least 1"),
            (MaxPool2d { kernel: [4, 1], ..fit }, "an image into which the kernel [4, 1] fits"),
        ];
        for (pool, part) in cases {
            assert!(text(pool).contains(part), "{}", text(pool));
        }
        let empty = tape.constant(Tensor::zeros([0, 2, 4, 4])).max_pool2d(fit).unwrap();
        assert_eq!(empty.shape().dims(), [0, 2, 2, 2]);
        assert!(tape.constant(Tensor::zeros([2, 2])).max_pool2d(fit).is_err());
    }
}
