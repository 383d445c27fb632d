//! NEON: four numbers.
//!
//! A value of [`Neon`] exists only inside [`run`], whose caller has made sure that the machine has these instructions;
//! that is what every block below relies on.

use std::arch::aarch64::*;

use super::{Kernel, Row, Vector, WIDTH};

/// # Safety
/// The machine has NEON.
#[target_feature(enable = "neon")]
pub(super) unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Neon>()
}

#[derive(Clone, Copy)]
pub(super) struct Neon(float32x4_t);

impl Vector for Neon {
    const LANES: usize = 4;
    // Of 32 registers, 24 hold sums, 4 a row of the right operand and 1 a number of the left one.
    const TILE: usize = 6;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: see the module.
        Self(unsafe { vdupq_n_f32(x) })
    }
    #[inline(always)]
    fn load(row: &Row, part: usize) -> Self {
        assert!(part < WIDTH / Self::LANES);
        // SAFETY: see the module; the four numbers lie inside the row.
        Self(unsafe { vld1q_f32(row.as_ptr().add(part * Self::LANES)) })
    }
    #[inline(always)]
    fn store(self, row: &mut Row, part: usize) {
        assert!(part < WIDTH / Self::LANES);
        // SAFETY: see the module; the four numbers lie inside the row.
        unsafe { vst1q_f32(row.as_mut_ptr().add(part * Self::LANES), self.0) }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { vaddq_f32(self.0, other.0) })
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { vsubq_f32(self.0, other.0) })
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { vmulq_f32(self.0, other.0) })
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { vfmaq_f32(term.0, self.0, factor.0) })
    }
}
