//! How the output positions of a convolution are cut into tiles.

use std::ops::Range;

use super::Geometry;

/// Bytes of a tile's columns: a part of a core's second-level cache.
const TILE_BYTES: usize = 512 * 1024;
/// Fewer positions than this make a product inefficient: the channels are cut first.
const POSITIONS: usize = 192;
/// From this many positions on, a product over a single image is efficient enough.
const WIDE: usize = 256;
/// At least this many blocks if there are as many samples, so that threads have something to share.
const BLOCKS: usize = 8;

/// One tile of a convolution: its samples, group, channels of that group, and output rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) samples: Range<usize>,
    pub(super) group: usize,
    pub(super) channels: Range<usize>,
    pub(super) rows: Range<usize>,
}

/// The cut: whole output rows of one sample, or the whole outputs of several samples if they are small; all channels
/// of a group, or some of them if they are many. It depends on sizes alone, never on the number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tiling {
    /// Samples in a tile; the samples of a block of work.
    pub(super) samples: usize,
    /// Channels in a tile.
    channels: usize,
    /// Output rows in a tile; all of them if there are several samples.
    rows: usize,
    /// Read the input itself instead of packing columns.
    pub(super) direct: bool,
}

impl Tiling {
    pub(super) fn new<S>(geometry: &Geometry) -> Self {
        let (height, plane) = (geometry.height.output, geometry.output_plane());
        if geometry.is_pointwise() && plane >= WIDE {
            return Self { samples: 1, channels: geometry.channels.max(1), rows: height, direct: true };
        }
        let elements = TILE_BYTES / size_of::<S>().max(1);
        let cuts = (geometry.taps() * POSITIONS).div_ceil(elements).max(1);
        let channels = geometry.channels.div_ceil(cuts).max(1);
        let positions = elements / (channels * geometry.window());
        let samples = (positions / plane).min(geometry.samples.div_ceil(BLOCKS)).max(1);
        let rows = if samples > 1 { height } else { (positions / geometry.width.output).clamp(1, height) };
        // Tiles of equal height, rather than a small one at the end.
        let rows = height.div_ceil(height.div_ceil(rows));
        Self { samples, channels, rows, direct: false }
    }

    /// Rows of the largest tile's columns.
    pub(super) fn taps(&self, geometry: &Geometry) -> usize {
        self.channels * geometry.window()
    }

    /// The cuts of the channels of a group.
    pub(super) fn channels(&self, geometry: &Geometry) -> impl Iterator<Item = Range<usize>> {
        cut(0..geometry.channels, self.channels)
    }

    /// The cuts of the output rows.
    pub(super) fn rows(&self, geometry: &Geometry) -> impl Iterator<Item = Range<usize>> {
        cut(0..geometry.height.output, self.rows)
    }

    /// The cuts of a run of samples.
    pub(super) fn samples(&self, run: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        cut(run, self.samples)
    }
}

/// Consecutive ranges of length `step`, the last one shorter; one empty range if there is nothing to cut.
fn cut(whole: Range<usize>, step: usize) -> impl Iterator<Item = Range<usize>> {
    let Range { start, end } = whole;
    (start..end.max(start + 1)).step_by(step).map(move |start| start..(start + step).min(end))
}

impl Tile {
    /// The number of output positions: columns of the columns matrix.
    pub(super) fn positions(&self, geometry: &Geometry) -> usize {
        self.samples.len() * self.positions_of_sample(geometry)
    }

    /// The number of output positions in each sample.
    pub(super) fn positions_of_sample(&self, geometry: &Geometry) -> usize {
        self.rows.len() * geometry.width.output
    }

    /// Rows of the columns matrix.
    pub(super) fn taps(&self, geometry: &Geometry) -> usize {
        self.channels.len() * geometry.window()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_cover_the_whole_once() {
        assert_eq!(cut(2..9, 3).collect::<Vec<_>>(), [2..5, 5..8, 8..9]);
        assert!(cut(0..4, 4).eq(std::iter::once(0..4)));
        assert!(cut(0..0, 4).eq(std::iter::once(0..0)));
    }
}
