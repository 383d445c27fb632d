//! The one numeric abstraction: `f32`, `f64`, and [`Dual`] numbers over either.
//!
//! Everything above this module is generic over [`Scalar`], so a training step (f32), a check (f64) and an
//! exact directional derivative (`Dual<f64>`) run the same code.

mod dual;
mod float;

pub use dual::Dual;

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::kernels::buffer::Pool;
use crate::kernels::conv::FastConvolution;
use crate::kernels::gemm::{self, Gemm};
use crate::kernels::vector::Loop;

/// A number that tensors hold.
///
/// Comparisons look at the value only: a [`Dual`] number's tangent never decides a branch.
pub trait Scalar:
    Copy
    + Debug
    + Default
    + PartialEq
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The smallest positive number of full precision; what is smaller is subnormal.
    const MIN_POSITIVE: f64;

    /// The nearest number to `x`, with no tangent.
    fn from_f64(x: f64) -> Self;
    /// The value as `f64`; tangents are dropped.
    fn to_f64(self) -> f64;
    /// Neither infinite nor NaN, tangents included.
    fn is_finite(self) -> bool;

    /// e^x.
    fn exp(self) -> Self;
    /// e^x − 1 without cancellation near 0.
    fn exp_m1(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// ln(1 + x) without cancellation near 0.
    fn ln_1p(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// Sine.
    fn sin(self) -> Self;
    /// Cosine.
    fn cos(self) -> Self;
    /// Error function, 2/√π ∫₀ˣ e^{−t²} dt.
    fn erf(self) -> Self;
    /// Complementary error function, 1 − erf(x) without cancellation for large x.
    fn erfc(self) -> Self;
    /// x^y. As a function of y the derivative x^y ln x is taken as 0 where x = 0.
    fn powf(self, y: Self) -> Self;

    /// Absolute value; the derivative at 0 is 0.
    fn abs(self) -> Self {
        if self > Self::ZERO {
            self
        } else if self < Self::ZERO {
            -self
        } else {
            // Keeps NaN a NaN, and gives 0 the tangent 0.
            self * Self::ZERO
        }
    }

    /// −|x|; the derivative at 0 is the one from the left, 1. One operation for floats: a choice between x and −x in front of
    /// an exponential would have the compiler evaluate both.
    fn minus_abs(self) -> Self {
        if self > Self::ZERO { -self } else { self }
    }

    /// Where large arrays of this type wait to be used again; `None` for types that only checks use.
    fn pool() -> Option<&'static Pool<Self>> {
        None
    }

    /// σ(x) = 1/(1 + e^{−x}) and σ(−x) = 1 − σ(x), from one exponential.
    #[inline(always)]
    fn logistic_pair(self) -> (Self, Self) {
        logistic_pair(self)
    }

    /// Runs a loop over numbers of this type in wide vectors, if this type has such loops (f32: AVX2): the same bits as `job.run()`, sooner.
    fn vectorized<L: Loop>(job: L) -> L::Output {
        job.run()
    }

    /// Convolutions that are faster than sums over taps; `None` for types that have only those.
    fn fast_convolution() -> Option<&'static dyn FastConvolution<Self>> {
        None
    }

    /// Matrix product, see [`Gemm`]. Every scalar of this crate overrides the reference loops.
    fn gemm(job: Gemm<'_, Self>) {
        gemm::reference(job);
    }
}

/// [`Scalar::logistic_pair`] by the formula. e^{−|x|} cannot overflow: neither the values nor tangents become ∞ or NaN.
#[inline(always)]
fn logistic_pair<S: Scalar>(x: S) -> (S, S) {
    let e = x.minus_abs().exp();
    let large = S::ONE / (S::ONE + e);
    let small = e * large;
    if x > S::ZERO { (large, small) } else { (small, large) }
}
