//! a + b, broadcast.

use crate::check::Case;
use crate::error::Result;
use crate::op::{Backward, Forward, Op};
use crate::ops::broadcast;
use crate::samples::{Sample, SampledInput, Samples};
use crate::scalar::Scalar;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = a + b; ∂L/∂a = g, ∂L/∂b = g, each summed over the axes along which that operand was repeated.
///
/// Shapes: any two that broadcast; y has the broadcast shape. Nothing saved. Errors: shapes that do not broadcast.
#[derive(Debug, Clone, Copy, Default)]
pub struct Add;

impl<S: Scalar> Op<S> for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        broadcast::forward("add", inputs, |a, b| a + b)
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        (0..2).map(|input| cx.needs[input].then(|| broadcast::pass(cx, input))).collect()
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        broadcast::samples(inputs, Samples::affine_totals)
    }

    fn backward_of_sample(&self, cx: &Backward<'_, S>, sample: Sample<'_>) -> Vec<Option<Tensor<S>>> {
        broadcast::backward_of_sample(self, cx, sample)
    }
}

impl<S: Scalar> Var<'_, S> {
    /// self + other, broadcast.
    ///
    /// # Errors
    /// The shapes do not broadcast.
    pub fn try_add(self, other: Self) -> Result<Self> {
        self.tape().apply(Add, &[self, other])
    }
}

impl<'t, S: Scalar> std::ops::Add for Var<'t, S> {
    type Output = Self;
    /// Panics with the text of [`Var::try_add`]'s error.
    fn add(self, other: Self) -> Self {
        self.try_add(other).unwrap_or_else(|e| panic!("{e}"))
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::op("same shape", Add).normal([3, 5]).normal([3, 5]),
        Case::op("right operand broadcast", Add).normal([2, 3, 4]).normal([3, 1]),
        Case::op("left operand broadcast", Add).normal([1]).normal([2, 5]),
        Case::op("both broadcast", Add).normal([4, 1]).normal([1, 3]),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{Keep, Tape, Tensor};

    /// By hand: the broadcast operand gets 1 + 10.
    #[test]
    fn value_and_gradient() {
        let tape = Tape::<f64>::new();
        let a = tape.variable(Tensor::vector(vec![1.0, 2.0]));
        let b = tape.variable(Tensor::vector(vec![5.0]));
        let y = a + b;
        assert_eq!(y.value().data(), [6.0, 7.0]);
        let gradients = tape.backward_from(y, Tensor::vector(vec![1.0, 10.0]), Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(a).unwrap().data(), [1.0, 10.0]);
        assert_eq!(gradients.wrt(b).unwrap().data(), [11.0]);
    }
}
