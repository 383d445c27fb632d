//! e^x and e^x − 1.

use super::polynomial;

pub(super) const LN2_HIGH: f32 = 0.69314575;
pub(super) const LN2_LOW: f32 = 1.4286068e-6;
const INVERSE_LN2: f32 = std::f32::consts::LOG2_E;
/// 1.5·2²³ + 254: what is added to it is rounded to a whole number n, and n + 254, which is 2·127 more, stands in the
/// lowest nine bits of the sum.
const SHIFT: f32 = 12_583_166.0;
/// e^r = 1 + r + r²·q(r).
const Q: [f32; 5] = [0.49999997, 0.16666539, 0.041667756, 0.00836712, 0.0013835537];

/// n, the whole number nearest to x/ln 2: as the bits that [`power_of_two`] and [`scaled`] read, and as number.
#[inline(always)]
pub(super) fn whole(x: f32) -> (u32, f32) {
    let shifted = x * INVERSE_LN2 + SHIFT;
    (shifted.to_bits(), shifted - SHIFT)
}

/// n and r with x = n·ln 2 + r, |r| ≤ ln 2/2, for |x| < 10⁴. n·`LN2_HIGH` is exact, since that has 15 bits.
#[inline(always)]
fn reduced(x: f32) -> (u32, f32) {
    let (n, n_float) = whole(x);
    (n, (x - n_float * LN2_HIGH) - n_float * LN2_LOW)
}

/// e^r − 1 for |r| ≤ ln 2/2.
#[inline(always)]
pub(super) fn of_rest(r: f32) -> f32 {
    r + r * r * polynomial(r, Q)
}

/// 2^(n − less) for an exponent from −126 to 127.
#[inline(always)]
fn power_of_two(n: u32, less: u32) -> f32 {
    f32::from_bits(n.wrapping_sub(127 + less) << 23)
}

/// y·2^n for n from −250 to 254. In two steps, the first of which is exact for y near 1: so a result that is too large
/// becomes ∞ and a small one loses its last bits in one rounding.
#[inline(always)]
pub(super) fn scaled(y: f32, n: u32) -> f32 {
    // The shifts to the left drop all but the lowest nine bits, which are half of n + 254 each.
    let half = n >> 1;
    y * f32::from_bits(half << 23) * f32::from_bits(n.wrapping_sub(half) << 23)
}

/// e^x for |x| ≤ 80, where nothing over- or underflows.
#[inline(always)]
pub(super) fn exp_within_range(x: f32) -> f32 {
    let (n, r) = reduced(x);
    (1.0 + of_rest(r)) * power_of_two(n, 0)
}

/// e^x. Subnormal results have full accuracy for their size.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // e^89 is ∞ and e^−104 is 0. NaN fails both comparisons and passes through.
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let (n, r) = reduced(x);
    scaled(1.0 + of_rest(r), n)
}

/// e^x − 1 as 2^n·(e^r − 1) + (2^n − 1), all halved on the way so that 2^128 is not needed.
#[inline(always)]
pub(crate) fn exp_m1(x: f32) -> f32 {
    let inside = if x > 89.0 { 89.0 } else { x };
    let inside = if inside < -18.0 { -18.0 } else { inside };
    let (n, r) = reduced(inside);
    let half = power_of_two(n, 1);
    let y = (half * of_rest(r) + (half - 0.5)) * 2.0;
    // Here e^x − 1 rounds to x, and halving would lose the last bit of a subnormal number and the sign of −0.
    if x.abs() < 1e-8 { x } else { y }
}
