//! ln x and ln(1 + x).

use super::exp::{LN2_HIGH, LN2_LOW};
use super::polynomial;

/// 2/3, where the mantissas begin: on [2/3, 4/3) the series of ln(1 + f) has |f| ≤ 1/3.
const FIRST: u32 = 0x3f2a_aaab;
/// ln(1 + f) = f − f²/2 + f³·q(f).
const Q: [f32; 9] = [
    0.33333334,
    -0.24999811,
    0.19999765,
    -0.16680087,
    0.14298947,
    -0.12188584,
    0.10821276,
    -0.12874982,
    0.11737262,
];

/// k and m with x = 2^k·m, m in [2/3, 4/3), for positive normal x.
#[inline(always)]
fn parts(x: f32) -> (i32, f32) {
    let above = x.to_bits().wrapping_sub(FIRST);
    (above.cast_signed() >> 23, f32::from_bits((above & 0x007f_ffff).wrapping_add(FIRST)))
}

/// k·ln 2 + ln(1 + f), summed from the smallest term on; k·`LN2_HIGH` is exact.
#[inline(always)]
fn sum(k: f32, f: f32) -> f32 {
    let square = f * f;
    let small = (square * f * polynomial(f, Q) + k * LN2_LOW) - 0.5 * square;
    k * LN2_HIGH + (f + small)
}

/// `y` where `x` is positive and finite; otherwise ln x: −∞ at 0, ∞ at ∞ and NaN elsewhere.
#[inline(always)]
fn with_ends(x: f32, y: f32) -> f32 {
    let y = if x == f32::INFINITY { x } else { y };
    let end = if x == 0.0 { f32::NEG_INFINITY } else { f32::NAN };
    if x > 0.0 { y } else { end }
}

/// ln x. Subnormal arguments have full accuracy.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    let is_subnormal = x < f32::MIN_POSITIVE;
    let normal = if is_subnormal { x * 33_554_432.0 } else { x };
    let (k, m) = parts(normal);
    let k = k as f32 - if is_subnormal { 25.0 } else { 0.0 };
    with_ends(x, sum(k, m - 1.0))
}

/// ln(1 + x). What rounding 1 + x loses is added to the mantissa; near 0 that is x itself.
#[inline(always)]
pub(crate) fn ln_1p(x: f32) -> f32 {
    let u = 1.0 + x;
    let lost = if x < 1.0 { x - (u - 1.0) } else { 1.0 - (u - x) };
    let (k, m) = parts(u);
    // 2^−k by its bits. Beyond 2^64 nothing that is lost matters, and 2^−128 is out of range.
    let f = (m - 1.0) + lost * f32::from_bits((127 - k.clamp(-64, 64)).cast_unsigned() << 23);
    let f = if k == 0 { x } else { f };
    // The sign of −0.
    with_ends(u, sum(k as f32, f)).copysign(x)
}
