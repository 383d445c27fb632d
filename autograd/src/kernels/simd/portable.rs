//! Vectors as arrays, for machines without any of the other instruction sets; the compiler uses what there is.

use super::{Row, Vector};

/// Eight numbers. A multiplication and an addition are rounded one by one: a fused one without hardware is slow.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; 8]);

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

impl Vector for Portable {
    const LANES: usize = 8;
    const TILE: usize = 4;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([x; 8])
    }
    #[inline(always)]
    fn load(row: &Row, part: usize) -> Self {
        Self(std::array::from_fn(|i| row[part * 8 + i]))
    }
    #[inline(always)]
    fn store(self, row: &mut Row, part: usize) {
        row[part * 8..][..8].copy_from_slice(&self.0);
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        self.mul(factor).add(term)
    }
}
