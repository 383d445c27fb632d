//! Adaptive normalization of activation functions (*ANAct*, arXiv 2208.13315): the factor, the node, the theory.
//!
//! Modules in reading order: [`mod@factor`] says what λ is and why; [`moments`] measures a batch; [`statistics`] averages
//! batches; [`node`] is the op y = (λ + 0.3·tanh α)·(f(z) − μ) with both its gradients; [`composed`] is the same
//! from the tape's primitives, slow and obvious; [`Normalized`] is the node as a layer; [`registry`] names the
//! normalized twin of every activation, and [`activation`](fn@activation) makes a network's activations by name;
//! [`rivals`] are other normalizations, frozen at initialisation; [`theory`] computes the same moments for Gaussian z
//! without any data.
#![forbid(unsafe_code)]

pub mod composed;
mod degenerate;
pub mod factor;
mod factory;
mod groups;
mod layer;
pub mod moments;
pub mod node;
mod normalized_prelu;
pub mod registry;
pub mod rivals;
pub mod statistics;
pub mod theory;

pub use degenerate::degenerate_batches;
pub use factor::{Ratios, backward_factor, factor, factor_gradient, forward_factor};
pub use factory::{
    ActivationListing, Factory, NORMALIZED_PRELU, PRELU, activation, listing as activation_listing,
    names as activation_names,
};
pub use groups::Granularity;
pub use layer::{
    FORWARD_MOMENTS, GRADIENT_MODES, GRANULARITIES, GUARDS, Normalized, NormalizedSettings,
    STATISTICS_SOURCES, StatisticsSource,
};
pub use moments::{BatchMoments, ForwardMoment, measure};
pub use node::{
    GradientMode, GroupStatistics, NODES, NodeStatistics, Normalize, NormalizeAfterNorm, Plan, Settings,
    normalize,
};
pub use normalized_prelu::NormalizedPRelu;
pub use registry::node_formula;
pub use statistics::{Applied, Averaging, Guard, RunningStatistics};
