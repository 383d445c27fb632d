//! The sine.

use crate::elementwise::Elementwise;
use crate::jet::Jet;
use crate::scalar::Scalar;

/// sin x. f′ = cos x; f″ = −sin x. Smooth. Any shape. ±∞ gives NaN: there is no limit.
///
/// Source: Sitzmann, Martel, Bergman, Lindell and Wetzstein, *Implicit neural representations with periodic
/// activation functions* (2020).
#[derive(Debug, Clone, Copy, Default)]
pub struct Sin;

impl Elementwise for Sin {
    const NAME: &'static str = "sin";
    const FORMULA: &'static str = "sin x";

    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        x.sin()
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        x.cos()
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, _x: S, y: S) -> S {
        -y
    }
    fn jet(&self, x: f64) -> Jet {
        let (sine, cosine) = x.sin_cos();
        Jet::new(sine, cosine, -sine)
    }
}

#[cfg(test)]
mod tests {
    use super::super::assert_at;
    use super::*;

    /// mpmath, 30 digits.
    #[test]
    fn values() {
        assert_at(Sin, 1.0, [0.8414709848078965, 0.5403023058681398, -0.8414709848078965]);
        assert_at(Sin, -2.0, [-0.9092974268256817, -0.4161468365471424, 0.9092974268256817]);
    }
}
