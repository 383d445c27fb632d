//! The logistic function.

use crate::elementwise::Elementwise;
use crate::jet::Jet;
use crate::scalar::Scalar;

/// σ(x) = 1/(1 + e^{−x}). With y = σ(x): f′ = y(1 − y); f″ = y(1 − y)(1 − 2y). Smooth. Any shape. Where y rounds to 1
/// (x > 37 in f64, 17 in f32) the derivatives are 0.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sigmoid;

/// σ(x).
#[inline(always)]
pub(crate) fn logistic<S: Scalar>(x: S) -> S {
    logistic_pair(x).0
}

/// σ(x) and σ(−x) = 1 − σ(x), each with full relative accuracy.
#[inline(always)]
pub(super) fn logistic_pair<S: Scalar>(x: S) -> (S, S) {
    x.logistic_pair()
}

impl Elementwise for Sigmoid {
    const NAME: &'static str = "sigmoid";
    const FORMULA: &'static str = "1/(1 + e^−x)";

    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        logistic(x)
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, _x: S, y: S) -> S {
        y * (S::ONE - y)
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, _x: S, y: S) -> S {
        y * (S::ONE - y) * (S::ONE - S::from_f64(2.0) * y)
    }
    /// 1 − y is σ(−x), so that what is left in the right tail has all digits.
    fn jet(&self, x: f64) -> Jet {
        let (s, rest) = logistic_pair(x);
        let (limit, tail) = if x > 0.0 { (1.0, -rest) } else { (0.0, s) };
        Jet { limit, rest: tail, df: s * rest, d2f: s * rest * (rest - s) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Dual;

    /// Python's `math` module: 1/(1 + exp(−1)).
    #[test]
    fn values() {
        assert!((Sigmoid.f(1.0f64) - 0.7310585786300049).abs() < 2e-16);
        assert_eq!(Sigmoid.f(-1000.0f64), 0.0);
        let at_zero = Sigmoid.f(Dual::new(0.0f64, 1.0));
        assert_eq!((at_zero.value, at_zero.tangent), (0.5, 0.25));
        assert_eq!(Sigmoid.f(Dual::new(-1000.0f64, 1.0)).tangent, 0.0);
        assert_eq!(Sigmoid.f(1000.0f64), 1.0);
    }
}
