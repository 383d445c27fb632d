//! A constant that remembers what it was computed from.

use crate::error::Result;
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = a fixed tensor that was computed from x without the tape; no gradient flows back. Shapes: any two. Nothing saved.
///
/// To the gradient it is a constant, but what a batch determines is not taken for independent of its samples.
#[derive(Debug, Clone)]
pub struct ConstantFrom<S>(pub Tensor<S>);

impl<S: Scalar> Op<S> for ConstantFrom<S> {
    fn name(&self) -> &'static str {
        "constant_from"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let [_] = inputs_of("constant_from", inputs, "1")?;
        Ok(Forward::of(self.0.clone()))
    }

    fn is_differentiable(&self) -> bool {
        false
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        vec![None; cx.inputs.len()]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        match inputs[0].samples {
            Samples::Shared => Samples::Shared,
            _ => Samples::Mixed("it is a constant made from values of the batch"),
        }
    }
}

impl<S: Scalar> Var<'_, S> {
    /// `value` as a constant that was computed from this value without the tape; see [`ConstantFrom`].
    #[must_use]
    pub fn constant_from(self, value: Tensor<S>) -> Self {
        self.tape().apply(ConstantFrom(value), &[self]).unwrap_or_else(|e| panic!("{e}"))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Keep, Tape, Tensor};

    #[test]
    fn it_is_a_constant_with_an_origin() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::vector(vec![3.0, 4.0]));
        let largest = x.constant_from(Tensor::scalar(4.0));
        assert!(!largest.needs_gradient() && largest.inputs()[0].id() == x.id());
        let gradients = tape.backward((x * largest).sum_all(), Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(x).unwrap().data(), [4.0, 4.0]);
    }
}
