//! ReLU clipped at 6.

use crate::elementwise::Elementwise;
use crate::piece::Piece;
use crate::scalar::Scalar;

/// min(max(x, 0), 6). f′ = 1 for 0 < x < 6, else 0, also at the kinks x = 0 and x = 6; f″ = 0. Any shape.
///
/// Source: Krizhevsky, *Convolutional deep belief networks on CIFAR-10* (2010).
#[derive(Debug, Clone, Copy, Default)]
pub struct Relu6;

impl Elementwise for Relu6 {
    const NAME: &'static str = "relu6";
    const FORMULA: &'static str = "min(max(x, 0), 6)";
    const KINKS: &'static [f64] = &[0.0, 6.0];

    fn pieces(&self) -> Option<Vec<Piece>> {
        Some(vec![Piece::constant(0.0, 0.0), Piece::line(6.0, 1.0), Piece::constant(f64::INFINITY, 6.0)])
    }
    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        let six = S::from_f64(6.0);
        // Written so that NaN fails both comparisons and passes through.
        if x <= S::ZERO {
            S::ZERO
        } else if x >= six {
            six
        } else {
            x
        }
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        if x > S::ZERO && x < S::from_f64(6.0) { S::ONE } else { S::ZERO }
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
        assert_at(Relu6, -1.0, [0.0, 0.0, 0.0]);
        assert_at(Relu6, 0.0, [0.0, 0.0, 0.0]);
        assert_at(Relu6, 5.5, [5.5, 1.0, 0.0]);
        assert_at(Relu6, 6.0, [6.0, 0.0, 0.0]);
        assert_at(Relu6, 9.0, [6.0, 0.0, 0.0]);
    }
}
