//! What the numbers should be: the moments of Gaussian pre-activations, and from them the variance of every
//! layer's gradients.

mod chain;
pub mod gaussian;
mod network;

pub use chain::{ChainRow, DenseNet, OutputMean, dense_chain};
pub use gaussian::{GaussianMoments, Route, gaussian_moments, has_closed_form};
pub use network::{BackwardMoments, LayerRow, Quantities, compare, compared};
