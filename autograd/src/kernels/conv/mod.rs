//! Convolution of images: three passes, each by one of two algorithms, which `algorithm` chooses by the sizes.
//!
//! `winograd` needs fewer multiplications where it applies. All else is a matrix product over tiles: a tile is a set of output positions of one group. Its *columns* matrix has one row for every (channel, kernel
//! row, kernel column) and one column for every position, so that
//!
//! - forward: output tile = weight · columns,
//! - weight gradient: sum over tiles of output gradient · columnsᵀ,
//! - input gradient: columns gradient = weightᵀ · output gradient, added back to where the columns came from; with
//!   stride 1 it is itself a convolution, with the weight turned round.
//!
//! Only one tile's columns exist at a time on each thread: they stay in the cache, and memory does not grow with
//! the batch.

mod algorithm;
mod columns;
mod forward;
mod geometry;
mod input;
#[cfg(test)]
pub(super) mod reference;
#[cfg(test)]
mod tests;
mod tile;
mod weight;
mod winograd;

pub use algorithm::FastConvolution;
pub(crate) use algorithm::Winograd;
pub use forward::forward;
pub use geometry::{Geometry, Settings};
pub use input::input_gradient;
pub use weight::weight_gradient;
