//! Which weights of a run a command uses.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use layers::Layer;

use crate::error::Result;
use crate::record::RunFolder;
use crate::run::{BEST, LAST, ModelCard};

/// Weights of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Which {
    /// After the last epoch
    Last,
    /// After the epoch with the best validation
    Best,
}

/// A run and which of its weights.
#[derive(Debug, Args)]
pub(super) struct RunWeights {
    /// Folder of a run
    run: PathBuf,
    /// Which of its weights
    #[arg(long, value_enum, default_value_t = Which::Last)]
    weights: Which,
}

impl RunWeights {
    /// The run's card and its network with these weights.
    ///
    /// # Errors
    /// A folder of no run, or weights that are not there (yet) or damaged.
    pub(super) fn open(&self) -> Result<(ModelCard, Box<dyn Layer<f32>>)> {
        let folder = RunFolder::open(&self.run)?;
        let card = ModelCard::read(&folder)?;
        let network = card.network(&folder, self.name())?;
        Ok((card, network))
    }

    /// The weights' file.
    pub(super) fn file(&self) -> PathBuf {
        self.run.join(self.name())
    }

    fn name(&self) -> &'static str {
        match self.weights {
            Which::Last => LAST,
            Which::Best => BEST,
        }
    }
}
