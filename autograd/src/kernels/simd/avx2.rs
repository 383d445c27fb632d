//! AVX2 with FMA: eight numbers.
//!
//! A value of [`Avx2`] exists only inside [`run`] and inside the AVX-512 kernels, which transpose by these; both are entered
//! only where the machine has these instructions. That is what every block below relies on.

use std::arch::x86_64::*;

use super::{Kernel, Row, Vector, WIDTH};

/// # Safety
/// The machine has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx2>()
}

#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256);

impl Vector for Avx2 {
    const LANES: usize = 8;
    // Of 16 registers, 12 hold sums, 2 a row of the right operand and 1 a number of the left one.
    const TILE: usize = 6;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_set1_ps(x) })
    }
    #[inline(always)]
    fn load(row: &Row, part: usize) -> Self {
        assert!(part < WIDTH / Self::LANES);
        // SAFETY: see the module; the eight numbers lie inside the row.
        Self(unsafe { _mm256_loadu_ps(row.as_ptr().add(part * Self::LANES)) })
    }
    #[inline(always)]
    fn store(self, row: &mut Row, part: usize) {
        assert!(part < WIDTH / Self::LANES);
        // SAFETY: see the module; the eight numbers lie inside the row.
        unsafe { _mm256_storeu_ps(row.as_mut_ptr().add(part * Self::LANES), self.0) }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_add_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_sub_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_mul_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, term.0) })
    }
    #[inline(always)]
    fn transpose(rows: [&[f32; 8]; 8], out: &mut [Row; 8], half: usize) {
        // Loops rather than `map`, whose closure is compiled apart and for narrow vectors.
        let mut columns = [Self::splat(0.0).0; 8];
        for i in 0..8 {
            // SAFETY: see the module; each row has eight numbers.
            columns[i] = unsafe { _mm256_loadu_ps(rows[i].as_ptr()) };
        }
        columns = transposed(columns);
        for i in 0..8 {
            Self(columns[i]).store(&mut out[i], half);
        }
    }
    #[inline(always)]
    fn transpose_back(rows: &[Row; 8], half: usize, out: &mut [[f32; 8]; 8]) {
        let mut columns = [Self::splat(0.0).0; 8];
        for i in 0..8 {
            columns[i] = Self::load(&rows[i], half).0;
        }
        columns = transposed(columns);
        for i in 0..8 {
            // SAFETY: see the module; `out` has eight numbers.
            unsafe { _mm256_storeu_ps(out[i].as_mut_ptr(), columns[i]) }
        }
    }
}

/// Eight rows of eight numbers as eight columns: pairs, then fours, then halves change places.
#[inline(always)]
fn transposed(r: [__m256; 8]) -> [__m256; 8] {
    // SAFETY: see the module; the AVX-512 kernels transpose by these, too, and have AVX2 as well.
    unsafe {
        let (p0, p1) = (_mm256_unpacklo_ps(r[0], r[1]), _mm256_unpackhi_ps(r[0], r[1]));
        let (p2, p3) = (_mm256_unpacklo_ps(r[2], r[3]), _mm256_unpackhi_ps(r[2], r[3]));
        let (p4, p5) = (_mm256_unpacklo_ps(r[4], r[5]), _mm256_unpackhi_ps(r[4], r[5]));
        let (p6, p7) = (_mm256_unpacklo_ps(r[6], r[7]), _mm256_unpackhi_ps(r[6], r[7]));
        let (a0, a1) = (_mm256_shuffle_ps::<0x44>(p0, p2), _mm256_shuffle_ps::<0xEE>(p0, p2));
        let (a2, a3) = (_mm256_shuffle_ps::<0x44>(p1, p3), _mm256_shuffle_ps::<0xEE>(p1, p3));
        let (b0, b1) = (_mm256_shuffle_ps::<0x44>(p4, p6), _mm256_shuffle_ps::<0xEE>(p4, p6));
        let (b2, b3) = (_mm256_shuffle_ps::<0x44>(p5, p7), _mm256_shuffle_ps::<0xEE>(p5, p7));
        [
            _mm256_permute2f128_ps::<0x20>(a0, b0),
            _mm256_permute2f128_ps::<0x20>(a1, b1),
            _mm256_permute2f128_ps::<0x20>(a2, b2),
            _mm256_permute2f128_ps::<0x20>(a3, b3),
            _mm256_permute2f128_ps::<0x31>(a0, b0),
            _mm256_permute2f128_ps::<0x31>(a1, b1),
            _mm256_permute2f128_ps::<0x31>(a2, b2),
            _mm256_permute2f128_ps::<0x31>(a3, b3),
        ]
    }
}
