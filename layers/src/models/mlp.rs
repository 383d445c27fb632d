//! The dense network.

use autograd::{Result, Scalar};

use super::ModelSettings;
use crate::activation::MakeActivation;
use crate::flatten::Flatten;
use crate::init::Initializer;
use crate::layer::Layer;
use crate::linear::Linear;
use crate::sequential::Sequential;

pub(super) const WIDTH: usize = 512;
pub(super) const DEPTH: usize = 2;

/// image – width – … – width – classes, depth hidden layers with an activation after each:
/// `fc1 act1 fc2 act2 … fc{depth + 1}`.
pub(super) fn build<S: Scalar>(
    settings: &ModelSettings,
    activation: MakeActivation<'_, S>,
    init: &mut Initializer,
) -> Result<Box<dyn Layer<S>>> {
    let (mut inputs, width) = (settings.input.iter().product(), settings.width());
    let mut net = Sequential::new().named("flatten", Flatten);
    for number in 1..=settings.depth() {
        net = net
            .named(&format!("fc{number}"), Linear::new(inputs, width, init))
            .boxed(&format!("act{number}"), activation(width));
        inputs = width;
    }
    let last = format!("fc{}", settings.depth() + 1);
    Ok(Box::new(net.named(&last, Linear::new(inputs, settings.classes, init))))
}
