//! Optimisers with parameter groups, clipping and accumulation, averages of weights, and learning rates over time.
//!
//! An [`Optimizer`] is [settings](OptimizerSettings) of one of the [`OPTIMIZERS`], what it keeps for each parameter, and
//! what all optimisers share. CONTRIBUTING.md says how to add one.

mod accumulator;
mod adam;
mod adamw;
mod average;
mod clipping;
#[cfg(test)]
mod golden;
mod groups;
mod lion;
mod optimizer;
mod rate_finder;
mod registry;
mod rule;
mod schedule;
mod sgd;
mod state;

pub use accumulator::Accumulator;
pub use adam::AdamSettings;
pub use adamw::AdamWSettings;
pub use average::{Average, Averaging};
pub use clipping::Clipping;
pub use groups::{Group, Groups, Membership};
pub use lion::LionSettings;
pub use optimizer::{Optimizer, StepReport};
pub use rate_finder::{RateFinder, RateFinderSettings, RatePoint};
pub use registry::{OPTIMIZERS, OptimizerEntry, OptimizerSettings};
pub use rule::{Decayed, WeightDecay};
pub use schedule::{Anneal, Decay, Schedule};
pub use sgd::SgdSettings;
