//! Adaptive normalization of activation functions (*ANAct*, arXiv 2208.13315): the factor, the node, the theory.
//!
//! Modules in reading order: [`mod@factor`] says what λ is and why; [`moments`] measures a batch; [`statistics`] averages
//! batches; [`node`] is the op y = (λ + 0.3·tanh α)·(f(z) − μ) with both its gradients; [`composed`] is the same
//! from the tape's primitives, slow and obvious; [`registry`] names the normalized twin of every activation;
//! [`theory`] computes the same moments for Gaussian z without any data.
#![forbid(unsafe_code)]

pub mod composed;
pub mod factor;
mod groups;
pub mod moments;
pub mod node;
pub mod registry;
pub mod statistics;
pub mod theory;

pub use factor::{Ratios, backward_factor, factor, factor_gradient, forward_factor};
pub use groups::Granularity;
pub use moments::{BatchMoments, ForwardMoment, measure};
pub use node::{GradientMode, GroupStatistics, NodeStatistics, Normalize, Plan, Settings};
pub use statistics::{Applied, Averaging, Guard, RunningStatistics};
