//! Softsign.

use crate::elementwise::Elementwise;
use crate::jet::Jet;
use crate::scalar::Scalar;

/// x/(1 + |x|). f′ = 1/(1 + |x|)²; f″ = −2·sign(x)/(1 + |x|)³, which jumps at x = 0 from 2 to −2 and is the left one
/// there, 2. Any shape.
///
/// Source: Turian, Bergstra and Bengio, *Quadratic features and deep architectures for chunking* (2009).
#[derive(Debug, Clone, Copy, Default)]
pub struct Softsign;

/// 1 + |x|, with the left tangent at 0.
#[inline(always)]
fn one_plus_size<S: Scalar>(x: S) -> S {
    S::ONE - x.minus_abs()
}

impl Elementwise for Softsign {
    const NAME: &'static str = "softsign";
    const FORMULA: &'static str = "x/(1 + |x|)";
    const KINKS: &'static [f64] = &[0.0];

    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        let size = one_plus_size(x);
        let (limit, y) = (if x > S::ZERO { S::ONE } else { -S::ONE }, x / size);
        // ∞/∞: the limit.
        if size == S::from_f64(f64::INFINITY) { limit } else { y }
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        let size = one_plus_size(x);
        S::ONE / (size * size)
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, x: S, _y: S) -> S {
        let size = one_plus_size(x);
        S::from_f64(if x > S::ZERO { -2.0 } else { 2.0 }) / (size * size * size)
    }
    /// 1 − |y| is 1/(1 + |x|).
    fn jet(&self, x: f64) -> Jet {
        let inverse = 1.0 / one_plus_size(x);
        let (limit, rest) =
            if x.abs() > 1.0 { (1f64.copysign(x), -inverse.copysign(x)) } else { (0.0, x * inverse) };
        let df = inverse * inverse;
        Jet { limit, rest, df, d2f: if x > 0.0 { -2.0 } else { 2.0 } * df * inverse }
    }
}

#[cfg(test)]
mod tests {
    use super::super::assert_at;
    use super::*;

    /// By hand.
    #[test]
    fn values() {
        assert_at(Softsign, 3.0, [3.0 / 4.0, 1.0 / 16.0, -2.0 / 64.0]);
        assert_at(Softsign, -2.0, [-2.0 / 3.0, 1.0 / 9.0, 2.0 / 27.0]);
        assert_at(Softsign, 0.0, [0.0, 1.0, 2.0]);
    }
}
