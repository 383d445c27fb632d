//! The Gaussian theory against the reference file, and the inequalities it must obey.

use anact::ForwardMoment::{Centered, Raw};
use anact::theory::gaussian_moments;
use autograd::ops::activation::ACTIVATIONS;

use crate::reference;

/// All 100 rows to 1e-12: relative, and E\[f\], which may be 0, relative to √E\[f²\].
#[test]
fn every_row_of_the_reference_is_met() {
    let rows = reference::gaussian();
    assert_eq!(rows.len(), 100);
    let mut worst = (0.0f64, String::new());
    for row in &rows {
        let (m, s) = (row.number("mean"), row.number("std"));
        let what = |key: &str| format!("{} at m = {m}, s = {s}: {key}", row.text("activation"));
        let g =
            gaussian_moments(row.text("activation"), m, s).unwrap_or_else(|e| panic!("{}: {e}", what("")));
        let numbers = [
            ("Ef2", g.f2),
            ("Edf2", g.df2),
            ("rho", g.rho()),
            ("rho_centered", g.rho_centered()),
            ("rho_prime", g.rho_prime()),
            ("lambda_", g.lambda(Raw).unwrap()),
            ("lambda_centered", g.lambda(Centered).unwrap()),
        ];
        let mut errors: Vec<_> = numbers.map(|(key, got)| (key, (got / row.number(key) - 1.0).abs())).into();
        let size = row.number("Ef").abs().max(row.number("Ef2").sqrt());
        errors.push(("Ef", (g.f - row.number("Ef")).abs() / size));
        for (key, error) in errors {
            assert!(error <= 1e-12, "{}: {error:e}", what(key));
            if error > worst.0 {
                worst = (error, what(key));
            }
        }
        assert!(g.error <= 1e-13, "{}: {:e}", what("estimated error"), g.error);
    }
    println!("worst relative error {:.1e}: {}", worst.0, worst.1);
}

/// Gaussian Poincaré: Var[f] ≤ s²·E[f′²], with equality for linear f alone.
#[test]
fn the_centred_ratio_never_exceeds_the_backward_one() {
    for activation in ACTIVATIONS {
        for (m, s) in [(0.0, 0.1), (0.0, 1.0), (0.0, 10.0), (1.5, 0.5), (-2.0, 3.0), (-0.5, 40.0)] {
            let g = gaussian_moments(activation.name, m, s).unwrap();
            let slack = 1.0 + 1e-13;
            assert!(g.rho_centered() <= g.rho_prime() * slack, "{} at {m}, {s}: {g:?}", activation.name);
            assert!(g.rho_centered() <= g.rho() * slack, "{} at {m}, {s}: {g:?}", activation.name);
            assert!(g.error <= 1e-12, "{} at {m}, {s}: {:e}", activation.name, g.error);
        }
    }
}

/// A feature a million times narrower than the distribution is found: E[σ′(z)²] for z ~ N(0, s²) tends to
/// ∫σ′² dz / (s√(2π)) = 1/(6·s·√(2π)) as s grows, with relative error O(s⁻²).
#[test]
fn narrow_features_are_not_missed() {
    for s in [1e5, 1e6, 1e8] {
        let got = gaussian_moments("sigmoid", 0.0, s).unwrap().df2;
        let want = 1.0 / (6.0 * s * std::f64::consts::TAU.sqrt());
        assert!((got / want - 1.0).abs() < 1e-9, "{got} {want}");
        // Swish with β = 1000 is ReLU but for a corner of width 1/1000.
        let swish = gaussian_moments("swish(1000)", 0.0, s).unwrap();
        assert!((swish.rho() - 0.5).abs() < 1e-9 && (swish.df2 - 0.5).abs() < 1e-6, "{swish:?}");
    }
}
