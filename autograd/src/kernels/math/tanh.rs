//! tanh x.

use super::exp::exp_within_range;
use super::polynomial;

/// tanh x = x + x³·q(x²) for |x| < 0.6.
const Q: [f32; 5] = [-0.333333, 0.13331936, -0.053784717, 0.020798625, -0.0058979667];

/// tanh x: the polynomial near 0, and 1 − 2/(e^{2x} + 1) further out, where it is above ½ and nothing cancels.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let size = x.abs();
    let square = size * size;
    let near = size + size * square * polynomial(square, Q);
    // tanh 10 rounds to 1. NaN fails the comparison and passes through.
    let inside = if size > 10.0 { 10.0 } else { size };
    let far = 1.0 - 2.0 / (exp_within_range(inside + inside) + 1.0);
    (if size < 0.6 { near } else { far }).copysign(x)
}
