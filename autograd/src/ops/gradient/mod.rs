//! Ops that change gradients on purpose: their backward rule is *not* the derivative of their forward rule. All but
//! [`ConstantFrom`] leave the value alone.
//!
//! A hook that changes a gradient would be invisible. These are nodes like all others, so a listing of the tape shows
//! where a gradient is not what the mathematics says.

mod clip_gradient;
mod constant_from;
mod detach;
mod scale_gradient;

pub use clip_gradient::{ClipGradient, GradientLimit};
pub use constant_from::ConstantFrom;
pub use detach::Detach;
pub use scale_gradient::ScaleGradient;

/// The name and what is done of every such op.
pub const GRADIENT_OPS: &[(&str, &str)] = &[
    ("detach", "y = x; no gradient"),
    ("constant_from", "y = a constant that x determines; no gradient"),
    ("scale_gradient", "y = x; ∂L/∂x = c·g"),
    ("clip_gradient", "y = x; ∂L/∂x = g, clipped"),
];
