//! Dropout.

use autograd::{Result, Scalar, Var, ops};

use crate::context::Context;
use crate::layer::Layer;

/// In training, zeroes each element with the given probability and scales the others by 1/(1 − p); in evaluation
/// the identity. Source: Srivastava et al., *Dropout* (2014).
#[derive(Debug, Clone, Copy)]
pub struct Dropout {
    probability: f64,
}

impl Dropout {
    /// A dropout layer.
    ///
    /// # Errors
    /// The probability is not in [0, 1).
    pub fn new(probability: f64) -> Result<Self> {
        // The op knows the legal range; asking it here refuses a bad value at construction.
        ops::Dropout::new(probability, 0, 0)?;
        Ok(Self { probability })
    }
}

impl<S: Scalar> Layer<S> for Dropout {
    fn forward<'t>(&mut self, cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        if !cx.is_training() {
            return Ok(x);
        }
        let (seed, index) = cx.random_key();
        cx.tape().apply(ops::Dropout::new(self.probability, seed, index)?, &[x])
    }
}
