//! The standard normal density and distribution function.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use crate::scalar::Scalar;

/// √(2/π) = 2/√π · 1/√2.
pub(super) const SQRT_2_OVER_PI: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;

/// φ(x) = e^{−x²/2} / √(2π), where 1/√(2π) = √(2/π)/2.
#[inline(always)]
pub(super) fn density<S: Scalar>(x: S) -> S {
    S::from_f64(0.5 * SQRT_2_OVER_PI) * (S::from_f64(-0.5) * x * x).exp()
}

/// Φ(x) = erfc(−x/√2)/2. Unlike (1 + erf(x/√2))/2 it does not cancel in the left tail: the relative error is that
/// of rounding −x/√2, about x² ulp.
#[inline(always)]
pub(super) fn distribution<S: Scalar>(x: S) -> S {
    S::from_f64(0.5) * (S::from_f64(-FRAC_1_SQRT_2) * x).erfc()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// mpmath, 30 digits.
    #[test]
    fn values_and_left_tail() {
        assert_eq!(SQRT_2_OVER_PI, 0.7978845608028654);
        let known = [
            (1.0, 0.24197072451914334, 0.8413447460685429),
            (-8.0, 5.052271083536892e-15, 6.220960574271784e-16),
            (-20.0, 5.520948362159764e-88, 2.7536241186062337e-89),
        ];
        for (x, phi, big_phi) in known {
            let close = |got: f64, want: f64| {
                assert!((got / want - 1.0).abs() <= (2.0 + x * x) * f64::EPSILON, "{x}: {got:e} {want:e}");
            };
            close(density(x), phi);
            close(distribution(x), big_phi);
        }
    }
}
