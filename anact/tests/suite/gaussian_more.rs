//! All Gaussian moments and both gradients of λ, where they are hard to get: s from 1e-6 to 1e6, m up to 40 s, against
//! `gaussian_more.json` (mpmath, 40 digits or more; the script is beside it).

use anact::ForwardMoment::{Centered, Raw};
use anact::theory::gaussian_moments;

use crate::reference;

/// What differs from its outside value: relative for what has one sign; E\[f\] relative to √E\[f²\], E\[f′\] to √E\[f′²\],
/// E\[f f″\] to E\[f′²\] and derivatives of λ to λ for a step of max(1, s), where that is greater.
#[test]
fn every_moment_meets_its_outside_value() {
    let rows = reference::gaussian_more();
    let mut worst = std::collections::BTreeMap::<&str, (f64, String)>::new();
    let mut failures = Vec::new();
    for row in &rows {
        let (name, m, s) = (row.name.as_str(), row.mean, row.std);
        let g = gaussian_moments(name, m, s).unwrap_or_else(|e| panic!("{name} at {m}, {s}: {e}"));
        let want = |key: &str| row.number(key);
        let size = |key: &str| want(key).unwrap();
        let floor = s.max(1.0);
        let mut numbers = vec![
            ("f", Some(g.f), size("f2").sqrt()),
            ("f2", Some(g.f2), 0.0),
            ("f_var", Some(g.f_var), 0.0),
            ("df", Some(g.df), size("df2").sqrt()),
            ("df2", Some(g.df2), 0.0),
            ("z_f_df", Some(g.z_f_df), if m == 0.0 { 0.0 } else { (size("f2") * size("z2_df2")).sqrt() }),
            ("f_d2f", Some(g.f_d2f), size("df2")),
            ("z2_df2", Some(g.z2_df2), 0.0),
            ("f2_df2", Some(g.f2_df2), 0.0),
        ];
        for (moment, keys) in [
            (Raw, ["lambda", "lambda_by_mean", "lambda_by_std"]),
            (Centered, ["lambda_centered", "lambda_centered_by_mean", "lambda_centered_by_std"]),
        ] {
            let (lambda, slopes) = (g.lambda(moment), g.lambda_gradient(moment));
            let scale = want(keys[0]).map_or(0.0, |l| l / floor);
            numbers.push((keys[0], lambda, 0.0));
            numbers.push((keys[1], slopes.map(|x| x.0), scale));
            numbers.push((keys[2], slopes.map(|x| x.1), scale));
        }
        let is_tiny = size("f2").min(size("df2")).min(size("f_var")) < f64::MIN_POSITIVE;
        for (key, got, scale) in numbers {
            let error = match (got, want(key)) {
                // Nothing is claimed of the digits of numbers below those of full precision.
                (Some(got), Some(want)) => (got - want).abs() / want.abs().max(scale).max(f64::MIN_POSITIVE),
                (None, _) if is_tiny => 0.0,
                (None, None) => 0.0,
                (got, want) => panic!("{name} at {m}, {s}, {key}: {got:?}, want {want:?}"),
            };
            let text = format!("{name} at {m}, {s}: {got:?}, want {:?}, {:?}", want(key), g.route);
            if is_tiny && key.starts_with("lambda") {
                continue;
            }
            if !(error <= 1e-12) {
                failures.push(format!("{key} {error:.1e} {text}"));
            }
            let entry = worst.entry(key).or_default();
            if error > entry.0 {
                *entry = (error, text);
            }
        }
        // The bound is honest: nothing is further from its outside value, by the scales that `error` names.
        let (f, p) = (size("f2").sqrt(), size("df2").sqrt());
        let scaled = [
            ("f", g.f, f.max(size("f").abs())),
            ("f2", g.f2, size("f2")),
            ("f_var", g.f_var, size("f_var")),
            ("df", g.df, p.max(size("df").abs())),
            ("df2", g.df2, size("df2")),
            ("z_f_df", g.z_f_df, (f * size("z2_df2").sqrt()).max(size("z_f_df").abs())),
            ("f_d2f", g.f_d2f, size("f_d2f").abs().max(size("df2"))),
            ("z2_df2", g.z2_df2, size("z2_df2")),
            ("f2_df2", g.f2_df2, size("f2_df2")),
        ];
        for (key, got, scale) in scaled {
            let ratio = (got - size(key)).abs() / scale.max(f64::MIN_POSITIVE) / g.error;
            if !(ratio <= 1.0) {
                failures.push(format!("{key} is {ratio:.2} bounds off, {:.1e}: {name} at {m}, {s}", g.error));
            }
            let entry = worst.entry("error over its bound").or_default();
            if ratio > entry.0 {
                *entry = (ratio, format!("{key} of {name} at {m}, {s}: bound {:.1e}", g.error));
            }
        }
        if is_tiny != (g.error == 1.0) {
            failures.push(format!("an underflow is not told: {name} at {m}, {s}: {g:?}"));
        }
    }
    for (key, (error, text)) in &worst {
        println!("{key:24} {error:.1e}  {text}");
    }
    assert!(failures.is_empty(), "{} of {} rows:\n{}", failures.len(), rows.len(), failures.join("\n"));
}

/// Hard swish has a root at 0, where its middle piece, written around −3, cancels: x/2 + x²/6 by hand.
#[test]
fn a_root_inside_a_piece_is_no_trap() {
    for m in [1e-9f64, -1e-5, 1e-3] {
        let s = m.abs() * 1e-3;
        let g = gaussian_moments("hard_swish", m, s).unwrap();
        let want = m / 2.0 + (m * m + s * s) / 6.0;
        assert!((g.f / want - 1.0).abs() <= g.error && g.error < 1e-13, "{m}: {g:?}, want {want}");
    }
}

/// 40 standard deviations below, ReLU sees nothing that f64 could hold: zeros, and the bound says that no digit is known.
#[test]
fn an_underflow_is_zero_and_told() {
    for (m, s) in [(-20.0, 0.5), (-400.0, 10.0)] {
        for name in ["relu", "relu6"] {
            let g = gaussian_moments(name, m, s).unwrap();
            let all = [g.f, g.f2, g.f_var, g.df, g.df2, g.z_f_df, g.f_d2f, g.z2_df2, g.f2_df2];
            assert_eq!(all.map(f64::abs), [0.0; 9], "{name}: {g:?}");
            assert_eq!((g.error, g.lambda(Raw), g.lambda(Centered)), (1.0, None, None), "{name}");
            assert!(g.lambda_gradient(Raw).is_none() && g.lambda_gradient(Centered).is_none());
        }
        // Saturated, with f = −1: E[f²] is known and λ is not.
        let g = gaussian_moments("hard_tanh", m, s).unwrap();
        assert_eq!((g.f, g.f2, g.error, g.lambda(Raw)), (-1.0, 1.0, 1.0, None), "{g:?}");
    }
}
