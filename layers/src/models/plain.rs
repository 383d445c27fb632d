//! The deep plain convolutional network: what a residual network is without its shortcuts and norms.

use autograd::{Error, Result, Scalar};

use super::ModelSettings;
use crate::activation::MakeActivation;
use crate::conv::{Conv2d, ConvSettings};
use crate::init::Initializer;
use crate::layer::Layer;
use crate::linear::Linear;
use crate::pooling::GlobalAvgPool;
use crate::sequential::Sequential;

pub(super) const WIDTH: usize = 16;
/// 29 convolutions and the dense layer.
pub(super) const DEPTH: usize = 30;
const STAGES: usize = 3;

/// depth − 1 convolutions of 3×3 with bias in three stages of width, 2·width and 4·width channels, as even as
/// possible with the longer ones first; the second and third stage begin with stride 2. Then the mean over positions
/// and one dense layer: `conv1 act1 … conv{depth − 1} act{depth − 1} avgpool fc`.
/// Source: the plain counterparts in He et al., *Deep residual learning* (2016), section 4.2, here without batch norm
/// and so with biases.
pub(super) fn build<S: Scalar>(
    settings: &ModelSettings,
    activation: MakeActivation<'_, S>,
    init: &mut Initializer,
) -> Result<Box<dyn Layer<S>>> {
    let convolutions = settings.depth() - 1;
    if convolutions < STAGES {
        return Err(Error::Argument {
            op: "plain",
            what: format!("depth {}", settings.depth()),
            legal: "at least 4: a convolution for each of three stages, and the dense layer".into(),
        });
    }
    let mut net = Sequential::new();
    let (mut inputs, mut number) = (settings.input[0], 0);
    for stage in 0..STAGES {
        let outputs = settings.width() << stage;
        let longer = usize::from(stage < convolutions % STAGES);
        for place in 0..convolutions / STAGES + longer {
            number += 1;
            let conv = ConvSettings {
                inputs,
                outputs,
                kernel: 3,
                stride: if stage > 0 && place == 0 { 2 } else { 1 },
                padding: 1,
                bias: true,
                ..ConvSettings::default()
            };
            net = net
                .named(&format!("conv{number}"), Conv2d::new(conv, init)?)
                .boxed(&format!("act{number}"), activation(outputs));
            inputs = outputs;
        }
    }
    Ok(Box::new(net.named("avgpool", GlobalAvgPool).named("fc", Linear::new(inputs, settings.classes, init))))
}
