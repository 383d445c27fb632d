//! From settings to a network.

use anact::NormalizedSettings;
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
    let model = ModelSettings {
        input,
        classes,
        width: settings.width,
        init: Init::named(&settings.init)?,
        seed: settings.seed,
    };
    named_model(&settings.model, &settings.activation, &settings.normalized, &model)
}

/// Builds the network `model` with the activation `activation`, both by name.
///
/// # Errors
/// An unknown name, or settings that the network refuses.
pub fn named_model<S: autograd::Scalar>(
    model: &str,
    activation: &str,
    normalized: &NormalizedSettings,
    settings: &ModelSettings,
) -> Result<Box<dyn Layer<S>>> {
    let activation = anact::activation::<S>(activation, normalized)?;
    Ok(ModelEntry::<S>::named(model)?.build(settings, &*activation)?)
}
