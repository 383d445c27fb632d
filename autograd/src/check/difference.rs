//! Second route: ⟨u, J v⟩ from central differences in f64.

use super::{
    Case, Reference, Report, bilinear_tolerance, difference_tolerance, directions, inner, largest, moved,
    scale,
};
use crate::error::Result;
use crate::tape::Tape;
use crate::tensor::Tensor;

pub(super) fn check(case: &Case, reference: &Reference, report: &mut Report) -> Result<()> {
    let mut worst = (0.0f64, 0, 0.0, 0.0);
    for (k, direction) in directions(case).iter().enumerate() {
        let h = if case.is_bilinear() { 1.0 } else { step(case, direction) };
        let (above, below) = (value(case, reference, direction, h)?, value(case, reference, direction, -h)?);
        let mut forward = (above - below) / (2.0 * h);
        let backward = inner(&reference.gradients, direction);
        let error_of = |forward: f64| {
            let allowed = if case.is_bilinear() {
                bilinear_tolerance(scale(reference, direction).max(above.abs()).max(below.abs()))
            } else {
                difference_tolerance(forward.abs().max(backward.abs()))
            };
            (forward - backward).abs() / allowed
        };
        let mut error = error_of(forward);
        if error > 1.0 && !case.is_bilinear() {
            // The difference itself may be wrong, by h²/6 times the third derivative, which towers of exponentials make large.
            // Then (4·D(h) − D(2h))/3, whose error is of fourth order (Richardson), decides.
            let (above, below) =
                (value(case, reference, direction, 2.0 * h)?, value(case, reference, direction, -2.0 * h)?);
            forward = (4.0 * forward - (above - below) / (4.0 * h)) / 3.0;
            error = error_of(forward);
        }
        if error > worst.0 || error.is_nan() {
            worst = (error, k, forward, backward);
        }
    }
    report.difference = worst.0;
    if !(worst.0 <= 1.0) {
        report.failures.push(format!(
            "finite differences: direction {}: forward {:e}, backward {:e}, {:.1} times the allowed error",
            worst.1, worst.2, worst.3, worst.0
        ));
    }
    Ok(())
}

/// h = 1e-5·max(1, |x|) for the largest |x| that the direction moves.
pub(super) fn step(case: &Case, direction: &[Tensor<f64>]) -> f64 {
    let moved = case.inputs().iter().zip(direction).flat_map(|(x, v)| x.data().iter().zip(v.data()));
    let sizes: Vec<f64> = moved.filter(|(_, v)| **v != 0.0).map(|(x, _)| *x).collect();
    1e-5 * largest(&sizes).max(1.0)
}

/// ⟨u, f(x + h·v)⟩.
fn value(case: &Case, reference: &Reference, direction: &[Tensor<f64>], h: f64) -> Result<f64> {
    let tape = Tape::<f64>::new();
    let inputs: Vec<_> = moved(case, direction, h).into_iter().map(|x| tape.constant(x)).collect();
    let output = case.program().run_f64(&tape, &inputs)?.value();
    Ok(reference.cotangent.data().iter().zip(output.data()).map(|(u, y)| u * y).sum())
}
