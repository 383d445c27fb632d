//! The VGG networks.

use autograd::{Error, Result, Scalar, ops};

use super::ModelSettings;
use super::variant::{Choice, Head};
use crate::activation::MakeActivation;
use crate::batch_norm::{BatchNorm2d, BatchNormSettings};
use crate::conv::{Conv2d, ConvSettings};
use crate::dropout::Dropout;
use crate::flatten::Flatten;
use crate::init::Initializer;
use crate::layer::Layer;
use crate::linear::Linear;
use crate::pooling::{GlobalAvgPool, MaxPool2d};
use crate::sequential::Sequential;

pub(super) const WIDTH: usize = 64;
pub(super) const CHOICES: &[Choice] = &[Choice::Head, Choice::Dropout];

/// VGG-11, configuration A, with batch normalization or without.
pub(super) fn build_11<S: Scalar, const NORMED: bool>(
    settings: &ModelSettings,
    activation: MakeActivation<'_, S>,
    init: &mut Initializer,
) -> Result<Box<dyn Layer<S>>> {
    build(settings, activation, init, [1, 1, 2, 2, 2], NORMED)
}

/// VGG-16, configuration D, with batch normalization or without.
pub(super) fn build_16<S: Scalar, const NORMED: bool>(
    settings: &ModelSettings,
    activation: MakeActivation<'_, S>,
    init: &mut Initializer,
) -> Result<Box<dyn Layer<S>>> {
    build(settings, activation, init, [2, 2, 3, 3, 3], NORMED)
}

/// Five stages of 3×3 convolutions with bias, of 1, 2, 4, 8 and 8 times width channels, each followed by normalization
/// if asked for and an activation, each stage by 2×2 max pooling: `features.0 …`, numbered as in torchvision. Then the
/// head:
///
/// - small: the mean over positions and one dense layer, `avgpool classifier`, as usual for 32-pixel images, whose
///   features are 1×1 (three dense layers would be most of the network then). Dropout in front of `classifier`, usually
///   none. A pooling is left out where an image of less than 2 pixels is left, so that any size works.
/// - imagenet: torchvision's `classifier.0 … classifier.6`, with dropout ½ behind both hidden layers unless told
///   otherwise.
///
/// Source: Simonyan and Zisserman, *Very deep convolutional networks* (2015), table 1.
fn build<S: Scalar>(
    settings: &ModelSettings,
    activation: MakeActivation<'_, S>,
    init: &mut Initializer,
    depths: [usize; 5],
    is_normed: bool,
) -> Result<Box<dyn Layer<S>>> {
    let [mut channels, mut height, mut width] = settings.input;
    let (mut features, mut number) = (Sequential::new(), 0);
    let mut name = || {
        number += 1;
        (number - 1).to_string()
    };
    for (depth, factor) in depths.into_iter().zip([1, 2, 4, 8, 8]) {
        let outputs = factor * settings.width();
        for _ in 0..depth {
            let conv = ConvSettings {
                inputs: channels,
                outputs,
                kernel: 3,
                padding: 1,
                bias: true,
                ..ConvSettings::default()
            };
            features = features.named(&name(), Conv2d::new(conv, init)?);
            if is_normed {
                features = features.named(&name(), BatchNorm2d::new(outputs, BatchNormSettings::default())?);
            }
            features = features.boxed(&name(), activation(outputs));
            channels = outputs;
        }
        let pooling = name();
        if height.min(width) >= 2 {
            let pool = ops::MaxPool2d { kernel: [2; 2], stride: [2; 2], padding: [0; 2] };
            features = features.named(&pooling, MaxPool2d(pool));
            (height, width) = (height / 2, width / 2);
        }
    }
    let net = Sequential::new().named("features", features);
    let head = settings.variant.head.unwrap_or(Head::Small);
    if head == Head::ImageNet && (height, width) != (7, 7) {
        let [_, height, width] = settings.input;
        return Err(Error::Argument {
            op: "vgg",
            what: format!("the imagenet head for images of {height} by {width}"),
            legal: "sides from 224 to 255, whose features are 7 by 7, or the small head".into(),
        });
    }
    let dropout = |usual: f64, site| {
        let probability = settings.variant.dropout.unwrap_or(usual);
        (probability != 0.0).then(|| Dropout::numbered(probability, site)).transpose()
    };
    let with = |net: Sequential<S>, name: &str, dropout: Option<Dropout>| match dropout {
        Some(dropout) => net.named(name, dropout),
        None => net,
    };
    Ok(Box::new(match head {
        Head::Small => with(net.named("avgpool", GlobalAvgPool), "dropout", dropout(0.0, 0)?)
            .named("classifier", Linear::new(channels, settings.classes, init)),
        Head::ImageNet => {
            let hidden = 64 * settings.width();
            let mut dense = Sequential::new()
                .named("0", Linear::new(channels * height * width, hidden, init))
                .boxed("1", activation(hidden));
            dense = with(dense, "2", dropout(0.5, 0)?)
                .named("3", Linear::new(hidden, hidden, init))
                .boxed("4", activation(hidden));
            dense =
                with(dense, "5", dropout(0.5, 1)?).named("6", Linear::new(hidden, settings.classes, init));
            net.named("flatten", Flatten).named("classifier", dense)
        }
    }))
}
