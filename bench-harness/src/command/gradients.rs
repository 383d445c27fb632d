//! `anact gradients`: loss, logits and gradients of given weights on a given batch, in a file.

use std::path::PathBuf;

use autograd::{Scalar, Tensor};
use clap::{Args, ValueEnum};
use layers::weights::{Array, StoredArrays, encode, load_safetensors};
use layers::{Init, Mode};

use super::network::{Dtype, NetworkOptions};
use super::tensor_file::TensorFile;
use crate::error::Result;
use crate::record::write_atomic;
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
    out: PathBuf,
    /// Precision in which everything is computed and stored
    #[arg(long, value_enum, default_value_t = Dtype::F32)]
    dtype: Dtype,
    /// Whose statistics batch normalization and normalized activations use
    #[arg(long, value_enum, default_value_t = StepMode::Train)]
    mode: StepMode,
    /// Also store the value and the gradient of every node on the tape
    #[arg(long)]
    all: bool,
}

const CONTENTS: &str = "The file holds `loss` (the mean cross-entropy), `logits` [N,classes], `grad.NAME` for every \
                        parameter and `buffer.NAME` for every buffer after the step; with --all also `value.PATH` and \
                        `grad_value.PATH` for every node, such as layer1.0.conv1.conv2d, the images being the node \
                        `images`. Constants have no gradient.";

/// [`Mode`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StepMode {
    /// The batch's own; running statistics move
    Train,
    /// The running ones, which stay as they are
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
        let (images, labels) = self.read_batch::<S>()?;
        let &[_, channels, height, width] = images.dims() else {
            unreachable!("`read_batch` has checked it")
        };
        // Every weight is about to be replaced, so it does not matter how they are drawn.
        let mut model = self.network.build::<S>([channels, height, width], Init::HeUniform, 0)?;
        let weights = TensorFile::open(&self.weights)?;
        load_safetensors(model.as_mut(), weights.bytes()).map_err(|e| {
            let images = format!("images of shape {:?}", [channels, height, width]);
            weights.refuse(format!("for {} and {images}: {e}", self.network))
        })?;
        drop(weights);

        let mode = match self.mode {
            StepMode::Train => Mode::Train,
            StepMode::Eval => Mode::Eval,
        };
        let step = Step { images, labels, mode, every_node: self.all };
        let arrays = step_arrays(model.as_mut(), step)?;
        write_atomic(&self.out, encode(&arrays))?;
        if let Some(Array::Tensor(loss)) = arrays.get("loss") {
            println!("loss {}", loss.item()?.to_f64());
        }
        println!("{} arrays written to {}", arrays.len(), self.out.display());
        Ok(())
    }

    /// Images [N, C, H, W] without an empty axis, and N labels that are classes.
    fn read_batch<S: Scalar>(&self) -> Result<(Tensor<S>, Vec<usize>)> {
        let file = TensorFile::open(&self.batch)?;
        let arrays = file.arrays()?;
        let images = file.named(arrays.tensor::<S>("images"))?;
        let &[samples, _, _, _] = images.dims() else {
            return Err(file.refuse(format!("`images` has shape {}, want [N, C, H, W]", images.shape())));
        };
        if images.is_empty() {
            let shape = images.shape();
            return Err(file.refuse(format!("`images` has shape {shape}, want no axis of length 0")));
        }
        let labels = file.named(arrays.integers("labels"))?;
        let shape = shape_of(&arrays, "labels");
        if shape != [samples] {
            return Err(file.refuse(format!("`labels` has shape {shape:?}, want [{samples}], one per image")));
        }
        let classes = self.network.classes;
        let label = |(sample, &label): (usize, &i64)| {
            usize::try_from(label).ok().filter(|&label| label < classes).ok_or_else(|| {
                let legal = format!("0 to {} with --classes {classes}", classes.saturating_sub(1));
                file.refuse(format!("`labels` holds {label} at position {sample}, want {legal}"))
            })
        };
        let labels = labels.iter().enumerate().map(label).collect::<Result<_>>()?;
        Ok((images, labels))
    }
}

/// The shape of an array that is there.
fn shape_of(arrays: &StoredArrays<'_>, name: &str) -> Vec<usize> {
    arrays.shape(name).unwrap_or_default()
}
