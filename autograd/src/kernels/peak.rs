//! A loop that does nothing but multiply and add in registers: how fast this machine could compute at most.

use std::hint::black_box;

/// What [`multiply_adds`] has done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// Multiplications and additions.
    pub operations: u64,
    /// A number that depends on every one of them.
    pub sum: f32,
}

/// Independent chains: more than a processor's latency times its units, and no more than it has registers.
const CHAINS: usize = 12;
/// Every chain is s ← s·SCALE + SHIFT, which tends to SHIFT / (1 − SCALE) = 1 from anywhere.
const SCALE: f32 = 0.5;
const SHIFT: f32 = 0.5;

/// `rounds` rounds of multiply-adds of `f32` on the calling thread, with the widest vectors and the fused instruction
/// where the machine has them.
pub fn multiply_adds(rounds: u64) -> Work {
    let start = black_box(0.5);
    #[cfg(all(target_arch = "x86_64", not(anact_portable)))]
    {
        use std::arch::is_x86_feature_detected;
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the machine has AVX-512F, the only thing that the function asks for.
            return work(rounds, 16, unsafe { x86::wide512(rounds, start) });
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the machine has AVX2 and FMA, the only things that the function asks for.
            return work(rounds, 8, unsafe { x86::wide256(rounds, start) });
        }
    }
    work(rounds, LANES, portable(rounds, start))
}

fn work(rounds: u64, lanes: u64, sum: f32) -> Work {
    Work { operations: rounds * CHAINS as u64 * lanes * 2, sum }
}

/// Numbers to a vector, where the compiler may choose how to hold them.
const LANES: u64 = 4;

fn portable(rounds: u64, start: f32) -> f32 {
    let mut sums: [[f32; LANES as usize]; CHAINS] =
        std::array::from_fn(|i| std::array::from_fn(|j| start + (i + j) as f32));
    for _ in 0..rounds {
        for s in sums.as_flattened_mut() {
            // Without the instruction, `mul_add` would be a call.
            *s = if cfg!(all(target_arch = "aarch64", not(anact_portable))) {
                s.mul_add(SCALE, SHIFT)
            } else {
                *s * SCALE + SHIFT
            };
        }
    }
    sums.as_flattened().iter().sum()
}

#[cfg(all(target_arch = "x86_64", not(anact_portable)))]
mod x86 {
    use std::arch::x86_64::{
        _mm256_add_ps, _mm256_cvtss_f32, _mm256_fmadd_ps, _mm256_set1_ps, _mm512_add_ps, _mm512_cvtss_f32,
        _mm512_fmadd_ps, _mm512_set1_ps,
    };

    use super::{CHAINS, SCALE, SHIFT};

    /// The sum of the first lanes; the others hold the same numbers.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn wide256(rounds: u64, start: f32) -> f32 {
        let (scale, shift) = (_mm256_set1_ps(SCALE), _mm256_set1_ps(SHIFT));
        let mut sums = [scale; CHAINS];
        for (i, s) in sums.iter_mut().enumerate() {
            *s = _mm256_set1_ps(start + i as f32);
        }
        for _ in 0..rounds {
            for s in &mut sums {
                *s = _mm256_fmadd_ps(*s, scale, shift);
            }
        }
        let mut sum = _mm256_set1_ps(0.0);
        for s in sums {
            sum = _mm256_add_ps(sum, s);
        }
        _mm256_cvtss_f32(sum)
    }

    /// The same with AVX-512.
    #[target_feature(enable = "avx512f")]
    pub(super) fn wide512(rounds: u64, start: f32) -> f32 {
        let (scale, shift) = (_mm512_set1_ps(SCALE), _mm512_set1_ps(SHIFT));
        let mut sums = [scale; CHAINS];
        for (i, s) in sums.iter_mut().enumerate() {
            *s = _mm512_set1_ps(start + i as f32);
        }
        for _ in 0..rounds {
            for s in &mut sums {
                *s = _mm512_fmadd_ps(*s, scale, shift);
            }
        }
        let mut sum = _mm512_set1_ps(0.0);
        for s in sums {
            sum = _mm512_add_ps(sum, s);
        }
        _mm512_cvtss_f32(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every chain ends at its fixed point 1; after one round, chain i is ¾ + i/2, and Σ over 12 chains 42.
    #[test]
    fn every_chain_is_computed() {
        let lanes = |w: Work| w.operations / (2 * CHAINS as u64);
        let one = multiply_adds(1);
        assert!([4, 8, 16].contains(&lanes(one)));
        if lanes(one) > LANES {
            assert_eq!(one.sum, 42.0);
            assert_eq!(multiply_adds(200).sum, 12.0);
        }
        assert_eq!(portable(200, 0.5), 48.0);
        // Lane j of chain i starts at ½ + i + j: 4·42 and, for j, 12·(0 + 1 + 2 + 3)/2.
        assert_eq!(portable(1, 0.5), 204.0);
    }
}
