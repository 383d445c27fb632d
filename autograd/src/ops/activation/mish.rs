//! Mish.

use super::damped;
use crate::elementwise::Elementwise;
use crate::jet::Jet;
use crate::scalar::Scalar;

/// x·w(x) with w = tanh(ln(1 + e^x)). f′ = w + x·w′; f″ = 2w′ + x·w″. Smooth. Any shape.
///
/// With E = e^x and D = E² + 2E + 2: w = 1 − 2/D = (E² + 2E)/D, w′ = 4E(1 + E)/D²,
/// w″ = 4E(2 + 2E − 3E² − 2E³)/D³. For x > 0 the fractions are reduced by powers of E and written in e^{−x}: nothing
/// overflows or cancels, and no logarithm or tanh is needed.
///
/// Source: Misra, *Mish: a self regularized non-monotonic activation function* (2020); these forms of the derivatives
/// are our own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mish;

/// What the two sides of 0 share.
struct Parts<S> {
    is_right: bool,
    /// e^{−|x|}.
    e: S,
    /// The numerator of w: E² + 2E, or 1 + 2e on the right.
    numerator: S,
    /// D, or D/E² on the right.
    denominator: S,
}

impl<S: Scalar> Parts<S> {
    #[inline(always)]
    fn at(x: S) -> Self {
        let is_right = x > S::ZERO;
        let e = x.minus_abs().exp();
        let two_e = e + e;
        let square = e * e;
        let numerator = (if is_right { S::ONE } else { square }) + two_e;
        let rest = if is_right { square } else { S::ONE };
        Self { is_right, e, numerator, denominator: numerator + rest + rest }
    }

    #[inline(always)]
    fn w(&self) -> S {
        self.numerator / self.denominator
    }

    #[inline(always)]
    fn w1(&self) -> S {
        let square = self.e * self.e;
        let lead = if self.is_right { square } else { self.e };
        S::from_f64(4.0) * lead * (S::ONE + self.e) / (self.denominator * self.denominator)
    }

    #[inline(always)]
    fn w2(&self) -> S {
        let (e, two, three) = (self.e, S::from_f64(2.0), S::from_f64(3.0));
        let right = e * e * (e * (e * (two * e + two) - three) - two);
        let left = e * (two + e * (two - e * (three + two * e)));
        let numerator = if self.is_right { right } else { left };
        S::from_f64(4.0) * numerator / (self.denominator * self.denominator * self.denominator)
    }
}

impl Elementwise for Mish {
    const NAME: &'static str = "mish";
    const FORMULA: &'static str = "x·tanh(ln(1 + e^x))";

    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        damped(x, Parts::at(x).w())
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        let parts = Parts::at(x);
        parts.w() + damped(x, parts.w1())
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, x: S, _y: S) -> S {
        let parts = Parts::at(x);
        S::from_f64(2.0) * parts.w1() + damped(x, parts.w2())
    }
    fn jet(&self, x: f64) -> Jet {
        let parts = Parts::at(x);
        let (w, w1) = (parts.w(), parts.w1());
        Jet::new(damped(x, w), w + damped(x, w1), 2.0 * w1 + damped(x, parts.w2()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::assert_at;
    use super::*;

    /// mpmath, 30 digits.
    #[test]
    fn values_and_tails() {
        assert_at(Mish, 1.0, [0.8650983882673103, 1.0490362200997922, 0.18468576447332827]);
        assert_at(Mish, -2.0, [-0.2525014826957089, -0.10835509242039394, 0.035027081852659236]);
        assert_at(Mish, -20.0, [-4.122307240628761e-8, -3.916191874348969e-8, -3.710076504245658e-8]);
        assert_at(Mish, 30.0, [30.0, 1.0, -2.0315104969447274e-24]);
    }
}
