//! Elementary functions of `f32` that the compiler turns into vector code where they stand in a loop.
//!
//! Each is a few dozen additions, multiplications and selections without a branch, a table or a call, so a [`Loop`]
//! over a slice evaluates eight of them at once. Nothing is contracted, so that the bits are the same one by one, in
//! narrow and in wide vectors, and on every machine. Sine, cosine and powers are left to the standard library: to take
//! a large argument of a sine modulo 2π needs another kind of code.
//!
//! The coefficients are minimax polynomials of our own, derived by `tests/golden/derive_math.py` with mpmath.
//! `autograd/tests/suite/elementary/` measures the errors, in units in the last place.
//!
//! [`Loop`]: super::vector::Loop

mod erf;
mod exp;
mod log;
mod logistic;
mod tanh;

pub(crate) use erf::{erf, erfc};
pub(crate) use exp::{exp, exp_m1};
pub(crate) use log::{ln, ln_1p};
pub(crate) use logistic::logistic_pair;
pub(crate) use tanh::tanh;

/// c₀ + c₁·x + c₂·x² + … of 1 to 12 terms. By Estrin's scheme, whose sums and products wait for each other a third as
/// long as those of Horner's: a loop is bound by how many of its rounds fit into the processor at once.
#[inline(always)]
fn polynomial<const N: usize>(x: f32, c: [f32; N]) -> f32 {
    const { assert!(1 <= N && N <= 12) };
    let x2 = x * x;
    let four = |i: usize| match N - i {
        1 => c[i],
        2 => c[i] + c[i + 1] * x,
        3 => (c[i] + c[i + 1] * x) + c[i + 2] * x2,
        _ => (c[i] + c[i + 1] * x) + (c[i + 2] + c[i + 3] * x) * x2,
    };
    let x4 = x2 * x2;
    match N {
        1..=4 => four(0),
        5..=8 => four(0) + four(4) * x4,
        _ => four(0) + (four(4) + four(8) * x4) * x4,
    }
}
