//! `anact init`: the weights of a new network, for any framework to start from.

use std::path::PathBuf;

use autograd::Scalar;
use clap::Args;
use layers::parameter_count;
use layers::weights::to_safetensors;
use serde_json::json;

use super::network::{Dtype, ImageShape, NetworkOptions};
use super::output::Output;
use crate::error::Result;
use crate::record::write_atomic;

/// Arguments of `anact init`.
#[derive(Debug, Args)]
pub(super) struct InitWeights {
    #[command(flatten)]
    network: NetworkOptions,
    /// Channels, height and width of the images
    #[arg(long, value_name = "C,H,W", default_value = "3,32,32")]
    image: ImageShape,
    /// How weights are drawn, see `anact list inits`
    #[arg(long, default_value = "lecun_normal")]
    init: String,
    /// Seed of the weights
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Precision in which weights are drawn and stored
    #[arg(long, value_enum, default_value_t = Dtype::F32)]
    dtype: Dtype,
    /// The safetensors file to write; one that exists is replaced
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    printed: Output,
}

impl InitWeights {
    pub(super) fn run(self) -> Result<()> {
        match self.dtype {
            Dtype::F32 => self.write::<f32>(),
            Dtype::F64 => self.write::<f64>(),
        }
    }

    fn write<S: Scalar>(&self) -> Result<()> {
        let mut model = self.network.build::<S>(self.image.0, &self.init, self.seed)?;
        write_atomic(&self.output, to_safetensors(model.as_mut()))?;
        let parameters = parameter_count(model.as_mut());
        let line = json!({ "network": self.network.to_string(), "parameters": parameters, "output": self.output.display().to_string() });
        self.printed.result(&line, || {
            format!("{}: {parameters} parameters, written to {}", self.network, self.output.display())
        });
        Ok(())
    }
}
