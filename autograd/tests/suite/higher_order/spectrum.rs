//! [`top_eigenvalue`].

use std::f64::consts::PI;

use autograd::Tensor;
use autograd::higher::{EigenvalueSettings, End, TopEigenvalue, top_eigenvalue};
use proptest::prelude::*;

use super::programs::{FirstSum, Inverse, Quadratic};
use super::{dot, flat, normal};

/// Run to the end: as many products as the matrix has distinct eigenvalues.
fn exact(end: End) -> EigenvalueSettings {
    EigenvalueSettings { end, max_iterations: 1000, tolerance: 1e-13, seed: 1 }
}

fn find(f: &Quadratic, settings: &EigenvalueSettings) -> TopEigenvalue<f64> {
    top_eigenvalue(f, &[normal([f.matrix.dims()[0]], 2)], settings).unwrap()
}

/// The second difference, plus a multiple of the identity: 2 − 2·cos(kπ/(n + 1)) + shift, k = 1 … n.
fn second_difference(n: usize, shift: f64) -> Quadratic {
    Quadratic::new(n, move |i, j| match i.abs_diff(j) {
        0 => 1.0 + shift / 2.0,
        1 => -0.5,
        _ => 0.0,
    })
}

fn diagonal(entries: &[f64]) -> Quadratic {
    Quadratic::new(entries.len(), |i, j| if i == j { entries[i] / 2.0 } else { 0.0 })
}

#[test]
fn both_ends_of_the_second_difference_have_their_closed_forms() {
    let n = 40;
    let eigenvalue = |k: usize, shift: f64| 2.0 - 2.0 * (k as f64 * PI / (n + 1) as f64).cos() + shift;
    for (end, shift, k) in [
        (End::Largest, 0.0, n),
        (End::Smallest, 0.0, 1),
        (End::Magnitude, 0.0, n),
        (End::Magnitude, -3.0, 1),
        (End::Largest, -3.0, n),
    ] {
        let got = find(&second_difference(n, shift), &exact(end));
        let want = eigenvalue(k, shift);
        assert!((got.eigenvalue - want).abs() < 1e-13, "{end:?}: {} {want}", got.eigenvalue);
        assert!(got.converged && got.residual < 4e-13, "{got:?}");
        for (end, k) in got.range.iter().zip([1, n]) {
            assert!((end - eigenvalue(k, shift)).abs() < 1e-6, "{end}");
        }
        let vector = flat(&got.eigenvector);
        assert!((dot(&vector, &vector) - 1.0).abs() < 1e-14);
        let form: Vec<f64> = (1..=n).map(|i| ((i * k) as f64 * PI / (n + 1) as f64).sin()).collect();
        let overlap = dot(&vector, &form).abs() / dot(&form, &form).sqrt();
        assert!((overlap - 1.0).abs() < 1e-12, "{end:?}: {overlap}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Q·diag(λ)·Qᵀ with Q = I − 2uuᵀ: the ends are known, the residual is as reported, and eigenvalues lie inside `range`.
    #[test]
    fn known_spectra(entries in prop::collection::vec(-5.0..5.0f64, 1..12), seed in 0..1000u64) {
        let n = entries.len();
        let u = normal([n], seed);
        let length = dot(u.data(), u.data());
        let q = |i: usize, j: usize| f64::from(u8::from(i == j)) - 2.0 * u.data()[i] * u.data()[j] / length;
        let f = Quadratic::new(n, |i, j| (0..n).map(|k| q(i, k) * entries[k] * q(j, k)).sum::<f64>() / 2.0);
        let low = entries.iter().fold(f64::INFINITY, |m, &x| m.min(x));
        let high = entries.iter().fold(f64::NEG_INFINITY, |m, &x| m.max(x));
        for (end, want) in [(End::Smallest, low), (End::Largest, high), (End::Magnitude, if -low > high { low } else { high })] {
            let got = find(&f, &EigenvalueSettings { seed, ..exact(end) });
            prop_assert!((got.eigenvalue - want).abs() < 1e-11, "{end:?}: {} {want}", got.eigenvalue);
            prop_assert!(got.residual < 1e-11 && got.iterations <= n, "{got:?}");
            let v = flat(&got.eigenvector);
            let h = f.hessian();
            let residual = h.chunks(n).zip(&v).map(|(row, x)| (dot(row, &v) - got.eigenvalue * x).powi(2)).sum::<f64>().sqrt();
            prop_assert!((residual - got.residual).abs() < 1e-13, "{residual} {}", got.residual);
        }
    }
}

#[test]
fn an_invariant_space_ends_the_search_early() {
    let zero = top_eigenvalue(&FirstSum, &[normal([5], 1)], &EigenvalueSettings::default()).unwrap();
    assert_eq!((zero.eigenvalue, zero.residual, zero.range), (0.0, 0.0, [0.0; 2]));
    assert!(zero.converged && zero.iterations == 1);
    assert!((dot(&flat(&zero.eigenvector), &flat(&zero.eigenvector)) - 1.0).abs() < 1e-15);
    // One distinct eigenvalue, two, and one dimension.
    let identity = find(&diagonal(&[3.0; 6]), &exact(End::Largest));
    assert!((identity.eigenvalue - 3.0).abs() < 1e-14 && identity.iterations == 1 && identity.converged);
    let two = find(&diagonal(&[-2.0, 5.0, 5.0, -2.0, 5.0]), &exact(End::Smallest));
    assert!((two.eigenvalue + 2.0).abs() < 1e-14 && two.iterations == 2 && two.converged, "{two:?}");
    let one = find(&diagonal(&[-7.0]), &exact(End::Largest));
    assert_eq!((one.eigenvalue, one.residual, one.iterations, one.range), (-7.0, 0.0, 1, [-7.0; 2]));
    assert_eq!(one.eigenvector[0].data()[0].abs(), 1.0);
}

#[test]
fn sizes_near_the_ends_of_the_exponent_do_no_harm() {
    for size in [1e200, 1e-200] {
        let got = find(&diagonal(&[size, -2.0 * size, 0.5 * size]), &exact(End::Magnitude));
        assert!((got.eigenvalue / size + 2.0).abs() < 1e-13 && got.converged, "{got:?}");
    }
}

#[test]
fn too_few_iterations_are_reported_and_not_hidden() {
    let settings = EigenvalueSettings { max_iterations: 3, ..exact(End::Largest) };
    let got = find(&second_difference(40, 0.0), &settings);
    assert!(!got.converged && got.iterations == 3 && got.residual > 1e-3, "{got:?}");
    // Bounds from inside, and some eigenvalue within the residual.
    assert!(got.range[0] > 0.0 && got.range[1] < 4.0 && got.eigenvalue == got.range[1]);
    let coarse = EigenvalueSettings { tolerance: 1e-3, ..exact(End::Largest) };
    let got = find(&second_difference(40, 0.0), &coarse);
    assert!(got.converged && got.iterations < 40 && got.residual <= 4e-3, "{got:?}");
}

#[test]
fn a_seed_names_the_result_and_f32_finds_it_too() {
    let f = second_difference(12, 0.0);
    let run = |seed| find(&f, &EigenvalueSettings { seed, ..EigenvalueSettings::default() });
    assert_eq!(run(3), run(3));
    assert_ne!(run(3).eigenvector, run(4).eigenvector);
    let x = [normal([12], 2).cast::<f32>()];
    let got = top_eigenvalue(&f, &x, &EigenvalueSettings::default()).unwrap();
    let want = 2.0 - 2.0 * (12.0 * PI / 13.0).cos();
    assert!((got.eigenvalue - want).abs() < 1e-6 && got.converged, "{got:?} {want}");
}

#[test]
fn mistakes_are_named() {
    let text = |x: Tensor<f64>, settings: &EigenvalueSettings| {
        top_eigenvalue(&Inverse, &[x], settings).unwrap_err().to_string()
    };
    let x = || normal([3], 1);
    let default = EigenvalueSettings::default();
    assert!(text(Tensor::zeros([0]), &default).contains("no elements"));
    assert!(text(x(), &EigenvalueSettings { max_iterations: 0, ..default }).contains("0 iterations"));
    for tolerance in [-1.0, f64::NAN, f64::INFINITY] {
        let text = text(x(), &EigenvalueSettings { tolerance, ..default });
        assert!(text.starts_with("top_eigenvalue: the tolerance is"), "{text}");
    }
    let pole = text(Tensor::vector(vec![1.0, 0.0]), &default);
    assert!(pole.contains("not finite") && pole.contains("want a point"), "{pole}");
}
