//! Loops over slices. No tape types here; the only home of `unsafe`.
//!
//! Work is split by outputs and reductions follow a tree whose shape depends on the length alone, so results
//! have the same bits on any number of threads.

pub mod axes;
pub mod batch_norm;
pub mod buffer;
pub mod channels;
pub mod conv;
pub(crate) mod gemm;
pub mod huge_pages;
pub mod map;
pub mod mapped;
pub(crate) mod math;
pub mod moments;
pub(crate) mod packed;
pub mod peak;
pub mod pool;
pub mod product;
pub mod reduce;
pub mod rows;
pub(crate) mod simd;
pub mod source;
pub mod strided;
#[cfg(test)]
mod unaligned;
pub mod vector;
pub mod window;

pub use gemm::{Gemm, Matrix, MatrixMut};
