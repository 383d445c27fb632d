//! The plain convolutional network, with nothing that normalizes but perhaps its activations.

use autograd::{Error, Result, Scalar, ops};

use super::ModelSettings;
use crate::activation::MakeActivation;
use crate::conv::{Conv2d, ConvSettings};
use crate::flatten::Flatten;
use crate::init::Initializer;
use crate::layer::Layer;
use crate::linear::Linear;
use crate::pooling::MaxPool2d;
use crate::sequential::Sequential;

pub(super) const WIDTH: usize = 32;

/// Three stages of two 3×3 convolutions with bias, of width, 2·width and 4·width channels, each stage ending in 2×2
/// max pooling; then one dense layer: `conv1 act1 conv2 act2 pool1 … conv6 act6 pool3 flatten fc`.
/// After Simonyan and Zisserman, *Very deep convolutional networks* (2015), in small.
pub(super) fn build<S: Scalar>(
    settings: &ModelSettings,
    activation: MakeActivation<'_, S>,
    init: &mut Initializer,
) -> Result<Box<dyn Layer<S>>> {
    let [mut channels, mut height, mut width] = settings.input;
    if height < 8 || width < 8 {
        return Err(Error::Argument {
            op: "cnn",
            what: format!("images of {height} by {width}"),
            legal: "at least 8 by 8, which three poolings leave one number of".into(),
        });
    }
    let mut net = Sequential::new();
    for stage in 0..3 {
        let outputs = settings.width() << stage;
        for place in 1..=2 {
            let number = 2 * stage + place;
            let conv = ConvSettings {
                inputs: channels,
                outputs,
                kernel: 3,
                padding: 1,
                bias: true,
                ..ConvSettings::default()
            };
            net = net
                .named(&format!("conv{number}"), Conv2d::new(conv, init)?)
                .boxed(&format!("act{number}"), activation(outputs));
            channels = outputs;
        }
        let pool = ops::MaxPool2d { kernel: [2; 2], stride: [2; 2], padding: [0; 2] };
        net = net.named(&format!("pool{}", stage + 1), MaxPool2d(pool));
        (height, width) = (height / 2, width / 2);
    }
    let features = channels * height * width;
    Ok(Box::new(net.named("flatten", Flatten).named("fc", Linear::new(features, settings.classes, init))))
}
