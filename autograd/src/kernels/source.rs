//! Numbers that are stored, or computed again a block at a time whenever they are read.
//!
//! What reads its input through a [`Source`] works on both, by the same loops and so with the same bits: an op that
//! is fused with the one before it differs from the op alone in where its input comes from, and in nothing else.

use std::ops::Range;

use rayon::prelude::*;

use super::channels::TASK;
use crate::scalar::Scalar;

/// Elements per block that is read at once: several such blocks stay in the first-level cache.
pub const BLOCK: usize = 1024;

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

/// What a pass over z writes of a block, and a result of it: `f(start, z, out)` for the block of z that begins at `start`.
pub type WriteBlock<'a, S, R> = &'a (dyn Fn(usize, &[S], &mut [S]) -> R + Sync);

/// Writes all of `out` by blocks, in parallel, and gives their results in order: those of the first `stretch` elements, of
/// the next and so on, ⌈`stretch`/[`BLOCK`]⌉ for each. The last stretch may have fewer blocks; the defaults of `R` make up
/// for them.
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
        let mut scratch = Vec::new();
        for (i, (out, results)) in out.chunks_mut(stretch).zip(results.chunks_mut(blocks)).enumerate() {
            let start = (task * stretches + i) * stretch;
            write_stretch(source, start, out, &mut scratch, results, write);
        }
    });
    results
}

/// One stretch of [`write_blocks`].
pub(super) fn write_stretch<S: Scalar, R>(
    source: &dyn Source<S>,
    start: usize,
    out: &mut [S],
    scratch: &mut Vec<S>,
    results: &mut [R],
    write: WriteBlock<'_, S, R>,
) {
    let mut results = results.iter_mut();
    for_each_block(source, start, out, scratch, |at, z, out| {
        let result = results.next().expect("a stretch has a result for each of its blocks");
        *result = write(at, z, out);
    });
}

/// Calls `f(start, z, out)` for consecutive blocks of `out`, whose first element is at `start` of `source`. `scratch` is
/// for numbers that are not stored, and grows when it is first needed.
pub fn for_each_block<S: Scalar>(
    source: &dyn Source<S>,
    start: usize,
    out: &mut [S],
    scratch: &mut Vec<S>,
    mut f: impl FnMut(usize, &[S], &mut [S]),
) {
    let blocks = out.chunks_mut(BLOCK).enumerate().map(|(i, out)| (start + i * BLOCK, out));
    if let Some(stored) = source.stored() {
        blocks.for_each(|(at, out)| f(at, &stored[at..][..out.len()], out));
    } else {
        scratch.resize(BLOCK, S::ZERO);
        for (at, out) in blocks {
            f(at, source.read(at..at + out.len(), scratch), out);
        }
    }
}
