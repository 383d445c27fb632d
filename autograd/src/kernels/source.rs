//! Numbers that are stored, or computed again a block at a time whenever they are read.
//!
//! What reads its input through a [`Source`] works on both, by the same loops and so with the same bits: an op that
//! is fused with the one before it differs from the op alone in where its input comes from, and in nothing else.

use std::ops::Range;

use rayon::prelude::*;

use crate::scalar::Scalar;

/// Elements per block that is read at once: several such blocks stay in the first-level cache.
pub const BLOCK: usize = 1024;
/// Elements that are worth a task of their own.
pub(super) const TASK: usize = 16 * BLOCK;

/// A row of numbers that can be read in pieces.
pub trait Source<S: Copy>: Sync {
    /// All of them, if they are stored.
    fn stored(&self) -> Option<&[S]>;

    /// Writes the numbers from `start` on to all of `out`.
    fn copy_to(&self, start: usize, out: &mut [S]);

    /// The numbers at `at`: where they are stored, or in `scratch`, which is at least as long.
    fn read<'a>(&'a self, at: Range<usize>, scratch: &'a mut [S]) -> &'a [S] {
        if let Some(stored) = self.stored() {
            return &stored[at];
        }
        let out = &mut scratch[..at.len()];
        self.copy_to(at.start, out);
        out
    }
}

impl<S: Copy + Sync> Source<S> for &[S] {
    fn stored(&self) -> Option<&[S]> {
        Some(self)
    }

    fn copy_to(&self, start: usize, out: &mut [S]) {
        out.copy_from_slice(&self[start..][..out.len()]);
    }
}

/// A block of a pass over z that writes something of it.
#[derive(Debug)]
pub struct Block<'a, S> {
    /// Where it begins.
    pub start: usize,
    /// What z has there.
    pub z: &'a [S],
    /// What is to be written.
    pub out: &'a mut [S],
    /// Room for as many numbers on the way; what they are is not said.
    pub scratch: &'a mut [S],
}

/// Writes a block, and yields a result of it.
pub type WriteBlock<'a, S, R> = &'a (dyn Fn(Block<'_, S>) -> R + Sync);

/// Writes all of `out` by blocks, in parallel, and gives their results in order: those of the first `stretch` elements, of
/// the next and so on, ⌈`stretch`/[`BLOCK`]⌉ for each. The last stretch may have fewer blocks; the defaults of `R` make up
/// for them, also where `stretch` is longer than `out`.
pub fn write_blocks<S: Scalar, R: Copy + Default + Send>(
    source: &dyn Source<S>,
    stretch: usize,
    out: &mut [S],
    write: WriteBlock<'_, S, R>,
) -> Vec<R> {
    let (stretch, blocks) = (stretch.max(1), stretch.max(1).div_ceil(BLOCK));
    let mut results = vec![R::default(); out.len().div_ceil(stretch) * blocks];
    let stretches = TASK.div_ceil(stretch);
    let tasks = out.par_chunks_mut(stretches * stretch).zip(results.par_chunks_mut(stretches * blocks));
    tasks.enumerate().for_each(|(task, (out, results))| {
        let mut scratch = scratch();
        for (i, (out, results)) in out.chunks_mut(stretch).zip(results.chunks_mut(blocks)).enumerate() {
            let start = (task * stretches + i) * stretch;
            write_stretch(source, start, out, &mut scratch, results, write);
        }
    });
    results
}

/// What [`write_stretch`] needs, once per task: to clear it for every block would cost more than some loops do.
pub(super) fn scratch<S: Scalar>() -> Vec<S> {
    vec![S::ZERO; 2 * BLOCK]
}

/// One stretch of [`write_blocks`].
pub(super) fn write_stretch<S: Scalar, R>(
    source: &dyn Source<S>,
    start: usize,
    out: &mut [S],
    scratch: &mut [S],
    results: &mut [R],
    write: WriteBlock<'_, S, R>,
) {
    let (of_z, scratch) = scratch.split_at_mut(BLOCK);
    for (i, (out, result)) in out.chunks_mut(BLOCK).zip(results).enumerate() {
        let (start, len) = (start + i * BLOCK, out.len());
        let z = source.read(start..start + len, of_z);
        *result = write(Block { start, z, out, scratch: &mut scratch[..len] });
    }
}

/// Calls `f(start, z, out)` for consecutive blocks of `out`, whose first element is at `start` of `source`.
pub fn for_each_block<S: Scalar>(
    source: &dyn Source<S>,
    start: usize,
    out: &mut [S],
    mut f: impl FnMut(usize, &[S], &mut [S]),
) {
    let blocks = out.chunks_mut(BLOCK).enumerate().map(|(i, out)| (start + i * BLOCK, out));
    if let Some(stored) = source.stored() {
        // Without a scratch, which would cost more than a short row does.
        blocks.for_each(|(at, out)| f(at, &stored[at..][..out.len()], out));
    } else {
        let mut scratch = [S::ZERO; BLOCK];
        for (at, out) in blocks {
            f(at, source.read(at..at + out.len(), &mut scratch), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// i at place i, without an array.
    struct Counted;

    impl Source<f64> for Counted {
        fn stored(&self) -> Option<&[f64]> {
            None
        }

        fn copy_to(&self, start: usize, out: &mut [f64]) {
            out.iter_mut().enumerate().for_each(|(i, x)| *x = (start + i) as f64);
        }
    }

    proptest! {
        /// Every element is written once, and the results of stretches stand where they are to be: a whole number of
        /// blocks for each, those that a short last one lacks being 0.
        #[test]
        fn blocks_are_written_once_and_answer_in_order(n in 0usize..60_000, stretch in 1usize..5000) {
            let x: Vec<f64> = (0..n).map(|i| i as f64).collect();
            let pass = |source: &dyn Source<f64>| {
                let mut out = vec![f64::NAN; n];
                let results = write_blocks(source, stretch, &mut out, &|Block { start, z, out, scratch }| {
                    assert!(z.len() <= BLOCK && z.len() == out.len() && z.len() == scratch.len());
                    scratch.fill(f64::NAN);
                    out.iter_mut().zip(z).for_each(|(out, z)| *out = z + 1.0);
                    (start, z.len())
                });
                (out, results)
            };
            let (out, results) = pass(&x.as_slice());
            prop_assert!(out.iter().zip(&x).all(|(out, x)| *out == x + 1.0));
            let per_stretch = stretch.div_ceil(BLOCK);
            prop_assert_eq!(results.len(), n.div_ceil(stretch) * per_stretch);
            for (i, &result) in results.iter().enumerate() {
                let (begin, block) = (i / per_stretch * stretch, i % per_stretch * BLOCK);
                let len = stretch.min(n - begin).saturating_sub(block).min(BLOCK);
                prop_assert_eq!(result, if len == 0 { (0, 0) } else { (begin + block, len) });
            }
            prop_assert_eq!(pass(&Counted), (out, results));
        }
    }
}
