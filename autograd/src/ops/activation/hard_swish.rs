//! Hard swish.

use crate::elementwise::Elementwise;
use crate::piece::Piece;
use crate::scalar::Scalar;

/// x·relu6(x + 3)/6: 0 for x ≤ −3, x for x ≥ 3, else x(x + 3)/6. f′ = (2x + 3)/6 for −3 < x < 3, f″ = 1/3 there.
/// At the kinks the outer pieces hold: f′(−3) = 0, f′(3) = 1, and f″ = 0. Any shape.
///
/// Source: Howard et al., *Searching for MobileNetV3* (2019).
#[derive(Debug, Clone, Copy, Default)]
pub struct HardSwish;

impl Elementwise for HardSwish {
    const NAME: &'static str = "hard_swish";
    const FORMULA: &'static str = "x·min(max(x + 3, 0), 6)/6";
    const KINKS: &'static [f64] = &[-3.0, 3.0];

    fn pieces(&self) -> Option<Vec<Piece>> {
        Some(vec![
            Piece::constant(-3.0, 0.0),
            Piece::polynomial(3.0, -3.0, [0.0, -0.5, 1.0 / 6.0]),
            Piece::line(f64::INFINITY, 1.0),
        ])
    }
    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        let three = S::from_f64(3.0);
        let between = x * (x + three) / S::from_f64(6.0);
        // Written so that NaN fails both comparisons and passes through.
        if x <= -three {
            S::ZERO
        } else if x >= three {
            x
        } else {
            between
        }
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        let three = S::from_f64(3.0);
        let between = (x + x + three) / S::from_f64(6.0);
        if x <= -three {
            S::ZERO
        } else if x >= three {
            S::ONE
        } else {
            between
        }
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, x: S, _y: S) -> S {
        let three = S::from_f64(3.0);
        if x > -three && x < three { S::from_f64(1.0 / 3.0) } else { S::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::super::assert_at;
    use super::*;

    /// By hand.
    #[test]
    fn values_and_the_kinks() {
        assert_at(HardSwish, -4.0, [0.0, 0.0, 0.0]);
        assert_at(HardSwish, -3.0, [0.0, 0.0, 0.0]);
        assert_at(HardSwish, -1.0, [-1.0 / 3.0, 1.0 / 6.0, 1.0 / 3.0]);
        assert_at(HardSwish, 3.0, [3.0, 1.0, 0.0]);
        assert_at(HardSwish, 5.0, [5.0, 1.0, 0.0]);
    }
}
