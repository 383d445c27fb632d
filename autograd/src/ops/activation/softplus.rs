//! Softplus.

use super::sigmoid::{logistic, logistic_pair};
use crate::elementwise::Elementwise;
use crate::jet::Jet;
use crate::scalar::Scalar;

/// ln(1 + e^x), computed as max(x, 0) + ln(1 + e^{−|x|}). f′ = σ(x); f″ = σ(x)σ(−x). Smooth. Any shape.
///
/// Source: Dugas, Bengio, Bélisle, Nadeau and Garcia, *Incorporating second-order functional knowledge for better
/// option pricing* (2001).
#[derive(Debug, Clone, Copy, Default)]
pub struct Softplus;

impl Elementwise for Softplus {
    const NAME: &'static str = "softplus";
    const FORMULA: &'static str = "ln(1 + e^x)";

    #[inline(always)]
    fn f<S: Scalar>(&self, x: S) -> S {
        let positive = if x > S::ZERO { x } else { S::ZERO };
        positive + x.minus_abs().exp().ln_1p()
    }
    #[inline(always)]
    fn df<S: Scalar>(&self, x: S, _y: S) -> S {
        logistic(x)
    }
    #[inline(always)]
    fn d2f<S: Scalar>(&self, x: S, _y: S) -> S {
        let (s, rest) = logistic_pair(x);
        s * rest
    }
    fn jet(&self, x: f64) -> Jet {
        let e = (-x.abs()).exp();
        let large = 1.0 / (1.0 + e);
        let small = e * large;
        Jet::new(x.max(0.0) + e.ln_1p(), if x > 0.0 { large } else { small }, small * large)
    }
}

#[cfg(test)]
mod tests {
    use super::super::assert_at;
    use super::*;

    /// mpmath, 30 digits.
    #[test]
    fn values_and_tails() {
        assert_at(Softplus, 1.0, [1.3132616875182228, 0.7310585786300049, 0.19661193324148185]);
        assert_at(Softplus, -2.0, [0.1269280110429725, 0.11920292202211756, 0.10499358540350652]);
        assert_at(Softplus, -30.0, [9.357622968839737e-14, 9.357622968839299e-14, 9.357622968838423e-14]);
        assert_at(Softplus, 40.0, [40.0, 1.0, 4.248354255291589e-18]);
    }
}
