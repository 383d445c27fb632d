//! a to the power b, broadcast.

use crate::check::Case;
use crate::error::Result;
use crate::op::{Backward, Forward, Op};
use crate::ops::broadcast;
use crate::samples::{Sample, SampledInput, Samples};
use crate::scalar::Scalar;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = a^b; ∂L/∂a = g·b·a^(b−1), ∂L/∂b = g·y·ln a, each summed over the axes along which that operand was repeated.
///
/// Shapes: any two that broadcast; y has the broadcast shape. Conventions: a^0 = 1 with ∂L/∂a = 0 for every a; where
/// a = 0, ∂L/∂b = 0. A negative base with an exponent that is no whole number gives NaN, as in IEEE 754, and a
/// negative base has no real ∂L/∂b: it is NaN. Nothing saved. Errors: shapes that do not broadcast.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pow;

impl<S: Scalar> Op<S> for Pow {
    fn name(&self) -> &'static str {
        "pow"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        broadcast::forward("pow", inputs, S::powf)
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        broadcast::backward(
            cx,
            |g, a, b, _| if b == S::ZERO { S::ZERO } else { g * b * a.powf(b - S::ONE) },
            |g, a, _, y| if a == S::ZERO { S::ZERO } else { g * y * a.ln() },
        )
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        broadcast::samples(inputs, |o| Samples::linear_totals(o, &[]))
    }

    fn backward_of_sample(&self, cx: &Backward<'_, S>, sample: Sample<'_>) -> Vec<Option<Tensor<S>>> {
        broadcast::backward_of_sample(self, cx, sample)
    }
}

impl<S: Scalar> Var<'_, S> {
    /// self to the power other, broadcast.
    ///
    /// # Errors
    /// The shapes do not broadcast.
    pub fn pow(self, other: Self) -> Result<Self> {
        self.tape().apply(Pow, &[self, other])
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::op("same shape", Pow).positive([3, 5]).normal([3, 5]),
        Case::op("right operand broadcast", Pow).positive([2, 3, 4]).positive([3, 1]),
        Case::op("left operand broadcast", Pow).positive([1]).positive([2, 5]),
        Case::op("both broadcast", Pow).positive([4, 1]).positive([1, 3]),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{Keep, Tape, Tensor};

    /// By hand: 3² = 9, ∂/∂a = 2·3, ∂/∂b = 9 ln 3; 0^0 and 0^2 take the documented values.
    #[test]
    fn value_and_gradient() {
        let tape = Tape::<f64>::new();
        let a = tape.variable(Tensor::vector(vec![3.0, 0.0, 0.0]));
        let b = tape.variable(Tensor::vector(vec![2.0, 0.0, 2.0]));
        let y = a.pow(b).unwrap();
        assert_eq!(y.value().data(), [9.0, 1.0, 0.0]);
        let gradients = tape.backward_from(y, Tensor::full([3], 1.0), Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(a).unwrap().data(), [6.0, 0.0, 0.0]);
        assert_eq!(gradients.wrt(b).unwrap().data(), [9.0 * 3.0f64.ln(), 0.0, 0.0]);
    }
}
