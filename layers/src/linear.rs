//! The dense layer.

use autograd::{Result, Scalar, Tensor, Var};

use crate::context::Context;
use crate::init::Initializer;
use crate::layer::{Layer, Walk};
use crate::parameter::{Parameter, Role};

/// y = x Wᵀ + b. x [N, I], W [O, I], b \[O\] starting at 0, y [N, O]. Parameters `weight`, `bias`.
/// Errors: x is not [N, I].
#[derive(Debug)]
pub struct Linear<S> {
    weight: Parameter<S>,
    bias: Parameter<S>,
}

impl<S: Scalar> Linear<S> {
    /// A layer from `inputs` to `outputs` features.
    pub fn new(inputs: usize, outputs: usize, init: &mut Initializer) -> Self {
        Self {
            weight: init.weight([outputs, inputs]),
            bias: Parameter::new(Tensor::zeros([outputs]), Role::Bias),
        }
    }
}

impl<S: Scalar> Layer<S> for Linear<S> {
    fn forward<'t>(&mut self, cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        let (weight, bias) = (cx.parameter("weight", &self.weight)?, cx.parameter("bias", &self.bias)?);
        x.matmul_transposed(weight)?.try_add(bias)
    }

    fn visit(&mut self, walk: &mut Walk<'_, S>) {
        walk.parameter("weight", &mut self.weight);
        walk.parameter("bias", &mut self.bias);
    }
}
