//! From settings to a network.

use layers::models::{ModelEntry, ModelSettings};
use layers::{Init, Layer};

use super::settings::Settings;
use crate::error::Result;

/// Builds the network that `settings` names, for images of shape `input`.
///
/// # Errors
/// An unknown name, or images too small for the network.
pub fn build_model<S: autograd::Scalar>(
    settings: &Settings,
    input: [usize; 3],
    classes: usize,
) -> Result<Box<dyn Layer<S>>> {
    let activation = anact::activation::<S>(&settings.activation, &settings.normalized)?;
    let model = ModelSettings {
        input,
        classes,
        width: settings.width,
        depth: settings.depth,
        variant: settings.variant,
        init: Init::named(&settings.init)?,
        seed: settings.seed,
    };
    Ok(ModelEntry::<S>::named(&settings.model)?.build(&model, &*activation)?)
}
