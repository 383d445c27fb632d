//! GELU's tanh approximation.

use super::damped;
use super::normal::SQRT_2_OVER_PI;
use super::sigmoid::{logistic, logistic_pair};
use crate::elementwise::Elementwise;
use crate::jet::Jet;
use crate::scalar::Scalar;

/// The coefficient of x³, as published: a fit, not a rounded constant.
const CUBIC: f64 = 0.044715;

/// x/2·(1 + tanh(√(2/π)(x + c·x³))) with c = 0.044715, computed as x·σ(q), q = 2√(2/π)(x + c·x³): the same
/// function, but without cancellation in the left tail. With s = σ(q), p = s(1 − s), q′ = 2√(2/π)(1 + 3c·x²) and
/// q″ = 12√(2/π)c·x: f′ = s + x·p·q′; f″ = p·(2q′ + x·((1 − 2s)q′² + q″)). Smooth. Any shape.
///
/// Source: Hendrycks and Gimpel, *Gaussian error linear units* (2016).
#[derive(Debug, Clone, Copy, Default)]
pub struct GeluTanh;

/// q(x).
#[inline(always)]
fn argument<S: Scalar>(x: S) -> S {
    S::from_f64(2.0 * SQRT_2_OVER_PI) * x * (S::ONE + S::from_f64(CUBIC) * x * x)
}

/// q′(x).
#[inline(always)]
fn slope<S: Scalar>(x: S) -> S {
    S::from_f64(2.0 * SQRT_2_OVER_PI) * (S::ONE + S::from_f64(3.0 * CUBIC) * x * x)
}

impl Elementwise for GeluTanh {
    const NAME: &'static str = "gelu_tanh";
    const FORMULA: &'static str = "x/2·(1 + tanh(√(2/π)(x + 0.044715x³)))";

    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        damped(x, logistic(argument(x)))
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        let (s, rest) = logistic_pair(argument(x));
        s + damped(x * slope(x), s * rest)
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, x: S, _y: S) -> S {
        let (s, rest) = logistic_pair(argument(x));
        let q1 = slope(x);
        let q2 = S::from_f64(12.0 * SQRT_2_OVER_PI * CUBIC) * x;
        damped(q1 + q1 + x * ((rest - s) * q1 * q1 + q2), s * rest)
    }
    fn jet(&self, x: f64) -> Jet {
        let (s, rest) = logistic_pair(argument(x));
        let (q1, q2) = (slope(x), 12.0 * SQRT_2_OVER_PI * CUBIC * x);
        let (df, d2f) = (x * q1, q1 + q1 + x * ((rest - s) * q1 * q1 + q2));
        Jet::new(damped(x, s), s + damped(df, s * rest), damped(d2f, s * rest))
    }
}

#[cfg(test)]
mod tests {
    use super::super::assert_at;
    use super::*;

    /// mpmath, 30 digits.
    #[test]
    fn values_and_left_tail() {
        assert_at(GeluTanh, 1.0, [0.8411919906082767, 1.0829640838457826, 0.24214819798377296]);
        assert_at(GeluTanh, -2.0, [-0.04540230591222498, -0.08609925662361838, -0.10787507995107845]);
        assert_at(
            GeluTanh,
            -8.0,
            [-3.1077829375011112e-21, -4.7147845041068414e-20, -7.0458213960972915e-19],
        );
    }
}
