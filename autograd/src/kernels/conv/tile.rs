//! How the output positions of a convolution are cut into tiles.

use std::ops::Range;

use super::Geometry;

/// Bytes of a tile's columns: a part of a core's second-level cache.
const TILE_BYTES: usize = 512 * 1024;
/// From this many positions on, a product over a single image is efficient enough.
const WIDE: usize = 256;
/// At least this many blocks if there are as many samples, so that threads have something to share.
const BLOCKS: usize = 8;

/// The cut: whole output rows of one sample, or the whole outputs of several samples if they are small. It depends
/// on sizes alone, never on the number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tiling {
    /// Samples in a tile; the samples of a block of work.
    pub(super) samples: usize,
    /// Output rows in a tile; all of them if there are several samples.
    rows: usize,
    /// Read the input itself instead of packing columns.
    pub(super) direct: bool,
}

impl Tiling {
    pub(super) fn new<S>(geometry: &Geometry) -> Self {
        let (height, plane) = (geometry.height.output, geometry.output_plane());
        if geometry.is_pointwise() && plane >= WIDE {
            return Self { samples: 1, rows: height, direct: true };
        }
        let positions = TILE_BYTES / size_of::<S>().max(1) / geometry.taps().max(1);
        let samples = (positions / plane).min(geometry.samples.div_ceil(BLOCKS)).max(1);
        let rows = if samples > 1 { height } else { (positions / geometry.width.output).clamp(1, height) };
        Self { samples, rows, direct: false }
    }

    /// The output rows of the tiles of one sample.
    pub(super) fn rows(&self, geometry: &Geometry) -> impl Iterator<Item = Range<usize>> {
        let (rows, height) = (self.rows, geometry.height.output);
        (0..height).step_by(rows).map(move |start| start..(start + rows).min(height))
    }

    /// Positions in the largest tile.
    pub(super) fn positions(&self, geometry: &Geometry) -> usize {
        self.samples * self.rows * geometry.width.output
    }
}

/// One tile: which samples, which group, which output rows.
#[derive(Debug, Clone)]
pub(super) struct Tile {
    pub(super) samples: Range<usize>,
    pub(super) group: usize,
    pub(super) rows: Range<usize>,
}

impl Tile {
    /// The number of output positions.
    pub(super) fn positions(&self, geometry: &Geometry) -> usize {
        self.samples.len() * self.positions_of_sample(geometry)
    }

    /// The number of output positions in each sample.
    pub(super) fn positions_of_sample(&self, geometry: &Geometry) -> usize {
        self.rows.len() * geometry.width.output
    }
}
