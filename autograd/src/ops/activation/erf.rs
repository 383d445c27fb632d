//! The error function.

use std::f64::consts::FRAC_2_SQRT_PI;

use super::damped;
use crate::elementwise::Elementwise;
use crate::jet::Jet;
use crate::scalar::Scalar;

/// erf x = 2/√π ∫₀ˣ e^{−t²} dt. f′ = 2/√π·e^{−x²}; f″ = −2x·f′. Smooth. Any shape.
#[derive(Debug, Clone, Copy, Default)]
pub struct Erf;

impl Elementwise for Erf {
    const NAME: &'static str = "erf";
    const FORMULA: &'static str = "erf x";

    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        x.erf()
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        S::from_f64(FRAC_2_SQRT_PI) * (-(x * x)).exp()
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, x: S, y: S) -> S {
        damped(S::from_f64(-2.0) * x, self.df(x, y))
    }
    /// 1 − |y| is erfc |x|, which keeps its digits in the tails.
    fn jet(&self, x: f64) -> Jet {
        let (limit, rest) =
            if x.abs() > 1.0 { (1f64.copysign(x), -Scalar::erfc(x.abs()).copysign(x)) } else { (0.0, Scalar::erf(x)) };
        let df = self.df(x, 0.0);
        Jet { limit, rest, df, d2f: damped(-2.0 * x, df) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::assert_at;
    use super::*;

    /// mpmath, 30 digits.
    #[test]
    fn values_and_tail() {
        assert_at(Erf, 0.5, [0.5204998778130465, 0.8787825789354448, -0.8787825789354448]);
        assert_at(Erf, -2.0, [-0.9953222650189527, 0.020666985354092053, 0.08266794141636821]);
        assert_at(Erf, -8.0, [-1.0, 1.8097067968559843e-28, 2.895530874969575e-27]);
    }
}
