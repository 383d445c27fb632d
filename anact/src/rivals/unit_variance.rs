//! Unit-variance gains.

use autograd::Result;

use super::{Coefficients, Curve, RivalEntry, positive};

/// f/√Var\[f\]: the output has variance 1 around whatever mean it has. The mean is not subtracted: NFNets leave that to
/// the standardised weights behind it, whose rows sum to 0.
///
/// Source: Brock, De and Smith, *Characterizing signal propagation to close the performance gap in unnormalized
/// ResNets*, and Brock, De, Smith and Simonyan, *High-performance large-scale image recognition without normalization*
/// (both 2021).
pub(super) const ENTRY: RivalEntry = RivalEntry {
    prefix: "uv",
    aliases: &[],
    about: "unit variance: f/√Var[f], the gain of NFNets",
    source: "Brock et al. 2021",
    parameter: None,
    build,
};

fn build(f: &dyn Curve, _: Option<f64>) -> Result<Coefficients> {
    let m = f.moments(Coefficients::IDENTITY)?;
    Ok(Coefficients::scale(1.0 / positive("uv", f, "Var[f]", m.f_var)?.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::super::coefficients;

    /// By hand for ReLU, as in the paper: Var = ½ − 1/(2π).
    #[test]
    fn relu() {
        let want = (2.0 / (1.0 - std::f64::consts::FRAC_1_PI)).sqrt();
        assert!((coefficients("uv-relu").unwrap().a / want - 1.0).abs() < 1e-14);
    }
}
