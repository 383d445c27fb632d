//! What a training step holds in memory: planned before it is run, and measured.

use autograd::inspect::Memory;
use autograd::{Keep, Pass, Tape, Tensor};
use datasets::Batch;
use layers::{Context, Execution, Layer, parameter_count};
use serde::Serialize;

use super::step::{Targets, record_loss};
use crate::error::{Error, Result};

/// The bytes of a training step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepMemory {
    /// Images in the batch.
    pub batch: usize,
    /// From steps of two and three images.
    pub planned: Memory,
    /// From the step itself.
    pub measured: Memory,
    /// Positions of the rows asked for.
    pub chosen: Vec<usize>,
    /// What the optimiser keeps from step to step, and an average of the weights, as if no parameter were frozen.
    pub optimiser: usize,
}

/// A plan in three numbers, for records and messages; bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MemoryPlan {
    /// The most that a step's tensors take at once, parameters included, and gradients that are added up.
    pub step: usize,
    /// What the optimiser keeps, and an average of the weights, as if no parameter were frozen.
    pub optimiser: usize,
}

/// Plans a step with `batch` from steps with two and three of its images; `kept` arrays of the parameters' size stay from step
/// to step.
///
/// # Errors
/// Shapes that do not fit.
pub fn plan_memory(
    model: &mut dyn Layer<f32>,
    batch: &Batch,
    execution: Execution,
    kept: usize,
) -> Result<(Memory, MemoryPlan)> {
    let mut small = |n| Ok::<_, Error>(measure_memory(model, &head(batch, n), execution, None)?.0);
    let (two, three) = (small(2)?, small(3)?);
    let planned = Memory::extrapolated((2, &two), (3, &three), batch.len())?;
    let plan =
        MemoryPlan { step: planned.peak(), optimiser: kept * parameter_count(model) * size_of::<f32>() };
    Ok((planned, plan))
}

/// Runs a step as training does, and counts: the bytes, and the positions of the nodes that `pattern` names, or of all
/// that take any bytes. The model's running statistics move.
///
/// # Errors
/// Shapes that do not fit, or a pattern that names nothing.
pub fn measure_memory(
    model: &mut dyn Layer<f32>,
    batch: &Batch,
    execution: Execution,
    pattern: Option<&str>,
) -> Result<(Memory, Vec<usize>)> {
    let tape = Tape::new();
    let images = Tensor::new(batch.shape, batch.images.clone())?;
    let cx = Context::train(&tape, 0, 0).executing(execution);
    let (_, loss) = record_loss(model, &cx, images, Targets::of_labels(&batch.labels), 0.0)?;
    let named = pattern.map(|pattern| tape.find(pattern)).transpose()?;
    let gradients = tape.run(Pass::new(Keep::Leaves).releasing().measuring_memory(), loss)?;
    let memory = gradients.memory().cloned().expect("the pass was told to measure");
    let takes_any = |&i: &usize| {
        let row = &memory.rows[i];
        row.value + row.saved + row.gradient > 0
    };
    let chosen = match named {
        Some(vars) => vars.into_iter().map(|v| v.id().index()).collect(),
        None => (0..memory.rows.len()).filter(takes_any).collect(),
    };
    Ok((memory, chosen))
}

/// The first `n` images, again from the start if there are fewer.
fn head(batch: &Batch, n: usize) -> Batch {
    let [_, channels, height, width] = batch.shape;
    let image = channels * height * width;
    let places: Vec<usize> = (0..n).map(|i| i % batch.len()).collect();
    Batch {
        images: places.iter().flat_map(|&i| &batch.images[i * image..][..image]).copied().collect(),
        shape: [n, channels, height, width],
        labels: places.iter().map(|&i| batch.labels[i]).collect(),
        indices: places.iter().map(|&i| batch.indices[i]).collect(),
        mix: None,
    }
}
