//! AVX-512: sixteen numbers.
//!
//! A value of [`Avx512`] exists only inside [`run`], whose caller has made sure that the machine has these
//! instructions; that is what every block below relies on.

use std::arch::x86_64::*;

use super::avx2::Avx2;
use super::{Kernel, Row, Vector};

/// # Safety
/// The machine has AVX-512F, AVX2 and FMA.
#[target_feature(enable = "avx512f,avx2,fma")]
pub(super) unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx512>()
}

#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512);

impl Vector for Avx512 {
    const LANES: usize = 16;
    // Two multiply-adds a cycle that take four cycles each need eight sums.
    const TILE: usize = 8;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm512_set1_ps(x) })
    }
    #[inline(always)]
    fn load(row: &Row, _part: usize) -> Self {
        // SAFETY: see the module; a row is one vector.
        Self(unsafe { _mm512_loadu_ps(row.as_ptr()) })
    }
    #[inline(always)]
    fn store(self, row: &mut Row, _part: usize) {
        // SAFETY: see the module; a row is one vector.
        unsafe { _mm512_storeu_ps(row.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, term.0) })
    }
    #[inline(always)]
    fn transpose(rows: [&[f32; 8]; 8], out: &mut [Row; 8], half: usize) {
        Avx2::transpose(rows, out, half);
    }
    #[inline(always)]
    fn transpose_back(rows: &[Row; 8], half: usize, out: &mut [[f32; 8]; 8]) {
        Avx2::transpose_back(rows, half, out);
    }
}
