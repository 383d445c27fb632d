//! The hyperbolic tangent.

use crate::elementwise::Elementwise;
use crate::jet::Jet;
use crate::scalar::Scalar;

/// tanh x. With y = tanh x: f′ = 1 − y² = (1 − y)(1 + y); f″ = −2y(1 − y²). Smooth. Any shape.
///
/// Where |y| rounds to 1, beyond |x| ≈ 19 in f64 and 9 in f32, the derivatives are 0.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tanh;

impl Elementwise for Tanh {
    const NAME: &'static str = "tanh";
    const FORMULA: &'static str = "tanh x";

    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        x.tanh()
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, _x: S, y: S) -> S {
        (S::ONE - y) * (S::ONE + y)
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, _x: S, y: S) -> S {
        S::from_f64(-2.0) * y * (S::ONE - y) * (S::ONE + y)
    }
    /// From e^{−2|x|}: 1 − |y| = 2e/(1 + e) and f′ = 4e/(1 + e)² keep their digits in the tails.
    fn jet(&self, x: f64) -> Jet {
        let size = x.abs();
        let (limit, rest, e) = if size > 1.0 {
            let e = (-2.0 * size).exp();
            (1f64.copysign(x), -2.0 * e / (1.0 + e), e)
        } else {
            let below = (-2.0 * size).exp_m1();
            (0.0, -below / (2.0 + below), 1.0 + below)
        };
        let df = 4.0 * e / ((1.0 + e) * (1.0 + e));
        let rest = rest.copysign(rest * x);
        Jet { limit, rest, df, d2f: -2.0 * (limit + rest) * df }
    }
}

#[cfg(test)]
mod tests {
    use super::super::assert_at;
    use super::*;

    /// mpmath, 30 digits.
    #[test]
    fn values() {
        assert_at(Tanh, 0.5, [0.46211715726000974, 0.7864477329659274, -0.7268619813835873]);
        assert_at(Tanh, -2.0, [-0.9640275800758169, 0.07065082485316447, 0.13621868742711304]);
    }
}
