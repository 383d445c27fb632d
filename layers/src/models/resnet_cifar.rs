//! The CIFAR residual networks.

use autograd::{Result, Scalar};

use super::ModelSettings;
use crate::activation::MakeActivation;
use crate::batch_norm::{BatchNorm2d, BatchNormSettings};
use crate::conv::Conv2d;
use crate::init::Initializer;
use crate::layer::Layer;
use crate::linear::Linear;
use crate::pooling::GlobalAvgPool;
use crate::residual::{BasicBlock, BlockSizes};
use crate::sequential::Sequential;

pub(super) const WIDTH: usize = 16;

/// 6n + 2 layers: a 3×3 convolution, three stages of n basic blocks with width, 2·width and 4·width channels, the
/// mean over positions, one dense layer: `conv1 bn1 act1 layer1.0 … layer3.{n−1} avgpool fc`.
/// Source: He et al., *Deep residual learning* (2016), section 4.2, with option-B shortcuts.
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
    let mut net = Sequential::new()
        .named("conv1", Conv2d::same(settings.input[0], width, 3, 1, init)?)
        .named("bn1", BatchNorm2d::new(width, BatchNormSettings::default())?)
        .boxed("act1", activation(width));
    let mut inputs = width;
    for stage in 0..3 {
        let width = width << stage;
        let mut blocks = Sequential::new();
        for block in 0..blocks_per_stage {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            blocks = blocks.then(BasicBlock::new(BlockSizes { inputs, width, stride }, activation, init)?);
            inputs = width;
        }
        net = net.named(&format!("layer{}", stage + 1), blocks);
    }
    Ok(Box::new(net.named("avgpool", GlobalAvgPool).named("fc", Linear::new(inputs, settings.classes, init))))
}
