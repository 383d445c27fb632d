//! ReLU.

use crate::elementwise::Elementwise;
use crate::piece::Piece;
use crate::scalar::Scalar;

/// max(x, 0). f′ = 1 for x > 0, else 0, also at the kink x = 0; f″ = 0. Any shape. NaN stays NaN.
///
/// Source: Nair and Hinton, *Rectified linear units improve restricted Boltzmann machines* (2010).
#[derive(Debug, Clone, Copy, Default)]
pub struct Relu;

impl Elementwise for Relu {
    const NAME: &'static str = "relu";
    const FORMULA: &'static str = "max(x, 0)";
    const KINKS: &'static [f64] = &[0.0];

    fn pieces(&self) -> Option<Vec<Piece>> {
        Some(vec![Piece::constant(0.0, 0.0), Piece::line(f64::INFINITY, 1.0)])
    }
    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        // Written so that NaN fails the comparison and passes through.
        if x <= S::ZERO { S::ZERO } else { x }
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        if x > S::ZERO { S::ONE } else { S::ZERO }
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, _x: S, _y: S) -> S {
        S::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_the_kink() {
        assert_eq!((Relu.f(-2.0f64), Relu.f(3.0f64)), (0.0, 3.0));
        assert_eq!(Relu.df(0.0f64, 0.0), 0.0);
        assert!(Relu.f(f64::NAN).is_nan());
    }
}
