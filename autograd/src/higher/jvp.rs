//! Forward mode.

use super::direction::{along, split};
use crate::error::Result;
use crate::program::Program;
use crate::scalar::Scalar;
use crate::tape::Tape;
use crate::tensor::Tensor;

/// f(x), and its derivative along v: J·v = d/dt f(x + t·v) at t = 0. Both have the shape of f(x), which may be any.
///
/// One forward pass over dual numbers; exact to rounding. Source: Griewank and Walther, *Evaluating Derivatives*
/// (2008), section 3.1.
///
/// # Errors
/// `v` does not match `x` in number and shapes; whatever `f` refuses.
pub fn jvp<S: Scalar>(f: &impl Program, x: &[Tensor<S>], v: &[Tensor<S>]) -> Result<(Tensor<S>, Tensor<S>)> {
    let tape = Tape::new();
    let inputs: Vec<_> = along("jvp", x, v)?.into_iter().map(|x| tape.constant(x)).collect();
    Ok(split(&f.run(&tape, &inputs)?.value()))
}
