//! First route: ⟨u, J v⟩ from a forward pass over dual numbers.

use super::{Case, DUAL_TOLERANCE, Reference, Report, directions, inner, scale};
use crate::error::Result;
use crate::higher::along;
use crate::scalar::Dual;
use crate::tape::Tape;
use crate::tensor::Tensor;

pub(super) fn check(case: &Case, reference: &Reference, report: &mut Report) -> Result<()> {
    let mut worst = (0.0f64, 0, 0.0, 0.0);
    for (k, direction) in directions(case).iter().enumerate() {
        let forward = directional(case, reference, direction)?;
        let backward = inner(&reference.gradients, direction);
        let error = (forward - backward).abs() / scale(reference, direction);
        // A NaN must not win by comparing false.
        if error > worst.0 || error.is_nan() {
            worst = (error, k, forward, backward);
        }
    }
    report.dual = worst.0;
    if !(worst.0 <= DUAL_TOLERANCE) {
        report.failures.push(format!(
            "dual numbers: direction {}: forward {:e}, backward {:e}, relative error {:.1e}",
            worst.1, worst.2, worst.3, worst.0
        ));
    }
    Ok(())
}

/// ⟨u, J v⟩.
fn directional(case: &Case, reference: &Reference, direction: &[Tensor<f64>]) -> Result<f64> {
    let tape = Tape::<Dual<f64>>::new();
    let inputs: Vec<_> =
        along("check", case.inputs(), direction)?.into_iter().map(|x| tape.constant(x)).collect();
    let output = case.program().run_dual(&tape, &inputs)?.value();
    Ok(reference.cotangent.data().iter().zip(output.data()).map(|(u, y)| u * y.tangent).sum())
}
