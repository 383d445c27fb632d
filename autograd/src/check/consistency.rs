//! What must hold besides the derivative itself: the same bits again, `needs` honoured, f32 near f64.

use super::{Case, Reference, Report, gradients, gradients_at, largest, worse};
use crate::error::Result;
use crate::pass::Keep;
use crate::tape::Tape;
use crate::tensor::Tensor;

pub(super) fn check(case: &Case, reference: &Reference, report: &mut Report) -> Result<()> {
    repeat(case, reference, report)?;
    needs(case, reference, report)?;
    single(case, reference, report)
}

fn same_bits(a: &Tensor<f64>, b: &Tensor<f64>) -> bool {
    a.shape() == b.shape() && a.data().iter().zip(b.data()).all(|(a, b)| a.to_bits() == b.to_bits())
}

/// A second evaluation gives the same bits.
fn repeat(case: &Case, reference: &Reference, report: &mut Report) -> Result<()> {
    let again = gradients_at(case, case.inputs().to_vec(), &reference.cotangent)?;
    if !again.iter().zip(&reference.gradients).all(|(a, b)| same_bits(a, b)) {
        report.failures.push("a second backward pass gave other bits".into());
    }
    Ok(())
}

/// With a gradient wanted for one input only, it is the same, and no other exists.
fn needs(case: &Case, reference: &Reference, report: &mut Report) -> Result<()> {
    for wanted in 0..case.inputs().len() {
        let tape = Tape::<f64>::new();
        let place = |(i, x): (usize, &Tensor<f64>)| {
            if i == wanted { tape.variable(x.clone()) } else { tape.constant(x.clone()) }
        };
        let inputs: Vec<_> = case.inputs().iter().enumerate().map(place).collect();
        let output = case.program().run_f64(&tape, &inputs)?;
        if !output.needs_gradient() {
            continue;
        }
        let gradients = tape.backward_from(output, reference.cotangent.clone(), Keep::Leaves)?;
        let alone = &gradients.of_inputs(&inputs)[wanted];
        if !same_bits(alone, &reference.gradients[wanted]) {
            report.failures.push(format!("the gradient of input {wanted} changes when it alone is wanted"));
        }
        if inputs.iter().enumerate().any(|(i, &x)| i != wanted && gradients.wrt(x).is_ok()) {
            report.failures.push("an input that needs no gradient got one".into());
        }
    }
    Ok(())
}

/// f32 values and gradients are near those of f64.
fn single(case: &Case, reference: &Reference, report: &mut Report) -> Result<()> {
    let tape = Tape::<f32>::new();
    let inputs: Vec<Tensor<f32>> = case.inputs().iter().map(Tensor::cast).collect();
    let vars: Vec<_> = inputs.iter().map(|x| tape.variable(x.clone())).collect();
    let output = case.program().run_f32(&tape, &vars)?.value();
    let single = gradients(inputs, &reference.cotangent, |tape, x| case.program().run_f32(tape, x))?;
    let pairs = single.iter().zip(&reference.gradients).chain([(&output, &reference.output)]);
    for (got, want) in pairs {
        let size = largest(want.data());
        let size = if size == 0.0 { 1.0 } else { size };
        let errors: Vec<f64> = got.data().iter().zip(want.data()).map(|(&a, b)| f64::from(a) - b).collect();
        let worst = largest(&errors) / size;
        report.single = worse(report.single, worst);
    }
    if !(report.single <= case.f32_tolerance()) {
        report.failures.push(format!(
            "f32 differs from f64 by {:.1e} of the largest entry, allowed are {:.1e}",
            report.single,
            case.f32_tolerance()
        ));
    }
    Ok(())
}
