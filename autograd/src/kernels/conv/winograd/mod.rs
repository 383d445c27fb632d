//! Winograd's convolution: 3×3 taps, stride 1, with 4 or 2.25 times fewer multiplications.
//!
//! The output is cut into tiles of M × M. Each tile's input, (M + 2)² numbers, and each filter go through a linear
//! transform; then output tile = inverse transform of Σ over channels of the products, element by element. So for
//! each of the (M + 2)² *positions* there is one matrix product over channels, for all tiles at once.
//!
//! Channels lie side by side in rows of 16 ([`Row`](crate::kernels::simd::Row)); what there are fewer of is filled up
//! with zeros. Transformed inputs are kept as `[position][channels / 16][tile]` rows, of some tiles at a time, so that
//! they stay in a core's cache between the transform and the products; transformed weights as
//! `[position][outputs / 16][channel]` rows.
//!
//! Rounding errors are relative to the largest input of a tile, not to those under one window: the transforms add and
//! subtract all of them, up to 20-fold. So inputs beyond 1e37 overflow, and a number that is not finite spoils its tile.
//!
//! Every output tile is computed alone, by sums over channels in their order: how the tiles are cut into blocks and
//! threads changes no bits. The gradient of the weight sums over tiles; how they are cut is a function of the shape.

#![expect(
    clippy::needless_range_loop,
    reason = "short loops over arrays, unrolled; an iterator's closure may stay apart"
)]

mod by_outputs;
mod forward;
mod image;
mod product;
#[cfg(test)]
pub(super) mod tests;
mod transform;
mod weight;
mod weight_gradient;

use std::ops::Range;

use super::Geometry;
use crate::kernels::simd::{Row, WIDTH};

pub(super) use forward::forward;
pub(super) use weight::Filters;
pub(super) use weight_gradient::weight_gradient;

/// How a convolution is cut into tiles of `out` × `out` outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tiles {
    /// Outputs of a tile along each axis.
    out: usize,
    /// Tiles down an image.
    down: usize,
    /// Tiles across an image.
    across: usize,
    /// Rows of 16 channels.
    channels: usize,
    /// Rows of 16 outputs.
    outputs: usize,
}

impl Tiles {
    fn new(g: &Geometry, out: usize) -> Self {
        Self {
            out,
            down: g.height.output.div_ceil(out),
            across: g.width.output.div_ceil(out),
            channels: g.channels.div_ceil(WIDTH),
            outputs: g.outputs.div_ceil(WIDTH),
        }
    }

    /// Bytes of all transformed weights.
    fn weight_bytes(&self) -> usize {
        self.positions() * self.channels * self.outputs * WIDTH * size_of::<Row>()
    }

    /// Products of a tile.
    fn positions(&self) -> usize {
        (self.out + 2) * (self.out + 2)
    }

    /// Tiles of an image.
    fn of_image(&self) -> usize {
        self.down * self.across
    }
}

/// Consecutive rows of tiles, as (image, row of tiles in it), of some images.
#[derive(Debug, Clone)]
struct TileRows {
    rows: Range<usize>,
    down: usize,
}

impl TileRows {
    fn iter(&self) -> impl Iterator<Item = (usize, usize)> {
        self.rows.clone().map(|row| (row / self.down, row % self.down))
    }
}
