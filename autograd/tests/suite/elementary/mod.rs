//! The elementary functions of `f32` against those of `f64`, in units in the last place (ulp) of the true value.
//!
//! `exhaustive.rs` goes through every `f32` where the loops of training need it, `strided.rs` through millions spread over
//! all of them.

mod edges;
mod exhaustive;
mod strided;

/// 2^128, which stands for ∞: a result that overflows is wrong by what is missing to it.
const OVERFLOW: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0;

/// |got − want| in units in the last place of `want`, with those of the smallest normal number for subnormal ones.
#[inline(always)]
fn ulps(got: f32, want: f64) -> f64 {
    let (got, want) = (f64::from(got).clamp(-OVERFLOW, OVERFLOW), want.clamp(-OVERFLOW, OVERFLOW));
    // Of f64: 1023 + k for a number from 2^k on. The unit of f32 is 2^(k − 23), k from −126 to 127.
    let exponent = (want.abs().to_bits() >> 52).clamp(1023 - 126, 1023 + 127);
    (got - want).abs() * f64::from_bits((2 * 1023 + 23 - exponent) << 52)
}

/// ulp from one f32 to the next, at 1, at the largest and at the smallest number.
#[test]
fn the_unit_is_that_of_the_true_value() {
    assert_eq!(ulps(1.0 + f32::EPSILON, 1.0), 1.0);
    assert_eq!(ulps(f32::INFINITY, f64::from(f32::MAX)), 1.0);
    assert_eq!(ulps(f32::INFINITY, 1e300), 0.0);
    assert_eq!(ulps(f32::from_bits(1), 0.0), 1.0);
    assert!(ulps(f32::NAN, 1.0).is_nan());
}
