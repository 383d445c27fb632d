//! Gaussian–Poincaré normalization.

use autograd::Result;

use super::{Coefficients, Curve, RivalEntry, positive};

/// h = a·f + b with E\[h²\] = E\[h′²\] = 1: the exact two-parameter answer to both ratios at initialisation.
///
/// E\[h′²\] = a²·E\[f′²\] gives a = 1/√E\[f′²\]. Then E\[h²\] = a²Var\[f\] + (a·E\[f\] + b)² = 1 gives
/// b = −a·E\[f\] ± √(1 − a²Var\[f\]), which is real by the Gaussian Poincaré inequality Var\[f\] ≤ E\[f′²\] that named the
/// method. Of the two the one nearer 0 is taken, and the positive one where both are as near (f odd): this rule is ours.
/// It gives what the paper tabulates for ReLU, tanh, ELU and SELU; where a table has the other root, as it may for GELU, the
/// function is another one.
///
/// Source: Lu, Gould and Ajanthan, *Bidirectionally self-normalizing neural networks* (2020).
pub(super) const ENTRY: RivalEntry = RivalEntry {
    prefix: "gp",
    aliases: &[],
    about: "Gaussian–Poincaré: a·f + b with E[h²] = E[h′²] = 1",
    source: "Lu et al. 2020",
    parameter: None,
    build,
};

fn build(f: &dyn Curve, _: Option<f64>) -> Result<Coefficients> {
    let m = f.moments(Coefficients::IDENTITY)?;
    let a = 1.0 / positive("gp", f, "E[f′²]", m.df2)?.sqrt();
    // Rounding may take a linear function's 1 − 1 below 0.
    let root = (1.0 - a * a * m.f_var).max(0.0).sqrt();
    let (upper, lower) = (-a * m.f + root, -a * m.f - root);
    // E[f] of an odd function is a rounding, which must not choose the sign.
    let b = if upper.abs() <= lower.abs() + 1e-12 { upper } else { lower };
    Ok(Coefficients { b, ..Coefficients::scale(a) })
}

#[cfg(test)]
mod tests {
    use super::super::coefficients;

    /// The constants of the paper in units of its fourth digit, to half of one. SELU's b, given as 0.2585, is 0.258446
    /// (mpmath, `tests/golden/make_rivals.py`): its last digit is one too many.
    #[test]
    fn the_published_constants() {
        let rows = [
            ("relu", 14142.0, 0.0),
            ("tanh", 14674.0, 3885.0),
            ("elu", 12234.0, 742.0),
            ("selu", 9660.0, 2584.0),
        ];
        for (name, a, b) in rows {
            let got = coefficients(&format!("gp-{name}")).unwrap();
            assert!((1e4 * got.a - a).abs() <= 0.5 && (1e4 * got.b - b).abs() <= 0.5, "{name}: {got:?}");
        }
    }
}
