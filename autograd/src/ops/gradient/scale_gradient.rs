//! A gradient multiplied on its way back.

use crate::check::Case;
use crate::error::{Error, Result};
use crate::kernels::map;
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = x; ∂L/∂x = factor·g. With −1 the gradient reversal of Ganin and Lempitsky (2015), *Unsupervised domain adaptation
/// by backpropagation*.
///
/// Shapes: any. Nothing saved; y shares x's data. Errors: a factor that is not finite.
#[derive(Debug, Clone, Copy)]
pub struct ScaleGradient {
    /// What the gradient is multiplied by.
    pub factor: f64,
}

pub(super) const NAME: &str = "scale_gradient";

impl<S: Scalar> Op<S> for ScaleGradient {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of(NAME, inputs, "1")?;
        if !self.factor.is_finite() {
            let what = format!("factor is {}", self.factor);
            return Err(Error::Argument { op: NAME, what, legal: "a finite number".into() });
        }
        Ok(Forward::of(x.clone()))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let factor = S::from_f64(self.factor);
        let scaled = || Tensor::filled(cx.upstream.shape(), map::map(cx.upstream.data(), |g| factor * g));
        vec![cx.needs[0].then(scaled)]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        inputs[0].samples
    }
}

impl<S: Scalar> Var<'_, S> {
    /// The same value; the gradient is multiplied by `factor` on its way back.
    ///
    /// # Errors
    /// A factor that is not finite.
    pub fn scale_gradient(self, factor: f64) -> Result<Self> {
        self.tape().apply(ScaleGradient { factor }, &[self])
    }
}

/// The cases on which its value and what it does to samples are checked.
pub(super) fn cases() -> Vec<Case> {
    vec![Case::op("reversed", ScaleGradient { factor: -1.0 }).normal([3, 4])]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;
    use crate::{Keep, Tape};

    #[test]
    fn the_value_stays_and_the_gradient_is_scaled() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::vector(vec![3.0, -1.0]));
        let y = x.scale_gradient(-0.5).unwrap();
        assert!(y.value().shares_data_with(&x.value()));
        let g = tape.backward_from(y, Tensor::vector(vec![4.0, 6.0]), Keep::Leaves).unwrap();
        assert_eq!(g.wrt(x).unwrap().data(), [-2.0, -3.0]);
        assert!(x.scale_gradient(f64::NAN).unwrap_err().to_string().contains("factor is NaN"));
    }

    /// Only the factor 1 is the derivative of its forward pass, and the checker says so.
    #[test]
    fn it_is_no_derivative_on_purpose() {
        let report = |factor| check::run(&Case::op("scaled", ScaleGradient { factor }).normal([5])).unwrap();
        assert!(report(1.0).failures.is_empty());
        assert!(!report(1.5).failures.is_empty());
    }
}
