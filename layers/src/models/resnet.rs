//! The ImageNet residual networks with a stem for small images.

use autograd::{Result, Scalar};

use super::ModelSettings;
use crate::activation::MakeActivation;
use crate::batch_norm::{BatchNorm2d, BatchNormSettings};
use crate::conv::Conv2d;
use crate::init::Initializer;
use crate::layer::Layer;
use crate::linear::Linear;
use crate::pooling::GlobalAvgPool;
use crate::residual::{BasicBlock, BlockSizes, Bottleneck};
use crate::sequential::Sequential;

pub(super) const WIDTH: usize = 64;

/// Which block a network is made of.
#[derive(Clone, Copy)]
enum Block {
    Basic,
    Bottleneck,
}

/// ResNet-18.
pub(super) fn build_18<S: Scalar>(
    settings: &ModelSettings,
    activation: MakeActivation<'_, S>,
    init: &mut Initializer,
) -> Result<Box<dyn Layer<S>>> {
    build(settings, activation, init, Block::Basic, [2, 2, 2, 2])
}

/// ResNet-34.
pub(super) fn build_34<S: Scalar>(
    settings: &ModelSettings,
    activation: MakeActivation<'_, S>,
    init: &mut Initializer,
) -> Result<Box<dyn Layer<S>>> {
    build(settings, activation, init, Block::Basic, [3, 4, 6, 3])
}

/// ResNet-50.
pub(super) fn build_50<S: Scalar>(
    settings: &ModelSettings,
    activation: MakeActivation<'_, S>,
    init: &mut Initializer,
) -> Result<Box<dyn Layer<S>>> {
    build(settings, activation, init, Block::Bottleneck, [3, 4, 6, 3])
}

/// `conv1 bn1 act1 layer1.0 … layer4.k avgpool fc`, the names of torchvision. The stem is one 3×3 convolution of
/// stride 1 without pooling, for images of 32 or 64 pixels, in place of the 7×7 one of stride 2 with pooling.
/// Source: He et al., *Deep residual learning* (2016), table 1.
fn build<S: Scalar>(
    settings: &ModelSettings,
    activation: MakeActivation<'_, S>,
    init: &mut Initializer,
    block: Block,
    depths: [usize; 4],
) -> Result<Box<dyn Layer<S>>> {
    let stem = settings.width();
    let mut net = Sequential::new()
        .named("conv1", Conv2d::same(settings.input[0], stem, 3, 1, init)?)
        .named("bn1", BatchNorm2d::new(stem, BatchNormSettings::default())?)
        .boxed("act1", activation(stem));
    let mut inputs = stem;
    for (stage, depth) in depths.into_iter().enumerate() {
        let width = stem << stage;
        let mut blocks = Sequential::new();
        for place in 0..depth {
            let stride = if stage > 0 && place == 0 { 2 } else { 1 };
            let sizes = BlockSizes { inputs, width, stride };
            (blocks, inputs) = match block {
                Block::Basic => (blocks.then(BasicBlock::new(sizes, activation, init)?), width),
                Block::Bottleneck => (
                    blocks.then(Bottleneck::new(sizes, activation, init)?),
                    width * Bottleneck::<S>::EXPANSION,
                ),
            };
        }
        net = net.named(&format!("layer{}", stage + 1), blocks);
    }
    Ok(Box::new(net.named("avgpool", GlobalAvgPool).named("fc", Linear::new(inputs, settings.classes, init))))
}
