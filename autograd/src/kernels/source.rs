//! Numbers that are stored, or computed again a block at a time whenever they are read.
//!
//! What reads its input through a [`Source`] works on both, by the same loops and so with the same bits: an op that
//! is fused with the one before it differs from the op alone in where its input comes from, and in nothing else.

use std::ops::Range;

/// Elements per block that is read at once: several such blocks stay in the first-level cache.
pub const BLOCK: usize = 1024;

/// A row of numbers that can be read in pieces.
pub trait Source<S>: Sync {
    /// Writes the numbers from `start` on to all of `out`.
    fn copy_to(&self, start: usize, out: &mut [S]);

    /// The numbers at `at`: where they are stored, or in `scratch`, which is at least as long.
    fn read<'a>(&'a self, at: Range<usize>, scratch: &'a mut [S]) -> &'a [S] {
        let out = &mut scratch[..at.len()];
        self.copy_to(at.start, out);
        out
    }
}

impl<S: Copy + Sync> Source<S> for &[S] {
    fn copy_to(&self, start: usize, out: &mut [S]) {
        out.copy_from_slice(&self[start..][..out.len()]);
    }

    fn read<'a>(&'a self, at: Range<usize>, _scratch: &'a mut [S]) -> &'a [S] {
        &self[at]
    }
}

/// Calls `f(start, z, out)` for consecutive blocks of `out`, whose first element is at `start` of `source`.
pub fn for_each_block<S: crate::Scalar>(
    source: &dyn Source<S>,
    start: usize,
    out: &mut [S],
    f: &mut dyn FnMut(usize, &[S], &mut [S]),
) {
    let mut scratch = [S::ZERO; BLOCK];
    for (i, out) in out.chunks_mut(BLOCK).enumerate() {
        let at = start + i * BLOCK;
        f(at, source.read(at..at + out.len(), &mut scratch), out);
    }
}
