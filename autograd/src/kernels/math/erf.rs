//! erf x and erfc x.

use super::exp::{LN2_HIGH, LN2_LOW, exp_within_range, of_rest, scaled, whole};
use super::polynomial;

/// erf x = x + x·q(x²) for |x| < 0.9.
const NEAR: [f32; 7] =
    [0.12837917, -0.3761263, 0.11283624, -0.02685556, 0.005191753, -0.0008039753, 7.9431e-05];
/// erf x = 1 − e^{−x·q(x)} for x from 0.89 to 3.95.
const FAR: [f32; 6] = [1.1285223, 0.63569146, 0.10529732, -0.022912769, 0.003222084, -0.00021485153];
/// e^{x²}·erfc x = t·q(t − `CENTRE`) with t = 1/(x + 2), for x from 0 to 10.3.
const COMPLEMENT: [f32; 11] = [
    1.1408461, 3.122184, 4.6974664, 1.3454169, -6.51704, -3.2474666, 14.56001, 0.8752976, -37.062473,
    17.14797, 66.017395,
];
const CENTRE: f32 = 0.2906504;

/// erf x: a polynomial near 0, and 1 − erfc |x| further out, where erfc |x| is small enough for its errors not to matter.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let size = x.abs();
    let near = size + size * polynomial(size * size, NEAR);
    // erf 3.95 rounds to 1. NaN fails the comparison and passes through.
    let inside = if size > 3.95 { 3.95 } else { size };
    let far = 1.0 - exp_within_range(-inside * polynomial(inside, FAR));
    (if size < 0.9 { near } else { far }).copysign(x)
}

/// erfc x with its relative accuracy as long as it is a normal number. x² is taken as the exact square of the leading 12
/// bits and a small rest, so that e^{−x²} keeps its digits; t and the two steps of the polynomial that count most are in
/// f64.
#[inline(always)]
pub(crate) fn erfc(x: f32) -> f32 {
    let size = x.abs();
    // erfc 10.3 rounds to 0. NaN fails the comparison and passes through.
    let size = if size > 10.3 { 10.3 } else { size };
    let t = 1.0 / (f64::from(size) + 2.0);
    let d = t - f64::from(CENTRE);
    let [c0, c1, higher @ ..] = COMPLEMENT;
    let higher = f64::from(polynomial(d as f32, higher));
    let factor = (t * ((higher * d + f64::from(c1)) * d + f64::from(c0))) as f32;
    let leading = f32::from_bits(size.to_bits() & 0xffff_f000);
    let (square, rest) = (leading * leading, (size - leading) * (size + leading));
    let (n, n_float) = whole(-(square + rest));
    let r = (-square - n_float * LN2_HIGH) - (n_float * LN2_LOW + rest);
    let y = scaled(factor + factor * of_rest(r), n);
    if x < 0.0 { 2.0 - y } else { y }
}
