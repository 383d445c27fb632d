//! Hard sigmoid.

use crate::elementwise::Elementwise;
use crate::piece::Piece;
use crate::scalar::Scalar;

/// relu6(x + 3)/6: 0 for x ≤ −3, 1 for x ≥ 3, else (x + 3)/6. f′ = 1/6 for −3 < x < 3, else 0, also at the kinks
/// x = ±3; f″ = 0. Any shape.
///
/// Source: Howard et al., *Searching for MobileNetV3* (2019); others use other slopes.
#[derive(Debug, Clone, Copy, Default)]
pub struct HardSigmoid;

impl Elementwise for HardSigmoid {
    const NAME: &'static str = "hard_sigmoid";
    const FORMULA: &'static str = "min(max(x + 3, 0), 6)/6";
    const KINKS: &'static [f64] = &[-3.0, 3.0];

    fn pieces(&self) -> Option<Vec<Piece>> {
        Some(vec![
            Piece::constant(-3.0, 0.0),
            Piece::polynomial(3.0, -3.0, [0.0, 1.0 / 6.0, 0.0]),
            Piece::constant(f64::INFINITY, 1.0),
        ])
    }
    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        let three = S::from_f64(3.0);
        let between = (x + three) / S::from_f64(6.0);
        // Written so that NaN fails both comparisons and passes through.
        if x <= -three {
            S::ZERO
        } else if x >= three {
            S::ONE
        } else {
            between
        }
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        let three = S::from_f64(3.0);
        if x > -three && x < three { S::from_f64(1.0 / 6.0) } else { S::ZERO }
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
        assert_at(HardSigmoid, -4.0, [0.0, 0.0, 0.0]);
        assert_at(HardSigmoid, -3.0, [0.0, 0.0, 0.0]);
        assert_at(HardSigmoid, 1.5, [0.75, 1.0 / 6.0, 0.0]);
        assert_at(HardSigmoid, 3.0, [1.0, 0.0, 0.0]);
        assert_at(HardSigmoid, 5.0, [1.0, 0.0, 0.0]);
    }
}
