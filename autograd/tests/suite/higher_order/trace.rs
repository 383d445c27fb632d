//! [`hessian_trace`].

use autograd::Tensor;
use autograd::higher::hessian_trace;

use super::normal;
use super::programs::{Direction, FirstSum, Inverse, Quadratic};

/// tr(A + Aᵀ) = 2·Σ aᵢᵢ, and Var[zᵀHz] = 2·Σᵢ≠ⱼ H²ᵢⱼ.
#[test]
fn the_mean_is_within_its_standard_error_which_is_as_predicted() {
    let (n, samples) = (12, 4000);
    let f = Quadratic::new(n, |i, j| ((7 * i + 3 * j) as f64).cos());
    let h = f.hessian();
    let trace: f64 = (0..n).map(|i| h[i * n + i]).sum();
    let off: f64 = (0..n * n).filter(|at| at / n != at % n).map(|at| h[at] * h[at]).sum();
    let predicted = (2.0 * off / f64::from(samples)).sqrt();
    for seed in 0..3 {
        let got = hessian_trace(&f, &[normal([n], 1)], samples as usize, seed).unwrap();
        assert_eq!(got.samples.len(), samples as usize);
        assert!((got.mean - trace).abs() < 4.0 * predicted, "{got:?} {trace}");
        // The sample deviation of 4000 numbers is itself right to about 1/√8000 times their kurtosis' root.
        assert!((got.standard_error / predicted - 1.0).abs() < 0.1, "{} {predicted}", got.standard_error);
    }
}

#[test]
fn a_diagonal_hessian_needs_one_sample() {
    // Multiples of ¼: every sum is exact.
    let f = Quadratic::new(5, |i, j| if i == j { i as f64 / 4.0 - 0.5 } else { 0.0 });
    let got = hessian_trace(&f, &[normal([5], 1)], 7, 3).unwrap();
    assert_eq!((got.mean, got.standard_error), (0.0, 0.0));
    assert_eq!(got.samples, [0.0; 7]);
    let shifted = Quadratic::new(5, |i, j| if i == j { i as f64 / 4.0 } else { 0.0 });
    assert_eq!(hessian_trace(&shifted, &[normal([5], 1)], 2, 3).unwrap().samples, [5.0; 2]);
}

#[test]
fn a_seed_names_its_samples() {
    let f = Quadratic::new(6, |i, j| (i * j) as f64);
    let x = [normal([6], 1)];
    let samples = |count, seed| hessian_trace(&f, &x, count, seed).unwrap().samples;
    assert_eq!(samples(3, 5), samples(9, 5)[..3]);
    assert_ne!(samples(9, 5), samples(9, 6));
}

#[test]
fn mistakes_are_named_and_nothing_has_trace_zero() {
    let x = [normal([3], 1)];
    let text = |samples| hessian_trace(&FirstSum, &x, samples, 0).unwrap_err().to_string();
    assert!(text(0).contains("at least 2") && text(1).contains("1 samples"), "{}", text(1));
    let pole = hessian_trace(&Inverse, &[Tensor::vector(vec![1.0, 0.0])], 4, 0).unwrap_err().to_string();
    assert!(pole.starts_with("hessian_trace") && pole.contains("not finite"), "{pole}");
    assert!(hessian_trace(&Direction, &x, 4, 0).is_err());
    assert_eq!(hessian_trace(&FirstSum, &[Tensor::<f64>::zeros([0])], 2, 0).unwrap().mean, 0.0);
}
