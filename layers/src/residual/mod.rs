//! Residual blocks.

mod basic;
mod bottleneck;
mod preactivated_basic;
mod preactivated_bottleneck;
mod preactivation;
mod shortcut;

pub use basic::BasicBlock;
pub use bottleneck::Bottleneck;
pub use preactivated_basic::PreactivatedBlock;
pub use preactivated_bottleneck::PreactivatedBottleneck;
use preactivation::Preactivation;

/// The sizes of one block.
#[derive(Debug, Clone, Copy)]
pub struct BlockSizes {
    /// Channels of the input.
    pub inputs: usize,
    /// Channels inside the block; a bottleneck's output has four times as many.
    pub width: usize,
    /// Stride of the block.
    pub stride: usize,
}
