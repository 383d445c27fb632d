//! The CIFAR residual networks.

use autograd::{Result, Scalar};

use super::ModelSettings;
use super::residual_stages::{Block, Stages, order_of};
use super::variant::Choice;
use crate::activation::MakeActivation;
use crate::batch_norm::{BatchNorm2d, BatchNormSettings};
use crate::conv::Conv2d;
use crate::init::Initializer;
use crate::layer::Layer;
use crate::sequential::Sequential;

pub(super) const WIDTH: usize = 16;
pub(super) const CHOICES: &[Choice] = &[Choice::Preactivation, Choice::ZeroGamma, Choice::StochasticDepth];

/// 6n + 2 layers: a 3×3 convolution, three stages of n basic blocks with width, 2·width and 4·width channels, the
/// mean over positions, one dense layer: `conv1 bn1 act1 layer1.0 … layer3.{n−1} avgpool fc`; pre-activated with `norm
/// act` in front of `avgpool`.
/// Source: He et al., *Deep residual learning* (2016), section 4.2, with option-B shortcuts; *Identity mappings* (2016).
pub(super) fn build<S: Scalar, const N: usize>(
    settings: &ModelSettings,
    activation: MakeActivation<'_, S>,
    init: &mut Initializer,
) -> Result<Box<dyn Layer<S>>> {
    build_of(settings, activation, init, N)
}

/// Compiled once and not once per depth.
fn build_of<S: Scalar>(
    settings: &ModelSettings,
    activation: MakeActivation<'_, S>,
    init: &mut Initializer,
    blocks_per_stage: usize,
) -> Result<Box<dyn Layer<S>>> {
    let width = settings.width();
    let net = Sequential::new()
        .named("conv1", Conv2d::same(settings.input[0], width, 3, 1, init)?)
        .named("bn1", BatchNorm2d::new(width, BatchNormSettings::default())?)
        .boxed("act1", activation(width));
    let depths = &[blocks_per_stage; 3];
    Stages { block: Block::Basic, order: order_of(settings), depths, inputs: width }
        .append(net, settings, activation, init)
}
