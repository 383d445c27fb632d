//! Second-moment normalization.

use autograd::Result;

use super::{Coefficients, Curve, RivalEntry, positive};

/// f/√E\[f²\]: ρ = 1 exactly, ρ′ as it comes. At unit variance that is the one-sided answer λ_f·f = f/√ρ, so
/// `forward` is another name of it.
///
/// Source: the `normalize2mom` of *e3nn* (Geiger and Smidt 2022).
pub(super) const ENTRY: RivalEntry = RivalEntry {
    prefix: "sm",
    aliases: &["forward"],
    about: "second moment: f/√E[f²]; at unit variance f/√ρ, ρ alone",
    source: "e3nn normalize2mom",
    parameter: None,
    build,
};

fn build(f: &dyn Curve, _: Option<f64>) -> Result<Coefficients> {
    let m = f.moments(Coefficients::IDENTITY)?;
    Ok(Coefficients::scale(1.0 / positive("sm", f, "E[f²]", m.f2)?.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::super::coefficients;

    /// By hand: ½ of E[z²] is left of ReLU; E[sin²] = (1 − e⁻²)/2.
    #[test]
    fn closed_forms() {
        let close = |name: &str, want: f64| {
            let got = coefficients(name).unwrap().a;
            assert!((got / want - 1.0).abs() < 1e-14, "{name}: {got} {want}");
        };
        close("sm-relu", std::f64::consts::SQRT_2);
        close("forward-sin", (2.0 / (1.0 - (-2.0f64).exp())).sqrt());
    }
}
