//! The value without its gradient.

use crate::check::Case;
use crate::error::Result;
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = x, and no gradient flows back. Shapes: any. Nothing saved; y shares x's data.
#[derive(Debug, Clone, Copy, Default)]
pub struct Detach;

pub(super) const NAME: &str = "detach";

impl<S: Scalar> Op<S> for Detach {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of(NAME, inputs, "1")?;
        Ok(Forward::of(x.clone()))
    }

    fn is_differentiable(&self) -> bool {
        false
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        vec![None; cx.inputs.len()]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        inputs[0].samples
    }
}

impl<S: Scalar> Var<'_, S> {
    /// The same value as a constant: no gradient flows back through it.
    #[must_use]
    pub fn detach(self) -> Self {
        self.tape().apply(Detach, &[self]).unwrap_or_else(|e| panic!("{e}"))
    }
}

/// The cases on which its value and what it does to samples are checked.
pub(super) fn cases() -> Vec<Case> {
    vec![Case::op("x", Detach).normal([3, 4])]
}

#[cfg(test)]
mod tests {
    use crate::{Keep, Tape, Tensor};

    /// d/dx x·stop(x) is x, not 2x.
    #[test]
    fn nothing_flows_back() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::scalar(3.0));
        let still = x.detach();
        assert!(!still.needs_gradient() && still.inputs()[0].id() == x.id());
        let gradients = tape.backward(x * still, Keep::All).unwrap();
        assert_eq!(gradients.wrt(x).unwrap().data(), [3.0]);
        assert!(gradients.wrt(still).is_err());
    }
}
