//! Loops over the groups of elements that share one factor.
//!
//! A group is the whole tensor, or one channel of (N, C, …), which lies in N separate planes. Reductions cut a
//! group into blocks by the position *within the group* and merge them in a tree whose shape depends on the
//! group's size alone: the bits are the same on any number of threads, and a channel gives the bits that its
//! elements would give as a vector of their own. Only the sum for α that is taken on the way back ([`Way`](crate::node)) is cut
//! where the runs of a normalization are.

use std::ops::Range;

use autograd::kernels::buffer;
use autograd::kernels::map::{for_each_chunk, for_each_chunk_of};
use autograd::kernels::reduce;
use autograd::kernels::source::{Source, for_each_block};
use autograd::{Error, Result, Scalar, Shape};
use serde::{Deserialize, Serialize};

/// Elements per leaf of the reduction tree; a block and its function values stay in the first-level cache.
pub(crate) use autograd::kernels::source::BLOCK;

/// Blocks per parallel task.
const TASK: usize = 16;

/// Which elements share one factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// All of them, as in the paper.
    #[default]
    Layer,
    /// Those of one channel, axis 1 of (N, C, …): our own variant.
    Channel,
}

/// Element i of row o of group g is at (o·count + g)·inner + i.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Groups {
    /// The number of groups.
    pub(crate) count: usize,
    outer: usize,
    inner: usize,
}

impl Groups {
    /// The groups of a tensor.
    ///
    /// # Errors
    /// Channels asked of a tensor with less than two axes.
    pub(crate) fn of(op: &'static str, shape: Shape, granularity: Granularity) -> Result<Self> {
        match (granularity, shape.dims()) {
            (Granularity::Layer, _) => Ok(Self { count: 1, outer: 1, inner: shape.len() }),
            (Granularity::Channel, [n, c, rest @ ..]) => {
                Ok(Self { count: *c, outer: *n, inner: rest.iter().product() })
            }
            (Granularity::Channel, _) => Err(Error::Operand {
                op,
                what: "the input",
                shape,
                legal: "at least two axes (N, C, …) for a factor per channel".into(),
            }),
        }
    }

    /// Elements per group.
    pub(crate) fn elements(self) -> usize {
        self.outer * self.inner
    }

    /// The elements of `group` at `positions`; in `scratch` where they lie in several planes or are not stored.
    pub(crate) fn read<'a, S: Copy>(
        self,
        x: &'a dyn Source<S>,
        group: usize,
        positions: Range<usize>,
        scratch: &'a mut [S],
    ) -> &'a [S] {
        let start = |p: usize| ((p / self.inner) * self.count + group) * self.inner + p % self.inner;
        let len = positions.len();
        if positions.start % self.inner + len <= self.inner {
            let at = start(positions.start);
            return x.read(at..at + len, scratch);
        }
        let mut p = positions.start;
        while p < positions.end {
            let run = (self.inner - p % self.inner).min(positions.end - p);
            x.copy_to(start(p), &mut scratch[p - positions.start..][..run]);
            p += run;
        }
        &scratch[..len]
    }

    /// For every group the merged results of `leaf(group, positions)` over its blocks.
    pub(crate) fn reduce<R: Copy + Default + Send>(
        self,
        leaf: &(dyn Fn(usize, Range<usize>) -> R + Sync),
        merge: &dyn Fn(R, R) -> R,
    ) -> Vec<R> {
        let blocks = self.elements().div_ceil(BLOCK);
        if blocks == 0 {
            return vec![R::default(); self.count];
        }
        let mut partial = vec![R::default(); blocks * self.count];
        // Small blocks count by their elements: many short channels are one task.
        let task = (TASK * BLOCK / self.elements().min(BLOCK)).max(1);
        for_each_chunk_of(task, &mut partial, |at, results| {
            for (i, result) in results.iter_mut().enumerate() {
                let (group, block) = ((at + i) / blocks, (at + i) % blocks);
                let start = block * BLOCK;
                *result = leaf(group, start..(start + BLOCK).min(self.elements()));
            }
        });
        partial.chunks_mut(blocks).map(|p| reduce::merge_tree(p, merge).unwrap_or_default()).collect()
    }

    /// An array of all elements of all groups, written by `f(group, z, run)` for consecutive runs of elements of
    /// one group, at most a block each, in parallel; `z` is what `source` has there.
    pub(crate) fn fill<S: Scalar>(
        self,
        source: &dyn Source<S>,
        f: impl Fn(usize, &[S], &mut [S]) + Sync,
    ) -> Vec<S> {
        let mut y = buffer::to_overwrite(self.count * self.elements());
        for_each_chunk(&mut y, |at, y| {
            for_each_block(source, at, y, |at, z, y| {
                self.for_each_run(at, y.len(), |group, run| {
                    f(group, &z[run.clone()], &mut y[run]);
                });
            });
        });
        y
    }

    /// Calls `f(group, run)` for the runs of elements of one group among the `len` elements from `start` on; `run` is
    /// counted from there.
    pub(crate) fn for_each_run(self, start: usize, len: usize, mut f: impl FnMut(usize, Range<usize>)) {
        let mut at = 0;
        while at < len {
            let i = start + at;
            let run = (self.inner - i % self.inner).min(len - at);
            f(i / self.inner % self.count, at..at + run);
            at += run;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whole numbers add exactly in any order, so every element must be seen once, in its own group.
        #[test]
        fn every_element_belongs_to_its_channel(n in 0usize..6, c in 0usize..5, p in 0usize..900) {
            let shape = Shape::from([n, c, p]);
            let groups = Groups::of("t", shape, Granularity::Channel).unwrap();
            let x: Vec<f64> = (0..shape.len()).map(|i| i as f64).collect();
            let stored = x.as_slice();
            let got = groups.reduce(
                &|g, at| {
                    let mut scratch = [0.0; BLOCK];
                    let x = groups.read(&stored, g, at, &mut scratch);
                    reduce::sum(x)
                },
                &|a, b| a + b,
            );
            let channel = |i: usize| i / p.max(1) % c.max(1);
            let want = |g| (0..shape.len()).filter(|&i| channel(i) == g).map(|i| i as f64).sum::<f64>();
            prop_assert_eq!(got, (0..c).map(want).collect::<Vec<_>>());
            let parameters: Vec<f64> = (0..c).map(|g| g as f64).collect();
            let y = groups.fill(&stored, |g, z, run| {
                run.iter_mut().zip(z).for_each(|(y, &z)| *y = parameters[g] * 1e6 + z);
            });
            prop_assert!(y.iter().enumerate().all(|(i, &y)| y == channel(i) as f64 * 1e6 + i as f64));
        }
    }

    #[test]
    fn channels_need_two_axes() {
        let text = Groups::of("normalize", Shape::from([5]), Granularity::Channel).unwrap_err().to_string();
        assert!(text.contains("normalize") && text.contains("[5]") && text.contains("two axes"), "{text}");
    }
}
