//! Applying an [`Elementwise`] function to a value on the tape.

use crate::elementwise::{Elementwise, Map};
use crate::scalar::Scalar;
use crate::tape::Var;

impl<S: Scalar> Var<'_, S> {
    /// `function` of every element. Any shape; panics only if a backward pass has freed the value.
    pub fn map<E: Elementwise>(self, function: E) -> Self {
        self.tape().apply(Map(function), &[self]).unwrap_or_else(|e| panic!("{e}"))
    }
}
