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

/// Elements of an array: 128 MiB, four times the largest usual cache.
const LENGTH: usize = 1 << 25;
const ROUNDS: usize = 7;

impl Peaks {
    /// The best of some rounds, for a limit is what is never exceeded. Takes a second and 400 MB.
    pub(super) fn measure() -> Self {
        Self { gflops: arithmetic(), ..Self::streams() }
    }

    /// The limit of what reads and writes memory.
    pub(super) fn gb_s(&self) -> f64 {
        self.copy_gb_s.max(self.triad_gb_s)
    }

    fn streams() -> Self {
        let chunk = LENGTH / rayon::current_num_threads();
        let (b, c) = (vec![1.0f32; LENGTH], vec![2.0f32; LENGTH]);
        let mut a = vec![0.0f32; LENGTH];
        let triad_gb_s = best(3 * LENGTH * size_of::<f32>(), || {
            let inputs = b.par_chunks(chunk).zip(c.par_chunks(chunk));
            a.par_chunks_mut(chunk).zip(inputs).for_each(|(a, (b, c))| {
                for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                    *a = b + 3.0 * c;
                }
            });
        });
        assert!(a[LENGTH - 1] == 7.0, "1 + 3·2 was computed");
        let copy_gb_s = best(2 * LENGTH * size_of::<f32>(), || {
            a.par_chunks_mut(chunk).zip(b.par_chunks(chunk)).for_each(|(a, b)| a.copy_from_slice(b));
        });
        assert!(a[LENGTH - 1] == 1.0, "b was copied");
        Self { gflops: 0.0, copy_gb_s, triad_gb_s }
    }
}

/// 10⁹ units per second in the fastest round.
fn best(units: usize, mut work: impl FnMut()) -> f64 {
    let rate = |_| {
        let start = Instant::now();
        work();
        units as f64 / start.elapsed().as_secs_f64() / 1e9
    };
    (0..ROUNDS).map(rate).fold(0.0, f64::max)
}

/// All threads at once, since some processors are slower then.
fn arithmetic() -> f64 {
    let once = || {
        let start = Instant::now();
        let done = rayon::broadcast(|_| multiply_adds(5_000_000));
        let operations: u64 = done.iter().map(|w| w.operations).sum();
        operations as f64 / start.elapsed().as_secs_f64() / 1e9
    };
    (0..ROUNDS).map(|_| once()).fold(0.0, f64::max)
}
