//! CELU.

use crate::elementwise::{Elementwise, Parameter};
use crate::jet::Jet;
use crate::piece::Piece;
use crate::scalar::Scalar;

/// x for x > 0, else α(e^{x/α} − 1). f′ = 1 for x > 0, else e^{x/α}, continuous; f″ = 0 for x > 0, else e^{x/α}/α.
/// f″ jumps at x = 0, where it is the left one, 1/α. Any shape.
///
/// Source: Barron, *Continuously differentiable exponential linear units* (2017).
#[derive(Debug, Clone, Copy)]
pub struct Celu {
    /// α.
    pub alpha: f64,
}

impl Default for Celu {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

impl Elementwise for Celu {
    const NAME: &'static str = "celu";
    const FORMULA: &'static str = "x if x > 0 else α(e^(x/α) − 1)";
    const KINKS: &'static [f64] = &[0.0];
    const PARAMETER: Option<Parameter> =
        Some(Parameter { name: "α", default: 1.0, min: 1e-6, max: 1e6 });

    fn with_parameter(value: f64) -> Self {
        Self { alpha: value }
    }
    fn parameter(&self) -> Option<f64> {
        Some(self.alpha)
    }
    fn pieces(&self) -> Option<Vec<Piece>> {
        Some(vec![Piece::exponential(0.0, self.alpha, 1.0 / self.alpha), Piece::line(f64::INFINITY, 1.0)])
    }
    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        let alpha = S::from_f64(self.alpha);
        let left = alpha * (x / alpha).exp_m1();
        if x > S::ZERO { x } else { left }
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        let left = (x / S::from_f64(self.alpha)).exp();
        if x > S::ZERO { S::ONE } else { left }
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, x: S, _y: S) -> S {
        let alpha = S::from_f64(self.alpha);
        let left = (x / alpha).exp() / alpha;
        if x > S::ZERO { S::ZERO } else { left }
    }
    fn jet(&self, x: f64) -> Jet {
        if x < -self.alpha {
            let e = (x / self.alpha).exp();
            return Jet { limit: -self.alpha, rest: self.alpha * e, df: e, d2f: e / self.alpha };
        }
        let y = self.f(x);
        Jet::new(y, self.df(x, y), self.d2f(x, y))
    }
}

#[cfg(test)]
mod tests {
    use super::super::assert_at;
    use super::*;

    /// mpmath, 30 digits; at 0 and on the right by hand.
    #[test]
    fn values_and_the_kink() {
        assert_at(Celu::default(), 3.0, [3.0, 1.0, 0.0]);
        assert_at(Celu::default(), -2.0, [-0.8646647167633873, 0.1353352832366127, 0.1353352832366127]);
        assert_at(
            Celu { alpha: 2.0 },
            -2.0,
            [-1.2642411176571153, 0.36787944117144233, 0.18393972058572117],
        );
        assert_at(Celu { alpha: 0.5 }, 0.0, [0.0, 1.0, 2.0]);
    }
}
