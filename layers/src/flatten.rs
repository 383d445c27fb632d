//! From images to vectors.

use autograd::{Result, Scalar, Var};

use crate::context::Context;
use crate::layer::Layer;

/// [N, ...] to [N, product of the rest], row-major.
#[derive(Debug, Clone, Copy)]
pub struct Flatten;

impl<S: Scalar> Layer<S> for Flatten {
    fn forward<'t>(&mut self, _cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        x.flatten_from(1)
    }
}
