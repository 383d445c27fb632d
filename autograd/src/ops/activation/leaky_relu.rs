//! Leaky ReLU.

use crate::elementwise::{Elementwise, Parameter};
use crate::piece::Piece;
use crate::scalar::Scalar;

/// x for x > 0, else a·x. f′ = 1 for x > 0, else a, also at the kink x = 0; f″ = 0. Any shape.
///
/// With a = 0 this is ReLU, except that −∞ gives NaN; with a = −1 it is |x|.
///
/// Source: Maas, Hannun and Ng, *Rectifier nonlinearities improve neural network acoustic models* (2013).
#[derive(Debug, Clone, Copy)]
pub struct LeakyRelu {
    /// a.
    pub slope: f64,
}

impl Default for LeakyRelu {
    fn default() -> Self {
        Self { slope: 0.01 }
    }
}

impl Elementwise for LeakyRelu {
    const NAME: &'static str = "leaky_relu";
    const FORMULA: &'static str = "x if x > 0 else a·x";
    const KINKS: &'static [f64] = &[0.0];
    const PARAMETER: Option<Parameter> =
        Some(Parameter { name: "a", default: 0.01, min: -1e6, max: 1e6 });

    fn with_parameter(value: f64) -> Self {
        Self { slope: value }
    }
    fn parameter(&self) -> Option<f64> {
        Some(self.slope)
    }
    fn pieces(&self) -> Option<Vec<Piece>> {
        Some(vec![Piece::line(0.0, self.slope), Piece::line(f64::INFINITY, 1.0)])
    }
    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        let left = S::from_f64(self.slope) * x;
        if x > S::ZERO { x } else { left }
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        if x > S::ZERO { S::ONE } else { S::from_f64(self.slope) }
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
    fn values_and_the_kink() {
        assert_at(LeakyRelu::default(), 3.0, [3.0, 1.0, 0.0]);
        assert_at(LeakyRelu::default(), -2.0, [-0.02, 0.01, 0.0]);
        assert_at(LeakyRelu { slope: 0.25 }, 0.0, [0.0, 0.25, 0.0]);
    }
}
