//! GELU.

use super::damped;
use super::normal::{density, distribution};
use crate::elementwise::Elementwise;
use crate::jet::Jet;
use crate::scalar::Scalar;

/// x·Φ(x), where Φ and φ are the standard normal distribution function and density.
/// f′ = Φ + xφ; f″ = (2 − x²)φ. Smooth. Any shape.
///
/// Φ goes through erfc, so that also the left tail has its relative accuracy.
///
/// Source: Hendrycks and Gimpel, *Gaussian error linear units* (2016).
#[derive(Debug, Clone, Copy, Default)]
pub struct Gelu;

impl Elementwise for Gelu {
    const NAME: &'static str = "gelu";
    const FORMULA: &'static str = "x·Φ(x)";

    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        damped(x, distribution(x))
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        distribution(x) + damped(x, density(x))
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, x: S, _y: S) -> S {
        damped(S::from_f64(2.0) - x * x, density(x))
    }
    fn jet(&self, x: f64) -> Jet {
        let (s, density): (f64, f64) = (distribution(x), density(x));
        Jet::new(damped(x, s), s + damped(x, density), damped(2.0 - x * x, density))
    }
}

#[cfg(test)]
mod tests {
    use super::super::assert_at;
    use super::*;

    /// mpmath, 30 digits.
    #[test]
    fn values_and_left_tail() {
        assert_at(Gelu, 1.0, [0.8413447460685429, 1.0833154705876864, 0.24197072451914334]);
        assert_at(Gelu, -2.0, [-0.04550026389635842, -0.0852318010781969, -0.1079819330263761]);
        assert_at(Gelu, -8.0, [-4.976768459417427e-15, -3.979607261086796e-14, -3.1324080717928733e-13]);
        assert_at(Gelu, -20.0, [-5.507248237212468e-88, -1.1014360483133464e-86, -2.1973374481395856e-85]);
    }
}
