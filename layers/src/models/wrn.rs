//! The wide residual networks.

use autograd::{Result, Scalar};

use super::ModelSettings;
use super::residual_stages::{Block, Order, Stages};
use super::variant::Choice;
use crate::activation::MakeActivation;
use crate::conv::Conv2d;
use crate::init::Initializer;
use crate::layer::Layer;
use crate::sequential::Sequential;

/// Channels of the stem; the first stage of WRN-d-k has k times as many, which is the network's width.
pub(super) const STEM: usize = 16;
pub(super) const CHOICES: &[Choice] = &[Choice::StochasticDepth, Choice::Dropout];

/// 6n + 4 layers: a 3×3 convolution to 16 channels at any width, three stages of n pre-activated basic blocks with
/// width, 2·width and 4·width channels, normalization and activation, the mean over positions, one dense layer: `conv1
/// layer1.0 … layer3.{n−1} norm act avgpool fc`. Dropout between the convolutions of every block.
/// Source: Zagoruyko and Komodakis, *Wide residual networks* (2016), table 1.
pub(super) fn build<S: Scalar, const N: usize>(
    settings: &ModelSettings,
    activation: MakeActivation<'_, S>,
    init: &mut Initializer,
) -> Result<Box<dyn Layer<S>>> {
    let net = Sequential::new().named("conv1", Conv2d::same(settings.input[0], STEM, 3, 1, init)?);
    let order = Order::Pre { after_activation: false };
    Stages { block: Block::Basic, order, depths: &[N; 3], inputs: STEM }
        .append(net, settings, activation, init)
}
