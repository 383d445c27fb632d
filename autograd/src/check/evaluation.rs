//! A case evaluated at inputs of one's own choice.

use super::Case;
use crate::error::Result;
use crate::gradients::gradients_of;
use crate::pass::{Keep, Pass};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tape::{Tape, Var};
use crate::tensor::Tensor;

/// The value of a function of tensors, and Jᵀu for every input.
#[derive(Debug, Clone)]
pub struct Evaluation<S> {
    /// The value.
    pub output: Tensor<S>,
    /// The gradients, in the order of the inputs; 0 for an input on no path to the value.
    pub gradients: Vec<Tensor<S>>,
}

impl Case {
    /// Value and gradients in f32 at `inputs`, which may have other numbers and shapes than the case's own; `cotangent`
    /// is asked for u by the value's shape.
    ///
    /// # Errors
    /// Whatever the function refuses.
    pub fn evaluate_f32(
        &self,
        inputs: &[Tensor<f32>],
        cotangent: &dyn Fn(Shape) -> Tensor<f32>,
    ) -> Result<Evaluation<f32>> {
        evaluate(inputs, cotangent, |tape, x| self.program().run_f32(tape, x))
    }

    /// [`Case::evaluate_f32`] in f64.
    ///
    /// # Errors
    /// Whatever the function refuses.
    pub fn evaluate_f64(
        &self,
        inputs: &[Tensor<f64>],
        cotangent: &dyn Fn(Shape) -> Tensor<f64>,
    ) -> Result<Evaluation<f64>> {
        evaluate(inputs, cotangent, |tape, x| self.program().run_f64(tape, x))
    }
}

fn evaluate<S: Scalar>(
    inputs: &[Tensor<S>],
    cotangent: &dyn Fn(Shape) -> Tensor<S>,
    run: impl for<'t> Fn(&'t Tape<S>, &[Var<'t, S>]) -> Result<Var<'t, S>>,
) -> Result<Evaluation<S>> {
    let tape = Tape::new();
    let inputs: Vec<_> = inputs.iter().map(|x| tape.variable(x.clone())).collect();
    let output = run(&tape, &inputs)?;
    let value = output.value();
    let pass = Pass::new(Keep::Leaves).with_cotangent(cotangent(value.shape()));
    let gradients = gradients_of(pass, output, &inputs)?;
    Ok(Evaluation { output: value, gradients })
}
