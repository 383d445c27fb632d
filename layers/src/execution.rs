//! How a network's computation is carried out.

use serde::{Deserialize, Serialize};

/// How a network is carried out: which kernels compute it and what is kept for the backward pass.
///
/// None of this changes what is computed. `fused` and `checkpoint_blocks` do not change a single bit in any registered network;
/// random layers without a [number](crate::Context::site_key) are told apart by the [number of
/// nodes](crate::Context::random_key), of which a fused tape has fewer: their masks are others.
/// `exact` chooses the algorithm of convolutions and so their rounding errors, see [`autograd::ops::Conv2d`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Execution {
    /// Convolutions by their definition's sums only, never by transforms that need fewer multiplications.
    pub exact: bool,
    /// Normalization, the sum with a shortcut and the activation behind it as one op where they follow each other.
    /// A tape that is to be looked at op by op keeps them apart.
    pub fused: bool,
    /// Residual blocks keep their input only and are computed once more on the way back.
    pub checkpoint_blocks: bool,
}
