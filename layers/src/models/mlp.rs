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

/// image – width – width – classes, an activation after each hidden layer: `fc1 act1 fc2 act2 fc3`.
pub(super) fn build<S: Scalar>(
    settings: &ModelSettings,
    activation: MakeActivation<'_, S>,
    init: &mut Initializer,
) -> Result<Box<dyn Layer<S>>> {
    let (inputs, width) = (settings.input.iter().product(), settings.width());
    Ok(Box::new(
        Sequential::new()
            .named("flatten", Flatten)
            .named("fc1", Linear::new(inputs, width, init))
            .boxed("act1", activation(width))
            .named("fc2", Linear::new(width, width, init))
            .boxed("act2", activation(width))
            .named("fc3", Linear::new(width, settings.classes, init)),
    ))
}
