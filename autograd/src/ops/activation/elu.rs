//! ELU.

use crate::elementwise::{Elementwise, Parameter};
use crate::jet::Jet;
use crate::piece::Piece;
use crate::scalar::Scalar;

/// x for x > 0, else α(e^x − 1). f′ = 1 for x > 0, else α·e^x; f″ = 0 for x > 0, else α·e^x. At x = 0 both are
/// the left ones, α. f′ jumps there unless α = 1, and f″ always does. Any shape.
///
/// f′ is not taken as y + α, which cancels for very negative x.
///
/// Source: Clevert, Unterthiner and Hochreiter, *Fast and accurate deep network learning by exponential linear
/// units* (2016).
#[derive(Debug, Clone, Copy)]
pub struct Elu {
    /// α.
    pub alpha: f64,
}

impl Default for Elu {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

impl Elementwise for Elu {
    const NAME: &'static str = "elu";
    const FORMULA: &'static str = "x if x > 0 else α(e^x − 1)";
    const KINKS: &'static [f64] = &[0.0];
    const PARAMETER: Option<Parameter> = Some(Parameter { name: "α", default: 1.0, min: 0.0, max: 1e6 });

    fn with_parameter(value: f64) -> Self {
        Self { alpha: value }
    }
    fn parameter(&self) -> Option<f64> {
        Some(self.alpha)
    }
    fn pieces(&self) -> Option<Vec<Piece>> {
        Some(vec![Piece::exponential(0.0, self.alpha, 1.0), Piece::line(f64::INFINITY, 1.0)])
    }
    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        let left = S::from_f64(self.alpha) * x.exp_m1();
        if x > S::ZERO { x } else { left }
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        let left = S::from_f64(self.alpha) * x.exp();
        if x > S::ZERO { S::ONE } else { left }
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, x: S, _y: S) -> S {
        let left = S::from_f64(self.alpha) * x.exp();
        if x > S::ZERO { S::ZERO } else { left }
    }
    fn jet(&self, x: f64) -> Jet {
        if x < -1.0 {
            let rest = self.alpha * x.exp();
            return Jet { limit: -self.alpha, rest, df: rest, d2f: rest };
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
        assert_at(Elu::default(), 3.0, [3.0, 1.0, 0.0]);
        assert_at(Elu::default(), -2.0, [-0.8646647167633873, 0.1353352832366127, 0.1353352832366127]);
        assert_at(
            Elu { alpha: 0.5 },
            -2.0,
            [-0.43233235838169365, 0.06766764161830635, 0.06766764161830635],
        );
        assert_at(Elu { alpha: 0.5 }, 0.0, [0.0, 0.5, 0.5]);
    }
}
