//! Arrays seen as (sample, channel, position): sums over all of a channel, and maps that know the channel.

use std::ops::Range;

use rayon::prelude::*;

use super::map::for_each_chunk_of;
use super::reduce;
use super::source::{BLOCK, TASK};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// The sizes N, C and L of an array of shape (N, C, …), L being the product of the axes after the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channels {
    /// N.
    pub samples: usize,
    /// C.
    pub channels: usize,
    /// L.
    pub positions: usize,
}

impl Channels {
    /// The sizes of `shape`. Panics below 2 axes.
    pub fn of(shape: Shape) -> Self {
        let &[samples, channels, ref positions @ ..] = shape.dims() else {
            panic!("{shape} has a sample and a channel axis");
        };
        Self { samples, channels, positions: positions.iter().product() }
    }

    /// The number of elements of one channel: N·L.
    pub fn count(&self) -> usize {
        self.samples * self.positions
    }

    /// The channel of the element at `at`.
    #[inline]
    pub fn channel(&self, at: usize) -> usize {
        at / self.positions.max(1) % self.channels.max(1)
    }

    /// The number of elements from `at` to the end of its run.
    #[inline]
    pub fn rest_of_run(&self, at: usize) -> usize {
        let positions = self.positions.max(1);
        positions - at % positions
    }

    /// The elements of as many whole runs as fit a block, or of one run if it is longer: still in the cache when the runs are
    /// summed after they are written. Passes that are to agree bit for bit with the fused ones cut here too.
    pub fn stretch(&self) -> usize {
        let positions = self.positions.max(1);
        (BLOCK / positions).max(1) * positions
    }

    /// Where the elements of `channel` lie: one run for every sample.
    pub fn runs(&self, channel: usize) -> impl Iterator<Item = Range<usize>> {
        let (channels, positions) = (self.channels, self.positions);
        (0..self.samples).map(move |sample| {
            let start = (sample * channels + channel) * positions;
            start..start + positions
        })
    }

    /// f(channel) for every channel, in parallel.
    pub fn map<R: Send>(&self, f: impl Fn(usize) -> R + Sync + Send) -> Vec<R> {
        let least = TASK.div_ceil(self.count().max(1));
        (0..self.channels).into_par_iter().with_min_len(least).map(f).collect()
    }

    /// Σ over each channel: a tree over the sums of its runs.
    pub fn sums<S: Scalar>(&self, x: &[S]) -> Vec<S> {
        self.map(|channel| {
            let mut sums: Vec<S> = self.runs(channel).map(|run| reduce::sum(&x[run])).collect();
            reduce::tree(&mut sums)
        })
    }

    /// Calls `f(start, stretch)` for consecutive stretches of `y` that end where a run does, in parallel.
    pub(super) fn for_each_stretch<S: Send>(&self, y: &mut [S], f: impl Fn(usize, &mut [S]) + Sync) {
        let positions = self.positions.max(1);
        for_each_chunk_of(TASK.div_ceil(positions) * positions, y, f);
    }

    /// Calls `f(channel, start, run)` for every run of `y`, in parallel; `start` is its place in the array.
    pub fn for_each_run<S: Send>(&self, y: &mut [S], f: impl Fn(usize, usize, &mut [S]) + Sync + Send) {
        let positions = self.positions.max(1);
        self.for_each_stretch(y, |at, runs| {
            for (i, run) in runs.chunks_mut(positions).enumerate() {
                let start = at + i * positions;
                f(start / positions % self.channels, start, run);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand, on (2, 3, 2): channel c holds 2c, 2c + 1 and the same plus 6.
    #[test]
    fn sums_and_maps_follow_the_channel() {
        let layout = Channels::of(Shape::from([2, 3, 1, 2]));
        let x: Vec<f64> = (0..12).map(f64::from).collect();
        assert_eq!(layout.sums(&x), [14.0, 22.0, 30.0]);
        let mut y = vec![0; 12];
        layout.for_each_run(&mut y, |channel, start, run| run.fill(100 * channel + start));
        assert_eq!(y, [0, 0, 102, 102, 204, 204, 6, 6, 108, 108, 210, 210]);
        assert_eq!(Channels::of(Shape::from([0, 2])).sums::<f64>(&[]), [0.0, 0.0]);
    }
}
