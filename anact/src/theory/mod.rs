//! The moments of Gaussian pre-activations: what the factor is before any data was seen.

pub mod gaussian;
mod legendre;

pub use gaussian::{GaussianMoments, gaussian_moments};
