//! `anact export`: a run's weights as a file for other programs.

use std::path::{Path, PathBuf};

use clap::Args;
use layers::weights::{self, State, state};
use serde_json::json;

use super::output::Output;
use super::weights::RunWeights;
use crate::error::{Error, Result};
use crate::npz;
use crate::record::write_atomic;

/// Arguments of `anact export`.
#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    run: RunWeights,
    /// The file to write, .safetensors or .npz; one that exists is replaced
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    printed: Output,
}

impl Export {
    pub(super) fn run(self) -> Result<()> {
        let (card, mut network) = self.run.open()?;
        let State { mut parameters, buffers } = state(network.as_mut());
        parameters.extend(buffers);
        let bytes = match extension(&self.output) {
            Some("safetensors") => weights::encode(&parameters),
            Some("npz") => npz::encode(&parameters),
            _ => {
                return Err(Error::Setting {
                    setting: "--output",
                    value: self.output.display().to_string(),
                    legal: "a name that ends in .safetensors or .npz".into(),
                });
            }
        };
        write_atomic(&self.output, &bytes)?;
        let (count, model) = (parameters.len(), &card.settings.model);
        let line = json!({ "arrays": count, "model": model, "output": self.output.display().to_string() });
        self.printed.result(&line, || format!("{count} arrays of {model} in {}", self.output.display()));
        Ok(())
    }
}

fn extension(path: &Path) -> Option<&str> {
    path.extension()?.to_str()
}
