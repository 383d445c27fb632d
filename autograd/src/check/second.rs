//! Second derivatives: H·v, the derivative of Jᵀu along v, from a backward pass over dual numbers.

use super::difference::step;
use super::{
    Case, DIRECTIONS, DUAL_TOLERANCE, Reference, Report, bilinear_tolerance, difference_tolerance, gradients,
    gradients_at, inner, largest, moved, streams, worse,
};
use crate::error::Result;
use crate::higher::{along, split};
use crate::random::{Purpose, Stream};
use crate::tensor::Tensor;

pub(super) fn check(case: &Case, reference: &Reference, report: &mut Report) -> Result<()> {
    let directions: Vec<_> = (0..DIRECTIONS).map(|k| direction(case, k)).collect();
    let along = |v: &Vec<_>| product(case, reference, v);
    let products = directions.iter().map(along).collect::<Result<Vec<_>>>()?;
    symmetry(reference, &directions, &products, report);
    differences(case, reference, &directions, &products, report)
}

/// A random vector of length 1 over all inputs: it moves the point by as much as a coordinate's own direction does.
fn direction(case: &Case, k: u64) -> Vec<Tensor<f64>> {
    let mut stream = Stream::new(case.seed(), Purpose::Probe, streams::second(k));
    let mut draw = |x: &Tensor<f64>| {
        Tensor::filled(x.shape(), (0..x.len()).map(|_| stream.uniform_in(-1.0, 1.0)).collect())
    };
    let mut direction: Vec<_> = case.inputs().iter().map(&mut draw).collect();
    let length = inner(&direction, &direction).sqrt();
    direction.iter_mut().for_each(|v| v.data_mut().iter_mut().for_each(|v| *v /= length));
    direction
}

/// H·v: the tangents of Jᵀu at x + v·ε.
fn product(case: &Case, reference: &Reference, v: &[Tensor<f64>]) -> Result<Vec<Tensor<f64>>> {
    let inputs = along("check", case.inputs(), v)?;
    let duals = gradients(inputs, &reference.cotangent, |tape, x| case.program().run_dual(tape, x))?;
    Ok(duals.iter().map(|g| split(g).1).collect())
}

/// ⟨w, H v⟩ = ⟨v, H w⟩ for every pair.
fn symmetry(
    reference: &Reference,
    directions: &[Vec<Tensor<f64>>],
    products: &[Vec<Tensor<f64>>],
    report: &mut Report,
) {
    let gradient = size(&reference.gradients);
    let mut worst = (0.0f64, 0.0, 0.0);
    for (i, (v, hv)) in directions.iter().zip(products).enumerate() {
        for (w, hw) in directions.iter().zip(products).skip(i + 1) {
            let scale = worse(worse(size(hv), size(hw)), gradient);
            let scale = if scale == 0.0 { 1.0 } else { scale };
            let (left, right) = (inner(w, hv), inner(v, hw));
            let error = (left - right).abs() / scale;
            if error > worst.0 || error.is_nan() {
                worst = (error, left, right);
            }
        }
    }
    report.second_symmetry = worst.0;
    if !(worst.0 <= DUAL_TOLERANCE) {
        report.failures.push(format!(
            "second derivatives: ⟨w, H v⟩ is {:e}, ⟨v, H w⟩ is {:e}, relative error {:.1e}",
            worst.1, worst.2, worst.0
        ));
    }
}

/// H·v against differences of the gradient along v, entry by entry.
fn differences(
    case: &Case,
    reference: &Reference,
    directions: &[Vec<Tensor<f64>>],
    products: &[Vec<Tensor<f64>>],
    report: &mut Report,
) -> Result<()> {
    let mut worst = (0.0f64, 0, 0.0, 0.0);
    for (v, product) in directions.iter().zip(products) {
        let rounding = bilinear_tolerance((size(&reference.gradients) + size(product)).max(1.0));
        let differences = difference(case, reference, v)?;
        for (input, (difference, product)) in differences.iter().zip(product).enumerate() {
            for (&forward, &dual) in difference.iter().zip(product.data()) {
                let nonlinear = || difference_tolerance(forward.abs().max(dual.abs()));
                let allowed = if case.is_bilinear() { rounding } else { nonlinear() };
                let error = (forward - dual).abs() / allowed;
                if error > worst.0 || error.is_nan() {
                    worst = (error, input, forward, dual);
                }
            }
        }
    }
    report.second_difference = worst.0;
    if !(worst.0 <= 1.0) {
        report.failures.push(format!(
            "second derivatives: gradient of input {}: difference {:e}, dual numbers {:e}, {:.1} times the allowed error",
            worst.1, worst.2, worst.3, worst.0
        ));
    }
    Ok(())
}

/// The derivative of the gradient along v from its values at x ± h·v and x ± 2h·v: with D(h) the central difference,
/// (4·D(h) − D(2h))/3, whose own error is of fourth order (Richardson). One entry of H·v is often far smaller than the
/// function's higher derivatives, of which D(h) alone would leave h²/6 times the third.
fn difference(case: &Case, reference: &Reference, v: &[Tensor<f64>]) -> Result<Vec<Vec<f64>>> {
    let h = if case.is_bilinear() { 1.0 } else { step(case, v) };
    let at = |h: f64| gradients_at(case, moved(case, v, h), &reference.cotangent);
    let points = [at(h)?, at(-h)?, at(2.0 * h)?, at(-2.0 * h)?];
    let entry = |input: usize, i: usize| {
        let [a, b, c, d] = points.each_ref().map(|g| g[input].data()[i]);
        (8.0 * (a - b) - (c - d)) / (12.0 * h)
    };
    let inputs = v.iter().enumerate();
    Ok(inputs.map(|(input, v)| (0..v.len()).map(|i| entry(input, i)).collect()).collect())
}

/// The largest absolute entry of all; NaN if there is one.
fn size(x: &[Tensor<f64>]) -> f64 {
    x.iter().fold(0.0, |m, x| worse(m, largest(x.data())))
}
