//! `anact gradients`: loss, logits and gradients of given weights on a given batch, in a file.

use std::path::PathBuf;

use autograd::{Scalar, Tensor};
use clap::{Args, ValueEnum};
use layers::Mode;
use layers::weights::{Array, StoredArrays, encode, load_safetensors};
use serde_json::json;

use super::network::{Dtype, NetworkOptions};
use super::output::Output;
use super::tensor_file::TensorFile;
use crate::error::{Error, Result};
use crate::record::{is_same_file, write_atomic};
use crate::run::{Step, step_arrays};

/// Arguments of `anact gradients`.
#[derive(Debug, Args)]
#[command(after_help = CONTENTS)]
pub(super) struct Gradients {
    #[command(flatten)]
    network: NetworkOptions,
    /// Safetensors file with the network's parameters and buffers by torchvision's names, as `anact init` and `anact
    /// train` write them, F32 or F64
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// Safetensors file with `images` [N,C,H,W], F32 or F64, and `labels` [N], I64
    #[arg(long, value_name = "FILE")]
    batch: PathBuf,
    /// The safetensors file to write; one that exists is replaced
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Precision in which everything is computed and stored
    #[arg(long, value_enum, default_value_t = Dtype::F32)]
    dtype: Dtype,
    /// A training step or an evaluation; both are differentiated
    #[arg(long, value_enum, default_value_t = StepMode::Train)]
    mode: StepMode,
    /// Also store the value and the gradient of every node on the tape
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    printed: Output,
}

const CONTENTS: &str = "The file holds `loss` (the mean cross-entropy), `logits` [N,classes], `grad.NAME` for every \
                        parameter and `buffer.NAME` for every buffer after the step; with --all also `value.PATH` and \
                        `grad_value.PATH` for every node, such as layer1.0.conv1.conv2d, the images being the node \
                        `images`. Constants have no gradient.";

/// [`Mode`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StepMode {
    /// Batch normalization uses the batch's statistics, and running statistics move
    Train,
    /// Running statistics are used and stay as they are
    Eval,
}

impl Gradients {
    pub(super) fn run(self) -> Result<()> {
        match self.dtype {
            Dtype::F32 => self.write::<f32>(),
            Dtype::F64 => self.write::<f64>(),
        }
    }

    fn write<S: Scalar>(&self) -> Result<()> {
        for (given, what) in [(&self.weights, "--weights"), (&self.batch, "--batch")] {
            if is_same_file(given, &self.output) {
                let problem = format!("is {what}, which would be lost; want another file for --output");
                return Err(Error::File { path: self.output.clone(), problem });
            }
        }
        let batch = TensorFile::open(&self.batch)?;
        let arrays = batch.arrays()?;
        let (images, input) = images::<S>(&batch, &arrays)?;
        // Every weight is about to be replaced, so it does not matter how they are drawn.
        let mut model = self.network.build::<S>(input, "he_uniform", 0)?;
        let labels = labels(&batch, &arrays, images.dims()[0], self.network.classes)?;
        let weights = TensorFile::open(&self.weights)?;
        load_safetensors(model.as_mut(), weights.bytes()).map_err(|e| {
            weights.refuse(format!("for {} and images of shape {input:?}: {e}", self.network))
        })?;
        drop(weights);

        let mode = match self.mode {
            StepMode::Train => Mode::Train,
            StepMode::Eval => Mode::Eval,
        };
        let step = Step { images, labels, mode, every_node: self.all };
        let arrays = step_arrays(model.as_mut(), step)?;
        write_atomic(&self.output, encode(&arrays))?;
        let loss = match arrays.get("loss") {
            Some(Array::Tensor(loss)) => Some(loss.item()?.to_f64()),
            _ => None,
        };
        let line =
            json!({ "loss": loss, "arrays": arrays.len(), "output": self.output.display().to_string() });
        self.printed.result(&line, || {
            let loss = loss.map_or_else(String::new, |loss| format!("loss {loss}\n"));
            format!("{loss}{} arrays written to {}", arrays.len(), self.output.display())
        });
        Ok(())
    }
}

/// Images [N, C, H, W] without an empty axis, and their [C, H, W].
fn images<S: Scalar>(file: &TensorFile, arrays: &StoredArrays<'_>) -> Result<(Tensor<S>, [usize; 3])> {
    let images = file.named(arrays.tensor::<S>("images"))?;
    let shape = images.shape();
    match *images.dims() {
        [_, channels, height, width] if !images.is_empty() => Ok((images, [channels, height, width])),
        _ => Err(file.refuse(format!("`images` has shape {shape}, want [N, C, H, W], each at least 1"))),
    }
}

/// A class for each of `samples` images.
fn labels(
    file: &TensorFile,
    arrays: &StoredArrays<'_>,
    samples: usize,
    classes: usize,
) -> Result<Vec<usize>> {
    let labels = file.named(arrays.integers("labels"))?;
    let shape = arrays.shape("labels").unwrap_or_default();
    if shape != [samples] {
        return Err(file.refuse(format!("`labels` has shape {shape:?}, want [{samples}], one per image")));
    }
    let label = |(position, &label): (usize, &i64)| {
        usize::try_from(label).ok().filter(|&label| label < classes).ok_or_else(|| {
            let legal = format!("0 to {} for --classes {classes}", classes - 1);
            file.refuse(format!("`labels` holds {label} at position {position}, want {legal}"))
        })
    };
    labels.iter().enumerate().map(label).collect()
}
