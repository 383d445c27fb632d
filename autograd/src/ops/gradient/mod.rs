//! Ops that change gradients on purpose: their backward rule is *not* the derivative of their forward rule. All but
//! [`ConstantFrom`] leave the value alone.
//!
//! A hook that changes a gradient would be invisible. These are nodes like all others, so a listing of the tape shows
//! where a gradient is not what the mathematics says.

mod clip_gradient;
mod constant_from;
mod detach;
mod scale_gradient;

use crate::ops::OpEntry;

pub use clip_gradient::{ClipGradient, GradientLimit};
pub use constant_from::ConstantFrom;
pub use detach::Detach;
pub use scale_gradient::ScaleGradient;

/// Every such op, with cases on which its value and what it does to samples are checked, but no derivative.
pub const GRADIENT_OPS: &[OpEntry] = &[
    OpEntry { name: detach::NAME, formula: "y = x; no gradient", cases: detach::cases },
    OpEntry { name: scale_gradient::NAME, formula: "y = x; ∂L/∂x = c·g", cases: scale_gradient::cases },
    OpEntry {
        name: clip_gradient::NAME, formula: "y = x; ∂L/∂x = g, clipped", cases: clip_gradient::cases
    },
];
