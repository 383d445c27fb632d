//! The ImageNet residual networks, with stems for images of several sizes.

use autograd::{Result, Scalar, ops};

use super::ModelSettings;
use super::residual_stages::{Block, Stages, order_of};
use super::variant::{Choice, Stem};
use crate::activation::MakeActivation;
use crate::batch_norm::{BatchNorm2d, BatchNormSettings};
use crate::conv::Conv2d;
use crate::init::Initializer;
use crate::layer::Layer;
use crate::pooling::MaxPool2d;
use crate::sequential::Sequential;

pub(super) const WIDTH: usize = 64;
pub(super) const CHOICES: &[Choice] =
    &[Choice::Stem, Choice::Preactivation, Choice::ZeroGamma, Choice::StochasticDepth];

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

/// ResNet-101.
pub(super) fn build_101<S: Scalar>(
    settings: &ModelSettings,
    activation: MakeActivation<'_, S>,
    init: &mut Initializer,
) -> Result<Box<dyn Layer<S>>> {
    build(settings, activation, init, Block::Bottleneck, [3, 4, 23, 3])
}

/// `conv1 bn1 act1 [maxpool] layer1.0 … layer4.k avgpool fc`, the names of torchvision; see [`Stem`] for what stands in
/// front of `layer1`. Pre-activated with `norm act` in front of `avgpool`.
/// Source: He et al., *Deep residual learning* (2016), table 1; *Identity mappings* (2016).
fn build<S: Scalar>(
    settings: &ModelSettings,
    activation: MakeActivation<'_, S>,
    init: &mut Initializer,
    block: Block,
    depths: [usize; 4],
) -> Result<Box<dyn Layer<S>>> {
    let (inputs, stem) = (settings.width(), settings.variant.stem.unwrap_or(Stem::Small));
    let (kernel, stride) = match stem {
        Stem::Small => (3, 1),
        Stem::Medium => (3, 2),
        Stem::ImageNet => (7, 2),
    };
    let mut net = Sequential::new()
        .named("conv1", Conv2d::same(settings.input[0], inputs, kernel, stride, init)?)
        .named("bn1", BatchNorm2d::new(inputs, BatchNormSettings::default())?)
        .boxed("act1", activation(inputs));
    if stem == Stem::ImageNet {
        let pool = ops::MaxPool2d { kernel: [3; 2], stride: [2; 2], padding: [1; 2] };
        net = net.named("maxpool", MaxPool2d(pool));
    }
    Stages { block, order: order_of(settings), depths: &depths, inputs }
        .append(net, settings, activation, init)
}
