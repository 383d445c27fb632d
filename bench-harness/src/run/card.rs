//! What has to be known to use a run's weights: the network, its classes and how images are normalised.

use datasets::{Dataset, Normalisation};
use layers::{Layer, weights};
use serde::{Deserialize, Serialize};

use super::model::build_model;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::record::{RecordError, RunFolder};

/// The card's file in a run's folder.
const FILE: &str = "model.json";
/// The weights with the best validation, in a run's folder.
pub const BEST: &str = "best.safetensors";
/// The weights after the last epoch.
pub const LAST: &str = "weights.safetensors";

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
        let mut network = build_model(&self.settings, self.input, self.classes.len())?;
        weights::load_safetensors(network.as_mut(), &bytes)
            .map_err(|error| Error::File { path, problem: error.to_string() })?;
        Ok(network)
    }
}
