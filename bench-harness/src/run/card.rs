//! What has to be known to use a run's weights: the network, its classes and how images are normalised.

use datasets::{Dataset, Normalisation};
use layers::weights::{StoredArrays, WeightsError};
use layers::{Layer, weights};
use serde::{Deserialize, Serialize};

use super::model::build_model;
use super::parameters::beyond_stored;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::record::{RecordError, RunFolder};

/// The card's file in a run's folder.
const FILE: &str = "model.json";
/// The weights with the best validation, in a run's folder.
pub const BEST: &str = "best.safetensors";
/// The weights after the last epoch, under the name they have in a checkpoint, too.
pub const LAST: &str = crate::checkpoint::WEIGHTS;

/// A run's network as a file describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// The run's settings.
    pub settings: Settings,
    /// Channels, height and width of an image.
    pub input: [usize; 3],
    /// The classes' names.
    pub classes: Vec<String>,
    /// Mean of each channel on the 0 to 1 scale.
    pub mean: Vec<f64>,
    /// Standard deviation of each channel.
    pub deviation: Vec<f64>,
}

impl ModelCard {
    /// The card of a run.
    pub(super) fn of(settings: &Settings, data: &Dataset, normalisation: &Normalisation) -> Self {
        Self {
            settings: settings.clone(),
            input: data.train.images().shape(),
            classes: data.classes.clone(),
            mean: normalisation.mean().to_vec(),
            deviation: normalisation.deviation().to_vec(),
        }
    }

    /// Puts the card into a run's folder.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, folder: &RunFolder) -> Result<()> {
        let text = serde_json::to_string_pretty(self).expect("a card is plain data");
        Ok(folder.write(FILE, text)?)
    }

    /// Reads the card of a run.
    ///
    /// # Errors
    /// There is none, or it is not of this version.
    pub fn read(folder: &RunFolder) -> Result<Self> {
        let path = folder.file(FILE);
        let text = std::fs::read_to_string(&path).map_err(RecordError::io("read", &path))?;
        let refuse = |problem: String| Error::File { path: path.clone(), problem };
        serde_json::from_str(&text).map_err(|e| refuse(format!("no card of a run of this version: {e}")))
    }

    /// How images are normalised.
    ///
    /// # Errors
    /// Numbers that are none of a normalisation.
    pub fn normalisation(&self) -> Result<Normalisation> {
        Ok(Normalisation::new(self.mean.clone(), self.deviation.clone())?)
    }

    /// The network with the weights of the file called `name` in the folder, [`LAST`] or [`BEST`].
    ///
    /// # Errors
    /// No such file yet, a damaged one, or one of another network.
    pub fn network(&self, folder: &RunFolder, name: &str) -> Result<Box<dyn Layer<f32>>> {
        let path = folder.file(name);
        let bytes = std::fs::read(&path).map_err(|error| Error::File {
            path: path.clone(),
            problem: match name {
                LAST => {
                    format!("cannot be read ({error}); a run leaves it when it ends, and {BEST} on the way")
                }
                _ => format!(
                    "cannot be read ({error}); a run leaves it after its first validation, if it holds images out"
                ),
            },
        })?;
        let misfit = |error: WeightsError| Error::File { path: path.clone(), problem: error.to_string() };
        // Before anything of the card's sizes is allocated.
        let stored = StoredArrays::parse(&bytes).map_err(misfit)?;
        if let Some(excess) = beyond_stored(&self.settings, self.input, self.classes.len(), &stored)? {
            let problem =
                format!("its network has {excess} of {name}; want card and weights of the same run");
            return Err(Error::File { path: folder.file(FILE), problem });
        }
        let mut network = build_model(&self.settings, self.input, self.classes.len())?;
        weights::load_safetensors(network.as_mut(), &bytes).map_err(misfit)?;
        Ok(network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Options;

    /// A card of a few hundred bytes beside weights of a small network, which it must not outgrow: the networks it asks for would take
    /// from 10 GB to more than there is.
    #[test]
    fn a_card_asks_for_no_more_than_its_weights_hold() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(root.path()).unwrap();
        let settings = |model: &str| {
            Settings::of(Options {
                model: Some(model.into()),
                // Beyond the widths 1 to 3 that `beyond_stored` looks at, which thus goes on to a width beyond counting.
                width: Some(4),
                activation: Some("nswish".into()),
                ..Options::default()
            })
            .unwrap()
        };
        let classes = |count: usize| (0..count).map(|i| i.to_string()).collect::<Vec<_>>();
        for model in ["mlp", "cnn"] {
            let card = ModelCard {
                settings: settings(model),
                input: [1, 8, 8],
                classes: classes(3),
                mean: vec![0.5],
                deviation: vec![0.25],
            };
            let mut network = build_model::<f32>(&card.settings, card.input, 3).unwrap();
            folder.write(LAST, weights::to_safetensors(network.as_mut())).unwrap();
            card.network(&folder, LAST).unwrap();
            let refused = |card: &ModelCard, words: &str| {
                let text = card.network(&folder, LAST).unwrap_err().to_string();
                assert!(text.contains("model.json: its network has") && text.contains(words), "{text}");
                assert!(
                    text.ends_with("of weights.safetensors; want card and weights of the same run"),
                    "{text}"
                );
            };
            let with = |change: &dyn Fn(&mut ModelCard)| {
                let mut changed = card.clone();
                change(&mut changed);
                changed
            };
            refused(&with(&|c| c.settings.width = Some(60_000)), "parameters");
            refused(&with(&|c| c.settings.width = Some(usize::MAX)), "parameters beyond counting");
            refused(&with(&|c| c.input = [1, 2048, 2048]), "parameters");
            refused(
                &with(&|c| {
                    c.classes = classes(65_536);
                    c.input = [1, 2048, 2048];
                }),
                "parameters",
            );
            // The usual width, which is more than the weights have, too.
            refused(&with(&|c| c.settings.width = None), "parameters");
            if model == "mlp" {
                refused(&with(&|c| c.settings.depth = Some(65_536)), "depth 65536, more than the");
            }
        }
    }
}
