//! What this machine can do at most, measured: arithmetic in registers and streams through memory.

use std::time::Instant;

use autograd::kernels::peak::multiply_adds;
use rayon::prelude::*;
use serde::Serialize;

/// Limits on all threads together.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Peaks {
    /// Multiplications and additions of f32 in registers, 10⁹ per second.
    pub(super) gflops: f64,
    /// y = x over arrays larger than the caches, 10⁹ bytes per second, both counted.
    pub(super) copy_gb_s: f64,
    /// a = b + s·c over such arrays, all three counted.
    pub(super) triad_gb_s: f64,
}

impl Peaks {
    /// The best of some rounds, for a limit is what is never exceeded. Streams go through three arrays of `bytes` bytes.
    pub(super) fn measure(bytes: usize) -> Self {
        Self { gflops: arithmetic(), ..Self::streams(bytes / size_of::<f32>()) }
    }

    /// The better of two measurements, each number by itself.
    pub(super) fn or_better(self, other: Self) -> Self {
        Self {
            gflops: self.gflops.max(other.gflops),
            copy_gb_s: self.copy_gb_s.max(other.copy_gb_s),
            triad_gb_s: self.triad_gb_s.max(other.triad_gb_s),
        }
    }

    /// The limit of what reads and writes memory.
    pub(super) fn gb_s(&self) -> f64 {
        self.copy_gb_s.max(self.triad_gb_s)
    }

    fn streams(length: usize) -> Self {
        let chunk = length.div_ceil(rayon::current_num_threads());
        let (b, c) = (vec![1.0f32; length], vec![2.0f32; length]);
        let mut a = vec![0.0f32; length];
        let triad_gb_s = best(7, (3 * length * size_of::<f32>()) as f64, || {
            let inputs = b.par_chunks(chunk).zip(c.par_chunks(chunk));
            a.par_chunks_mut(chunk).zip(inputs).for_each(|(a, (b, c))| {
                for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                    *a = b + 3.0 * c;
                }
            });
        });
        assert!(a[length - 1] == 7.0, "1 + 3·2 was computed");
        let copy_gb_s = best(7, (2 * length * size_of::<f32>()) as f64, || {
            a.par_chunks_mut(chunk).zip(b.par_chunks(chunk)).for_each(|(a, b)| a.copy_from_slice(b));
        });
        assert!(a[length - 1] == 1.0, "b was copied");
        Self { gflops: 0.0, copy_gb_s, triad_gb_s }
    }
}

/// 10⁹ units per second in the fastest round.
fn best(rounds: usize, units: f64, mut work: impl FnMut()) -> f64 {
    let rate = |_| {
        let start = Instant::now();
        work();
        units / start.elapsed().as_secs_f64() / 1e9
    };
    (0..rounds).map(rate).fold(0.0, f64::max)
}

/// All threads at once, since some processors are slower then. Rounds are short and many, so that one of them is not
/// disturbed.
fn arithmetic() -> f64 {
    const LENGTH: u64 = 1_000_000;
    let operations = (multiply_adds(1).operations * LENGTH) as f64 * rayon::current_num_threads() as f64;
    best(50, operations, || drop(rayon::broadcast(|_| multiply_adds(LENGTH))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_measured_and_the_better_one_is_kept() {
        let peaks = Peaks::measure(1 << 16);
        assert!(peaks.gflops > 0.0 && peaks.copy_gb_s > 0.0 && peaks.triad_gb_s > 0.0, "{peaks:?}");
        let other = Peaks { gflops: 0.0, copy_gb_s: 1e9, triad_gb_s: 0.0 };
        let best = peaks.or_better(other);
        assert_eq!([best.gflops, best.copy_gb_s, best.triad_gb_s], [peaks.gflops, 1e9, peaks.triad_gb_s]);
        assert_eq!(best.gb_s(), 1e9);
    }
}
