//! Hard tanh.

use crate::elementwise::Elementwise;
use crate::piece::Piece;
use crate::scalar::Scalar;

/// min(max(x, −1), 1). f′ = 1 for −1 < x < 1, else 0, also at the kinks x = ±1; f″ = 0. Any shape.
///
/// Source: Collobert, *Large scale machine learning* (2004).
#[derive(Debug, Clone, Copy, Default)]
pub struct HardTanh;

impl Elementwise for HardTanh {
    const NAME: &'static str = "hard_tanh";
    const FORMULA: &'static str = "min(max(x, −1), 1)";
    const KINKS: &'static [f64] = &[-1.0, 1.0];

    fn pieces(&self) -> Option<Vec<Piece>> {
        Some(vec![Piece::constant(-1.0, -1.0), Piece::line(1.0, 1.0), Piece::constant(f64::INFINITY, 1.0)])
    }
    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        // Written so that NaN fails both comparisons and passes through.
        if x <= -S::ONE {
            -S::ONE
        } else if x >= S::ONE {
            S::ONE
        } else {
            x
        }
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        if x > -S::ONE && x < S::ONE { S::ONE } else { S::ZERO }
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

    /// By hand.
    #[test]
    fn values_and_the_kinks() {
        assert_at(HardTanh, -2.0, [-1.0, 0.0, 0.0]);
        assert_at(HardTanh, -1.0, [-1.0, 0.0, 0.0]);
        assert_at(HardTanh, 0.25, [0.25, 1.0, 0.0]);
        assert_at(HardTanh, 1.0, [1.0, 0.0, 0.0]);
        assert_at(HardTanh, 3.0, [1.0, 0.0, 0.0]);
    }
}
