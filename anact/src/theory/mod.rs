//! What the numbers should be: the moments of Gaussian pre-activations, and from them the variance of every
//! layer's gradients.

mod chain;
pub mod gaussian;
mod network;

use autograd::ops::activation::Visitor;
use autograd::{Elementwise, Result};

pub use chain::{ChainRow, DenseNet, OutputMean, dense_chain};
pub use gaussian::{GaussianMoments, Route, has_closed_form};
pub use network::{BackwardMoments, LayerRow, Quantities, compare, compared};

use crate::rivals::with_frozen;

/// The moments of the activation `name`, a registered function with or without its parameter, as in `swish(1.702)`, or a
/// [rival](crate::rivals), for z ~ N(mean, std²): in closed form where there is one.
///
/// # Errors
/// As [`with_frozen`] and [`GaussianMoments::of`].
pub fn gaussian_moments(name: &str, mean: f64, std: f64) -> Result<GaussianMoments> {
    struct Integrate(f64, f64);
    impl Visitor for Integrate {
        type Output = Result<GaussianMoments>;
        fn visit<E: Elementwise>(self, activation: E) -> Self::Output {
            GaussianMoments::of(&activation, self.0, self.1)
        }
    }
    with_frozen(name, Integrate(mean, std))?
}
