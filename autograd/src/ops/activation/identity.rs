//! The identity.

use crate::elementwise::Elementwise;
use crate::piece::Piece;
use crate::scalar::Scalar;

/// x. f′ = 1; f″ = 0. Any shape. A linear network is the case without activations.
#[derive(Debug, Clone, Copy, Default)]
pub struct Identity;

impl Elementwise for Identity {
    const NAME: &'static str = "identity";
    const FORMULA: &'static str = "x";
    const LINEAR: bool = true;

    fn pieces(&self) -> Option<Vec<Piece>> {
        Some(vec![Piece::line(f64::INFINITY, 1.0)])
    }
    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        x
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, _x: S, _y: S) -> S {
        S::ONE
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, _x: S, _y: S) -> S {
        S::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::super::assert_at;
    use super::*;

    #[test]
    fn values() {
        assert_at(Identity, -2.5, [-2.5, 1.0, 0.0]);
    }
}
