//! What is checked: something that runs in every scalar type.

use crate::error::Result;
use crate::op::Op;
use crate::program::Program;
use crate::scalar::Dual;
use crate::tape::{Tape, Var};

/// An op that can be checked: it works over every scalar type.
pub trait CheckedOp: Op<f32> + Op<f64> + Op<Dual<f64>> + Clone {}

impl<O: Op<f32> + Op<f64> + Op<Dual<f64>> + Clone> CheckedOp for O {}

/// [`Program`] with its scalar types spelled out, so that cases of different programs fit one list.
pub(crate) trait AnyScalar: Send + Sync {
    fn run_f32<'t>(&self, tape: &'t Tape<f32>, inputs: &[Var<'t, f32>]) -> Result<Var<'t, f32>>;
    fn run_f64<'t>(&self, tape: &'t Tape<f64>, inputs: &[Var<'t, f64>]) -> Result<Var<'t, f64>>;
    fn run_dual<'t>(
        &self,
        tape: &'t Tape<Dual<f64>>,
        inputs: &[Var<'t, Dual<f64>>],
    ) -> Result<Var<'t, Dual<f64>>>;
}

/// Any program.
pub(super) struct Of<P>(pub(super) P);

impl<P: Program> AnyScalar for Of<P> {
    fn run_f32<'t>(&self, tape: &'t Tape<f32>, inputs: &[Var<'t, f32>]) -> Result<Var<'t, f32>> {
        self.0.run(tape, inputs)
    }
    fn run_f64<'t>(&self, tape: &'t Tape<f64>, inputs: &[Var<'t, f64>]) -> Result<Var<'t, f64>> {
        self.0.run(tape, inputs)
    }
    fn run_dual<'t>(
        &self,
        tape: &'t Tape<Dual<f64>>,
        inputs: &[Var<'t, Dual<f64>>],
    ) -> Result<Var<'t, Dual<f64>>> {
        self.0.run(tape, inputs)
    }
}

/// A single op applied to the inputs.
pub(super) struct Single<O>(pub(super) O);

impl<O: CheckedOp> AnyScalar for Single<O> {
    fn run_f32<'t>(&self, tape: &'t Tape<f32>, inputs: &[Var<'t, f32>]) -> Result<Var<'t, f32>> {
        tape.apply(self.0.clone(), inputs)
    }
    fn run_f64<'t>(&self, tape: &'t Tape<f64>, inputs: &[Var<'t, f64>]) -> Result<Var<'t, f64>> {
        tape.apply(self.0.clone(), inputs)
    }
    fn run_dual<'t>(
        &self,
        tape: &'t Tape<Dual<f64>>,
        inputs: &[Var<'t, Dual<f64>>],
    ) -> Result<Var<'t, Dual<f64>>> {
        tape.apply(self.0.clone(), inputs)
    }
}
