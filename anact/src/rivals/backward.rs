//! The backward answer alone.

use autograd::Result;

use super::{Coefficients, Curve, RivalEntry, positive};

/// λ_b·f = f/√E\[f′²\]: ρ′ = 1 exactly, ρ as it comes. The other one-sided answer is `sm` (`forward`).
///
/// Source: [`backward_factor`](crate::backward_factor); scaling by a slope's mean square is also the a of `gp`.
pub(super) const ENTRY: RivalEntry = RivalEntry {
    prefix: "backward",
    aliases: &[],
    about: "f/√ρ′: E[h′²] = 1, ρ′ alone",
    source: "own",
    parameter: None,
    build,
};

fn build(f: &dyn Curve, _: Option<f64>) -> Result<Coefficients> {
    let m = f.moments(Coefficients::IDENTITY)?;
    Ok(Coefficients::scale(1.0 / positive("backward", f, "E[f′²]", m.df2)?.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::super::coefficients;

    /// E[cos²] = (1 + e⁻²)/2.
    #[test]
    fn sin() {
        let want = (2.0 / (1.0 + (-2.0f64).exp())).sqrt();
        assert!((coefficients("backward-sin").unwrap().a / want - 1.0).abs() < 1e-14);
    }
}
