//! SELU.

use crate::elementwise::Elementwise;
use crate::jet::Jet;
use crate::piece::Piece;
use crate::scalar::Scalar;

/// α of SELU: the solution of the paper's fixed point equations, which mpmath confirms in all these digits.
const ALPHA: f64 = 1.6732632423543772848170429916717;
/// λ of SELU.
const LAMBDA: f64 = 1.0507009873554804934193349852946;

/// λx for x > 0, else λα(e^x − 1). f′ = λ for x > 0, else λα·e^x; f″ = 0 for x > 0, else λα·e^x. At the kink x = 0
/// both are the left ones, λα. Any shape.
///
/// λ and α make mean 0 and variance 1 a fixed point: with x standard normal, E f = 0 and E f² = 1.
///
/// Source: Klambauer, Unterthiner, Mayr and Hochreiter, *Self-normalizing neural networks* (2017).
#[derive(Debug, Clone, Copy, Default)]
pub struct Selu;

impl Elementwise for Selu {
    const NAME: &'static str = "selu";
    const FORMULA: &'static str = "λx if x > 0 else λα(e^x − 1)";
    const KINKS: &'static [f64] = &[0.0];

    fn pieces(&self) -> Option<Vec<Piece>> {
        Some(vec![Piece::exponential(0.0, LAMBDA * ALPHA, 1.0), Piece::line(f64::INFINITY, LAMBDA)])
    }
    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        let left = S::from_f64(LAMBDA * ALPHA) * x.exp_m1();
        if x > S::ZERO { S::from_f64(LAMBDA) * x } else { left }
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        let left = S::from_f64(LAMBDA * ALPHA) * x.exp();
        if x > S::ZERO { S::from_f64(LAMBDA) } else { left }
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, x: S, _y: S) -> S {
        let left = S::from_f64(LAMBDA * ALPHA) * x.exp();
        if x > S::ZERO { S::ZERO } else { left }
    }
    fn jet(&self, x: f64) -> Jet {
        if x < -1.0 {
            let rest = LAMBDA * ALPHA * x.exp();
            return Jet { limit: -LAMBDA * ALPHA, rest, df: rest, d2f: rest };
        }
        let y = self.f(x);
        Jet::new(y, self.df(x, y), self.d2f(x, y))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{assert_at, normal};
    use super::*;

    /// mpmath, 30 digits.
    #[test]
    fn values() {
        assert_at(Selu, 1.0, [1.0507009873554805, 1.0507009873554805, 0.0]);
        assert_at(Selu, -2.0, [-1.520166468595695, 0.23793287225168183, 0.23793287225168183]);
        assert_eq!(Selu.df(0.0, 0.0), LAMBDA * ALPHA);
    }

    /// The Gaussian integrals ∫₋∞⁰ e^{kx} φ(x) dx = e^{k²/2} Φ(−k), by completing the square.
    #[test]
    fn mean_zero_and_variance_one_are_a_fixed_point() {
        let left = |k: f64| (k * k / 2.0).exp() * normal::distribution(-k);
        let mean = LAMBDA * (normal::density(0.0) + ALPHA * (left(1.0) - left(0.0)));
        let square = LAMBDA * LAMBDA * (0.5 + ALPHA * ALPHA * (left(2.0) - 2.0 * left(1.0) + left(0.0)));
        assert!(mean.abs() < 1e-15 && (square - 1.0).abs() < 1e-15, "{mean:e} {square}");
    }
}
