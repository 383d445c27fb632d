//! Every 509th `f32` of all 2³²: the functions that have no cheap reference. An unoptimised build takes every 65,521st.

use autograd::Scalar;
use rayon::prelude::*;

use super::ulps;

/// Prime, so that no pattern of low bits is left out.
const STRIDE: usize = if cfg!(debug_assertions) { 65_521 } else { 509 };

/// The largest error over all x for which the true value is a number, and NaN exactly where that is NaN.
#[track_caller]
fn worst(function: fn(f32) -> f32, reference: fn(f64) -> f64, limit: f64) -> f64 {
    let one = |i: usize| {
        let x = f32::from_bits((i * STRIDE) as u32);
        let (got, want) = (function(x), reference(f64::from(x)));
        assert_eq!(got.is_nan(), want.is_nan(), "at {x:e}: {got}, want {want}");
        let error = if want.is_nan() { 0.0 } else { ulps(got, want) };
        assert!(error <= limit, "{error} ulp at {x:e}: {got:e}, want {want:e}");
        error
    };
    (0..(1usize << 32) / STRIDE).into_par_iter().map(one).reduce(|| 0.0, f64::max)
}

#[test]
fn natural_logarithm() {
    println!("ln {}", worst(Scalar::ln, f64::ln, 1.0));
}

#[test]
fn logarithm_of_one_plus_x() {
    println!("ln_1p {}", worst(Scalar::ln_1p, libm::log1p, 1.75));
}

#[test]
fn exponential_minus_one() {
    println!("exp_m1 {}", worst(Scalar::exp_m1, libm::expm1, 1.75));
}

#[test]
fn error_function() {
    println!("erf {}", worst(Scalar::erf, libm::erf, 1.5));
}

#[test]
fn complementary_error_function() {
    println!("erfc {}", worst(Scalar::erfc, libm::erfc, 2.25));
}
