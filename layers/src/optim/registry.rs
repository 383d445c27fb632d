//! Every optimiser by name.

use autograd::{Error, Result, Scalar};
use serde::{Deserialize, Serialize};

use super::adam::AdamSettings;
use super::adamw::AdamWSettings;
use super::lion::LionSettings;
use super::rule::Rule;
use super::sgd::SgdSettings;

/// One optimiser as listings and look-ups see it.
#[derive(Debug, Clone, Copy)]
pub struct OptimizerEntry {
    /// The registered name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Its usual settings.
    pub defaults: fn() -> OptimizerSettings,
}

impl OptimizerEntry {
    /// The entry of this name.
    ///
    /// # Errors
    /// There is none; near names are given.
    pub fn named(name: &str) -> Result<&'static Self> {
        let found = OPTIMIZERS.iter().find(|o| o.name == name);
        found.ok_or_else(|| Error::unknown("optimizer", name, OPTIMIZERS.iter().map(|o| o.name)))
    }
}

/// A line for each: variant, settings, name, and what it is.
macro_rules! registry {
    ($($variant:ident($settings:ty): $name:literal, $about:literal;)*) => {
        /// An optimiser and its settings. In JSON an object with the registered `name` and the settings' own fields.
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "name")]
        pub enum OptimizerSettings {
            $(
                #[doc = $about]
                #[serde(rename = $name)]
                $variant($settings),
            )*
        }

        impl OptimizerSettings {
            /// The registered name.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                }
            }

            /// How many arrays of a parameter's size are kept for every parameter.
            pub fn arrays_kept(&self) -> usize {
                self.rule::<f32>().kept().len()
            }

            pub(super) fn rule<S: Scalar>(&self) -> &dyn Rule<S> {
                match self {
                    $(Self::$variant(settings) => settings,)*
                }
            }
        }

        $(
            impl From<$settings> for OptimizerSettings {
                fn from(settings: $settings) -> Self {
                    Self::$variant(settings)
                }
            }
        )*

        /// Every optimiser, in reading order.
        pub const OPTIMIZERS: &[OptimizerEntry] = &[
            $(OptimizerEntry {
                name: $name,
                about: $about,
                defaults: || OptimizerSettings::$variant(<$settings>::default()),
            },)*
        ];
    };
}

registry! {
    Sgd(SgdSettings): "sgd",
        "stochastic gradient descent with momentum, Nesterov's or not, weight decay coupled or decoupled";
    Adam(AdamSettings): "adam", "steps scaled by running moments of the gradient, weight decay coupled";
    AdamW(AdamWSettings): "adamw", "Adam with decoupled weight decay";
    Lion(LionSettings): "lion", "steps of one size along the sign of a running mean of gradients, weight decay decoupled";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_their_entries_and_settings_their_names() {
        for entry in OPTIMIZERS {
            let settings = (entry.defaults)();
            assert_eq!(settings.name(), entry.name);
            assert_eq!(OptimizerEntry::named(entry.name).unwrap().about, entry.about);
            settings.rule::<f64>().check().unwrap();
        }
        let text = OptimizerEntry::named("adamv").unwrap_err().to_string();
        assert!(text.starts_with("unknown optimizer `adamv`; did you mean adam"), "{text}");
    }

    #[test]
    fn settings_are_objects_with_a_name() {
        for entry in OPTIMIZERS {
            let settings = (entry.defaults)();
            let json = serde_json::to_value(settings).unwrap();
            assert_eq!(json["name"], entry.name);
            assert_eq!(serde_json::from_value::<OptimizerSettings>(json.clone()).unwrap(), settings);
            let mut more = json;
            more["rho"] = 1.into();
            let text = serde_json::from_value::<OptimizerSettings>(more).unwrap_err().to_string();
            assert!(text.contains("unknown field `rho`"), "{text}");
        }
    }
}
