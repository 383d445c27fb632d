//! All Gaussian moments and both gradients of λ, where they are hard to get: s from 1e-6 to 1e6, m up to 40 s, against
//! `gaussian_more.json` (mpmath, 40 digits; the script is beside it).

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
        // tanh and sigmoid, as the tape defines them, have f′ from y: beyond z = 15 that has lost most of its digits.
        if matches!(row.name.as_str(), "tanh" | "sigmoid") && row.mean == 20.0 {
            continue;
        }
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
        let is_tiny = size("f2").min(size("df2")).min(size("f_var")) < 1e-290;
        for (key, got, scale) in numbers {
            let error = match (got, want(key)) {
                // Below f64: nothing may be claimed but that it is tiny.
                (Some(got), Some(want)) if want.abs() < 1e-290 && got.abs() < 1e-290 => 0.0,
                (Some(got), Some(want)) => (got - want).abs() / want.abs().max(scale),
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
        // The bound is honest: at least what E[f²] and E[f′²] really differ by, up to the rounding of f and of the density's
        // exponent, which is up to (m/s)²/2 where a tail towards 0 is all there is.
        let far = if m.abs() <= 50.0 * s { m / s } else { 0.0 };
        let rounding = 1e-14 + 2e-16 * far * far;
        for (got, want) in [(g.f2, size("f2")), (g.df2, size("df2"))] {
            if want > 1e-300 {
                let error = (got / want - 1.0).abs();
                if !(error <= g.error + rounding) {
                    failures.push(format!("bound {:.1e} < {error:.1e}, {name} at {m}, {s}", g.error));
                }
            }
        }
        if is_tiny && g.f2.min(g.df2) < f64::MIN_POSITIVE && size("f2") > 0.0 && g.error < 1.0 {
            failures.push(format!("an underflow is not told: {name} at {m}, {s}: {g:?}"));
        }
    }
    for (key, (error, text)) in &worst {
        println!("{key:24} {error:.1e}  {text}");
    }
    assert!(failures.is_empty(), "{} of {} rows:\n{}", failures.len(), rows.len(), failures.join("\n"));
}
