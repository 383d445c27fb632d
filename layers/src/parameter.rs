//! What is learnt.

use autograd::{Scalar, Tensor};

/// What a parameter is for; optimisers choose by it what to decay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The matrix of a linear map or the kernels of a convolution.
    Weight,
    /// What such a layer adds.
    Bias,
    /// Scale or shift of a normalization.
    Norm,
    /// A parameter of an activation function.
    Activation,
}

/// A tensor that is learnt.
#[derive(Debug, Clone)]
pub struct Parameter<S> {
    /// Its present value.
    pub value: Tensor<S>,
    /// What it is for.
    pub role: Role,
    /// Whether it is declared not to be learnt: it needs no gradient, and optimisers leave it alone.
    pub is_frozen: bool,
}

impl<S: Scalar> Parameter<S> {
    /// A parameter with its initial value.
    pub fn new(value: Tensor<S>, role: Role) -> Self {
        Self { value, role, is_frozen: false }
    }
}
