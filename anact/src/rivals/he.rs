//! He's factor, moved into the activation.

use autograd::Result;

use super::{Coefficients, Curve, RivalEntry};

/// √2·f whatever f is: what He initialisation amounts to when a network's ReLU is exchanged and its initialisation is
/// not. Right for ReLU alone.
///
/// Source: He, Zhang, Ren and Sun, *Delving deep into rectifiers* (2015).
pub(super) const ENTRY: RivalEntry = RivalEntry {
    prefix: "he",
    aliases: &[],
    about: "√2·f whatever f is: He initialisation's factor",
    source: "He et al. 2015",
    parameter: None,
    build,
};

#[expect(clippy::unnecessary_wraps, reason = "the registry's signature")]
fn build(_: &dyn Curve, _: Option<f64>) -> Result<Coefficients> {
    Ok(Coefficients::scale(std::f64::consts::SQRT_2))
}

#[cfg(test)]
mod tests {
    use crate::theory::gaussian_moments;

    /// ReLU's ρ and ρ′ become 1; tanh's ρ′ = E[sech⁴] does not.
    #[test]
    fn it_is_right_for_relu_alone() {
        let m = gaussian_moments("he-relu", 0.0, 1.0).unwrap();
        assert!((m.f2 - 1.0).abs() < 1e-14 && (m.df2 - 1.0).abs() < 1e-14);
        assert!((gaussian_moments("he-tanh", 0.0, 1.0).unwrap().df2 - 1.0).abs() > 0.05);
    }
}
