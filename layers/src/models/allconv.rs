//! The network of convolutions alone.

use autograd::{Error, Result, Scalar};

use super::ModelSettings;
use super::variant::Choice;
use crate::activation::MakeActivation;
use crate::conv::{Conv2d, ConvSettings};
use crate::dropout::Dropout;
use crate::init::Initializer;
use crate::layer::Layer;
use crate::pooling::GlobalAvgPool;
use crate::sequential::Sequential;

pub(super) const WIDTH: usize = 96;
pub(super) const CHOICES: &[Choice] = &[Choice::Dropout];

/// What dropout does to the images by what it does to features: 20 % and 50 % in the paper.
const OF_IMAGES: f64 = 0.4;

/// All-CNN-C: nine convolutions with bias, each with an activation, of kernel 3 but for the last two, and the mean over
/// positions: `conv1 act1 … conv9 act9 avgpool`. The first three have width channels, the next five twice as many,
/// the last one for each class; the third and the sixth have stride 2, and the seventh no padding. As in the paper's
/// table the last convolution has an activation, too.
///
/// Dropout p behind both strided convolutions, and 2p/5 of the images; the paper's p is ½, the usual here 0.
/// Source: Springenberg et al., *Striving for simplicity: the all convolutional net* (2015), tables 1 and 2.
pub(super) fn build<S: Scalar>(
    settings: &ModelSettings,
    activation: MakeActivation<'_, S>,
    init: &mut Initializer,
) -> Result<Box<dyn Layer<S>>> {
    let [mut inputs, height, width] = settings.input;
    if height.min(width) < 9 {
        return Err(Error::Argument {
            op: "allconv",
            what: format!("images of {height} by {width}"),
            legal: "at least 9 by 9, which two strides leave 3 by 3 of".into(),
        });
    }
    let (narrow, wide) = (settings.width(), 2 * settings.width());
    // Channels, kernel, stride and padding.
    let layers = [
        (narrow, 3, 1, 1),
        (narrow, 3, 1, 1),
        (narrow, 3, 2, 1),
        (wide, 3, 1, 1),
        (wide, 3, 1, 1),
        (wide, 3, 2, 1),
        (wide, 3, 1, 0),
        (wide, 1, 1, 0),
        (settings.classes, 1, 1, 0),
    ];
    let dropout = settings.variant.dropout.filter(|&p| p != 0.0);
    let mut net = Sequential::new();
    if let Some(p) = dropout {
        net = net.named("dropout0", Dropout::numbered(OF_IMAGES * p, 0)?);
    }
    for (number, (outputs, kernel, stride, padding)) in (1..).zip(layers) {
        let conv =
            ConvSettings { inputs, outputs, kernel, stride, padding, bias: true, ..ConvSettings::default() };
        net = net
            .named(&format!("conv{number}"), Conv2d::new(conv, init)?)
            .boxed(&format!("act{number}"), activation(outputs));
        if let Some(p) = dropout.filter(|_| stride == 2) {
            net = net.named(&format!("dropout{number}"), Dropout::numbered(p, number)?);
        }
        inputs = outputs;
    }
    Ok(Box::new(net.named("avgpool", GlobalAvgPool)))
}
