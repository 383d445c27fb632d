//! `f32` and `f64` as scalars.

use super::Scalar;
use crate::kernels::gemm::{self, Gemm};

macro_rules! float_scalar {
    ($float:ident, $erf:path) => {
        impl Scalar for $float {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;

            #[inline]
            fn from_f64(x: f64) -> Self {
                x as $float
            }
            #[inline]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline]
            fn is_finite(self) -> bool {
                $float::is_finite(self)
            }
            #[inline]
            fn exp(self) -> Self {
                $float::exp(self)
            }
            #[inline]
            fn exp_m1(self) -> Self {
                $float::exp_m1(self)
            }
            #[inline]
            fn ln(self) -> Self {
                $float::ln(self)
            }
            #[inline]
            fn ln_1p(self) -> Self {
                $float::ln_1p(self)
            }
            #[inline]
            fn sqrt(self) -> Self {
                $float::sqrt(self)
            }
            #[inline]
            fn tanh(self) -> Self {
                $float::tanh(self)
            }
            #[inline]
            fn sin(self) -> Self {
                $float::sin(self)
            }
            #[inline]
            fn cos(self) -> Self {
                $float::cos(self)
            }
            #[inline]
            fn erf(self) -> Self {
                $erf(self)
            }
            #[inline]
            fn powf(self, y: Self) -> Self {
                $float::powf(self, y)
            }
            #[inline]
            fn abs(self) -> Self {
                $float::abs(self)
            }
            fn gemm(job: Gemm<'_, Self>) {
                gemm::$float(job);
            }
        }
    };
}

float_scalar!(f32, libm::erff);
float_scalar!(f64, libm::erf);
