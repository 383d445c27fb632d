//! Numbers that are stored, or computed again a block at a time whenever they are read.
//!
//! What reads its input through a [`Source`] works on both, by the same loops and so with the same bits: an op that
//! is fused with the one before it differs from the op alone in where its input comes from, and in nothing else.

use std::ops::Range;

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
