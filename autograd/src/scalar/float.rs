//! `f32` and `f64` as scalars.

use super::Scalar;
use crate::kernels::buffer::Pool;
use crate::kernels::conv::{FastConvolution, Winograd};
use crate::kernels::gemm::{self, Gemm};
use crate::kernels::vector::{self, Loop};
use crate::kernels::{math, packed};

macro_rules! float_scalar {
    ($float:ident, $vectorized:path, $convolution:expr, $gemm:path, $logistic:path, $($function:ident: $path:path,)*) => {
        impl Scalar for $float {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const MIN_POSITIVE: f64 = $float::MIN_POSITIVE as f64;

            fn pool() -> Option<&'static Pool<Self>> {
                static POOL: Pool<$float> = Pool::new();
                Some(&POOL)
            }
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $float
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $float::is_finite(self)
            }
            $(#[inline(always)]
            fn $function(self) -> Self {
                $path(self)
            })*
            #[inline(always)]
            fn sqrt(self) -> Self {
                $float::sqrt(self)
            }
            #[inline(always)]
            fn sin(self) -> Self {
                $float::sin(self)
            }
            #[inline(always)]
            fn cos(self) -> Self {
                $float::cos(self)
            }
            #[inline(always)]
            fn powf(self, y: Self) -> Self {
                $float::powf(self, y)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $float::abs(self)
            }
            #[inline(always)]
            fn minus_abs(self) -> Self {
                -$float::abs(self)
            }
            #[inline(always)]
            fn logistic_pair(self) -> (Self, Self) {
                $logistic(self)
            }
            fn fast_convolution() -> Option<&'static dyn FastConvolution<Self>> {
                $convolution
            }
            fn vectorized<L: Loop>(job: L) -> L::Output {
                $vectorized(job)
            }
            fn gemm(job: Gemm<'_, Self>) {
                $gemm(job);
            }
        }
    };
}

float_scalar! {
    f32, vector::with_avx2_if_any, Some(&Winograd), packed::gemm, math::logistic_pair,
    exp: math::exp,
    exp_m1: math::exp_m1,
    ln: math::ln,
    ln_1p: math::ln_1p,
    tanh: math::tanh,
    erf: math::erf,
    erfc: math::erfc,
}
float_scalar! {
    f64, Loop::run, None, gemm::f64, super::logistic_pair,
    exp: f64::exp,
    exp_m1: f64::exp_m1,
    ln: f64::ln,
    ln_1p: f64::ln_1p,
    tanh: f64::tanh,
    erf: libm::erf,
    erfc: libm::erfc,
}

#[cfg(test)]
mod tests {
    use super::Scalar;

    /// mpmath, 30 digits. 1 − erf(14) would be 0.
    #[test]
    fn erfc_keeps_its_relative_accuracy_in_the_tail() {
        let known = [
            (-1.0, 1.8427007929497148),
            (3.0, 2.209049699858544e-5),
            (5.0, 1.537459794428035e-12),
            (14.0, 3.0372298477503115e-87),
        ];
        for (x, want) in known {
            let got = Scalar::erfc(x);
            assert!((got / want - 1.0f64).abs() < 1e-15, "{x}: {got} {want}");
        }
        let single = f64::from(Scalar::erfc(5.0f32));
        assert!((single / 1.537459794428035e-12 - 1.0).abs() < 1e-6, "{single}");
    }
}
