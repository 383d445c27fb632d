//! a / b elementwise, broadcast.

use crate::check::Case;
use crate::error::Result;
use crate::op::{Backward, Forward, Op};
use crate::ops::broadcast;
use crate::samples::{Sample, SampledInput, Samples};
use crate::scalar::Scalar;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = a/b; ∂L/∂a = g/b, ∂L/∂b = −g·y/b, each summed over the axes along which that operand was repeated.
///
/// Shapes: any two that broadcast; y has the broadcast shape. Division by 0 follows IEEE 754: ±∞ or NaN, and so do
/// the gradients. Nothing saved. Errors: shapes that do not broadcast.
#[derive(Debug, Clone, Copy, Default)]
pub struct Div;

impl<S: Scalar> Op<S> for Div {
    fn name(&self) -> &'static str {
        "div"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        broadcast::forward("div", inputs, |a, b| a / b)
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        broadcast::backward(cx, |g, _, b, _| g / b, |g, _, b, y| -(g * y / b))
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        broadcast::samples(inputs, |o| Samples::linear_totals(o, &[0]))
    }

    fn backward_of_sample(&self, cx: &Backward<'_, S>, sample: Sample<'_>) -> Vec<Option<Tensor<S>>> {
        broadcast::backward_of_sample(self, cx, sample)
    }
}

impl<S: Scalar> Var<'_, S> {
    /// self / other elementwise, broadcast.
    ///
    /// # Errors
    /// The shapes do not broadcast.
    pub fn try_div(self, other: Self) -> Result<Self> {
        self.tape().apply(Div, &[self, other])
    }
}

impl<'t, S: Scalar> std::ops::Div for Var<'t, S> {
    type Output = Self;
    /// Panics with the text of [`Var::try_div`]'s error.
    fn div(self, other: Self) -> Self {
        self.try_div(other).unwrap_or_else(|e| panic!("{e}"))
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::op("same shape", Div).normal([3, 5]).positive([3, 5]),
        Case::op("right operand broadcast", Div).normal([2, 3, 4]).positive([3, 1]),
        Case::op("left operand broadcast", Div).normal([1]).positive([2, 5]),
        Case::op("both broadcast", Div).normal([4, 1]).positive([1, 3]),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{Keep, Tape, Tensor};

    /// By hand: ∂L/∂b = −(1·0.5 + 10·1.5)/2.
    #[test]
    fn value_and_gradient() {
        let tape = Tape::<f64>::new();
        let a = tape.variable(Tensor::vector(vec![1.0, 3.0]));
        let b = tape.variable(Tensor::vector(vec![2.0]));
        let y = a / b;
        assert_eq!(y.value().data(), [0.5, 1.5]);
        let gradients = tape.backward_from(y, Tensor::vector(vec![1.0, 10.0]), Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(a).unwrap().data(), [0.5, 5.0]);
        assert_eq!(gradients.wrt(b).unwrap().data(), [-7.75]);
    }
}
