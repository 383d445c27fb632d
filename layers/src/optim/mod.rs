//! Optimisers, and schedules of their learning rate.

mod schedule;
mod sgd;

pub use schedule::{Decay, Schedule};
pub use sgd::{Decayed, Sgd, SgdSettings, WeightDecay};

/// One optimiser as listings see it.
#[derive(Debug, Clone, Copy)]
pub struct OptimizerEntry {
    /// The registered name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
}

/// Every optimiser, in reading order.
pub const OPTIMIZERS: &[OptimizerEntry] = &[OptimizerEntry {
    name: "sgd",
    about: "stochastic gradient descent with momentum, Nesterov's or not, weight decay coupled or decoupled",
}];
