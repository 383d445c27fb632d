//! Our own factor, frozen at initialisation.

use autograd::Result;

use super::{Coefficients, Curve, RivalEntry, positive};
use crate::moments::ForwardMoment;

/// λ·f with λ = √(½(1/ρ + 1/ρ′)) at standard normal z: what the normalized node does in its first step, without
/// statistics, α or μ. Beside `nX` it shows what adapting is worth.
///
/// Source: [`factor`](crate::factor()); freezing it is our own.
pub(super) const ENTRY: RivalEntry = RivalEntry {
    prefix: "fixed",
    aliases: &[],
    about: "λ·f, our factor frozen at initialisation",
    source: "own",
    parameter: None,
    build,
};

fn build(f: &dyn Curve, _: Option<f64>) -> Result<Coefficients> {
    let m = f.moments(Coefficients::IDENTITY)?;
    let lambda = m.lambda(ForwardMoment::Raw).unwrap_or(f64::NAN);
    Ok(Coefficients::scale(positive("fixed", f, "λ", lambda)?))
}

#[cfg(test)]
mod tests {
    use super::super::coefficients;

    /// He's factor for ReLU; SELU is made to keep ρ = 1, and its ρ′ is within 8 % of 1.
    #[test]
    fn relu_and_selu() {
        let lambda = |name: &str| coefficients(name).unwrap().a;
        assert!((lambda("fixed-relu") / std::f64::consts::SQRT_2 - 1.0).abs() < 1e-14);
        assert!((lambda("fixed-selu") - 1.0).abs() < 0.02, "{}", lambda("fixed-selu"));
        assert!((lambda("sm-selu") - 1.0).abs() < 1e-14, "{}", lambda("sm-selu"));
    }
}
