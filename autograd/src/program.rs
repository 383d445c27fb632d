//! A function of tensors that runs in every scalar type.

use crate::error::Result;
use crate::scalar::Scalar;
use crate::tape::{Tape, Var};

/// A differentiable function of tensors, written once for every scalar type.
pub trait Program: Send + Sync + 'static {
    /// Records the function on `tape` and returns its value.
    ///
    /// # Errors
    /// Whatever the ops refuse.
    fn run<'t, S: Scalar>(&self, tape: &'t Tape<S>, inputs: &[Var<'t, S>]) -> Result<Var<'t, S>>;
}
