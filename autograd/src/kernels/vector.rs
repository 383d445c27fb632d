//! Loops compiled once more for the wide vectors that most machines have but a portable build may not use.
//!
//! A [`Loop`] is plain code, made fast by the compiler's own vectorizer. Nothing here contracts a·b + c into one
//! rounding, so the wide version gives the same bits as the plain one.

/// Plain code over slices that is worth wide vectors.
///
/// Everything it calls per element must be inlined into [`Loop::run`], and `run` itself carries `#[inline(always)]`:
/// a function that stays apart is compiled for narrow vectors.
pub trait Loop {
    /// What it yields.
    type Output;
    /// Runs it.
    fn run(self) -> Self::Output;
}

/// Runs `job` with the vectors of AVX2 where the machine has it; what `f32` does behind
/// [`Scalar::vectorized`](crate::Scalar). AVX-512 would gain little: such loops wait for memory.
pub(crate) fn with_avx2_if_any<L: Loop>(job: L) -> L::Output {
    #[cfg(all(target_arch = "x86_64", not(anact_portable)))]
    {
        if std::arch::is_x86_feature_detected!("avx2") && is_wanted() {
            // SAFETY: the machine has AVX2, the only thing that `with_avx2` asks for.
            return unsafe { with_avx2(job) };
        }
    }
    job.run()
}

/// Only tests hold a thread to narrower vectors than the machine has.
#[cfg(all(target_arch = "x86_64", not(anact_portable)))]
#[inline]
fn is_wanted() -> bool {
    #[cfg(test)]
    return super::simd::held::level() != Some(super::simd::Level::Portable);
    #[cfg(not(test))]
    true
}

/// # Safety
/// The machine has AVX2.
#[cfg(all(target_arch = "x86_64", not(anact_portable)))]
#[target_feature(enable = "avx2")]
unsafe fn with_avx2<L: Loop>(job: L) -> L::Output {
    job.run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scalar;

    struct Axpy<'a>(f32, &'a [f32], &'a mut [f32]);

    impl Loop for Axpy<'_> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            self.2.iter_mut().zip(self.1).for_each(|(y, &x)| *y += self.0 * x);
        }
    }

    /// Were the multiplication and the addition contracted, (1 + ε)² − 1 − 2ε would be ε² instead of 0.
    #[test]
    fn wide_vectors_round_as_plain_code_does() {
        let x = vec![1.0 + f32::EPSILON; 67];
        let run = |vectorized: bool| {
            let mut y = vec![-1.0 - 2.0 * f32::EPSILON; 67];
            let job = Axpy(1.0 + f32::EPSILON, &x, &mut y);
            if vectorized {
                f32::vectorized(job);
            } else {
                job.run();
            }
            y
        };
        assert_eq!(run(true), run(false));
        assert_eq!(run(true), [0.0; 67]);
    }
}
