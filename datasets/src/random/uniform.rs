//! Real numbers and places that are evenly spread, one 64-bit draw each.

use rand::Rng;

/// A multiple of 2⁻⁵³ in [0, 1), all equally likely: the upper 53 bits of a draw.
pub fn uniform(generator: &mut impl Rng) -> f64 {
    (generator.next_u64() >> 11) as f64 * (0.5 / (1u64 << 52) as f64)
}

/// A number between the ends of `range`: `low + u (high - low)`.
pub(crate) fn between(generator: &mut impl Rng, [low, high]: [f64; 2]) -> f64 {
    low + uniform(generator) * (high - low)
}

/// The integer below `bound` that `draw` stands for: the upper half of their product.
///
/// It serves draws that are made before their bound is known, where [`below`](super::below) cannot reject any. Some results
/// are then more likely than others by at most `bound` / 2⁶⁴.
pub fn position(draw: u64, bound: usize) -> usize {
    ((u128::from(draw) * bound as u128) >> 64) as usize
}
