//! Our own centred factor, frozen at initialisation.

use autograd::Result;

use super::{Coefficients, Curve, RivalEntry, positive};
use crate::moments::ForwardMoment;

/// λ_c·(f − E\[f\]) with λ_c = √(½(1/ρ_c + 1/ρ′)), ρ_c = Var\[f\], at standard normal z: what the normalized node with the
/// centred moment does in its first step.
///
/// By the Gaussian Poincaré inequality ρ_c ≤ ρ′, so its ρ is at most 1 and its ρ′ at least 1.
///
/// Source: [`factor`](crate::factor()); freezing it is our own.
pub(super) const ENTRY: RivalEntry = RivalEntry {
    prefix: "fixedc",
    aliases: &[],
    about: "λ_c·(f − E[f]), our centred factor frozen at initialisation",
    source: "own",
    parameter: None,
    build,
};

fn build(f: &dyn Curve, _: Option<f64>) -> Result<Coefficients> {
    let m = f.moments(Coefficients::IDENTITY)?;
    let lambda = m.lambda(ForwardMoment::Centered).unwrap_or(f64::NAN);
    let a = positive("fixedc", f, "λ", lambda)?;
    Ok(Coefficients { b: -a * m.f, ..Coefficients::scale(a) })
}

#[cfg(test)]
mod tests {
    use super::super::coefficients;
    use crate::theory::gaussian_moments;

    /// By hand for ReLU: Var = ½ − 1/(2π), E[f] = 1/√(2π).
    #[test]
    fn relu() {
        let got = coefficients("fixedc-relu").unwrap();
        let variance = 0.5 - 1.0 / std::f64::consts::TAU;
        let a = (0.5 * (1.0 / variance + 2.0)).sqrt();
        assert!((got.a / a - 1.0).abs() < 1e-14 && (got.b + a / std::f64::consts::TAU.sqrt()).abs() < 1e-14);
        let m = gaussian_moments("fixedc-relu", 0.0, 1.0).unwrap();
        assert!(m.f.abs() < 1e-14 && m.f2 < 1.0 && m.df2 > 1.0, "{m:?}");
    }
}
