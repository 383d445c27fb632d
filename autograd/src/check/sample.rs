//! Inputs for checks: both signs, away from kinks, inside the domain.

use crate::random::Stream;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// No sample comes closer to a kink: far more than a finite difference's step.
const CLEARANCE: f64 = 1e-2;

fn fill(shape: Shape, mut draw: impl FnMut() -> f64) -> Tensor<f64> {
    Tensor::filled(shape, (0..shape.len()).map(|_| draw()).collect())
}

fn is_clear(x: f64, kinks: &[f64]) -> bool {
    kinks.iter().all(|k| (x - k).abs() > CLEARANCE)
}

/// Standard normal, away from `kinks`.
pub(super) fn clear_of(stream: &mut Stream, shape: Shape, kinks: &[f64]) -> Tensor<f64> {
    fill(shape, || {
        loop {
            let x = stream.normal();
            if is_clear(x, kinks) {
                return x;
            }
        }
    })
}

/// Uniform.
pub(super) fn uniform(stream: &mut Stream, shape: Shape, low: f64, high: f64) -> Tensor<f64> {
    fill(shape, || stream.uniform_in(low, high))
}

/// The numbers (i − n/2)·0.05 in random order.
pub(super) fn distinct(stream: &mut Stream, shape: Shape) -> Tensor<f64> {
    let n = shape.len();
    let mut numbers: Vec<f64> = (0..n).map(|i| (i as f64 - n as f64 / 2.0) * 0.05).collect();
    for i in (1..n).rev() {
        numbers.swap(i, stream.below(i as u64 + 1) as usize);
    }
    Tensor::filled(shape, numbers)
}

/// 41 numbers from the part of `domain` within ±8, away from `kinks` and from the domain's ends.
pub(super) fn domain(stream: &mut Stream, domain: (f64, f64), kinks: &[f64]) -> Tensor<f64> {
    let (low, high) = (domain.0.max(-8.0) + 0.2, domain.1.min(8.0) - 0.2);
    fill(Shape::from([41]), || {
        loop {
            let x = stream.uniform_in(low, high);
            if is_clear(x, kinks) {
                return x;
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    #[test]
    fn no_number_is_near_a_kink() {
        let mut stream = Stream::new(1, Purpose::Probe, 0);
        // None of them opposite to another, so that one taken with the wrong sign shows.
        let kinks = [-1.5, 0.5, 1.0];
        let mut samples = vec![clear_of(&mut stream, Shape::from([20_000]), &kinks)];
        samples.extend((0..500).map(|_| domain(&mut stream, (-3.0, 3.0), &kinks)));
        for sample in samples {
            for &x in sample.data() {
                assert!(kinks.iter().all(|kink| (x - kink).abs() > CLEARANCE), "{x}");
            }
        }
    }
}
