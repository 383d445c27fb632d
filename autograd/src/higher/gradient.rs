//! Reverse mode of a program.

use crate::error::{Error, Result};
use crate::gradients::gradients_of;
use crate::pass::{Keep, Pass};
use crate::program::Program;
use crate::scalar::Scalar;
use crate::tape::{Tape, Var};
use crate::tensor::Tensor;

/// f(x) and ∇f(x), one tensor for each input; an input on no path to the value has gradient 0.
///
/// # Errors
/// The value is not a single number; whatever `f` refuses.
pub fn gradient<S: Scalar>(f: &impl Program, x: &[Tensor<S>]) -> Result<(S, Vec<Tensor<S>>)> {
    let tape = Tape::new();
    let inputs: Vec<_> = x.iter().map(|x| tape.variable(x.clone())).collect();
    let output = f.run(&tape, &inputs)?;
    backward("gradient", output, &inputs)
}

/// The single number `output` and its gradient by each of `inputs`. Compiled once per scalar type, not per program.
pub(super) fn backward<S: Scalar>(
    name: &'static str,
    output: Var<'_, S>,
    inputs: &[Var<'_, S>],
) -> Result<(S, Vec<Tensor<S>>)> {
    let value = output.value().item().map_err(|_| Error::Operand {
        op: name,
        what: "the function's value",
        shape: output.shape(),
        legal: "a single number".into(),
    })?;
    Ok((value, gradients_of(Pass::new(Keep::Leaves), output, inputs)?))
}
