//! What a training step holds in memory: planned before it is run, and measured.

use autograd::inspect::Memory;
use autograd::{Keep, Pass, Tape, Tensor};
use datasets::Batch;
use layers::{Context, Execution, Layer, parameter_count};
use serde::Serialize;

use super::step::{Targets, record_loss};
use super::theory::keeping_for_theory;
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
    /// The same of a step that is compared with the theory, as one is before the first and after the last: it is carried out op by op
    /// and keeps every value.
    pub comparison: usize,
    /// What the optimiser keeps, and an average of the weights, as if no parameter were frozen.
    pub optimiser: usize,
}

impl MemoryPlan {
    /// The most that the run takes at any time, as far as it is planned.
    pub fn most(&self) -> usize {
        self.step.max(self.comparison) + self.optimiser
    }
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
    let mut planned = |of: Counted| {
        let mut small = |n| of(model, &head(batch, n), execution);
        let (two, three) = (small(2)?, small(3)?);
        Ok::<_, Error>(Memory::extrapolated((2, &two), (3, &three), batch.len())?)
    };
    let step = planned(|model, batch, execution| Ok(measure_memory(model, batch, execution, None)?.0))?;
    let comparison = planned(comparison_memory)?.peak();
    let optimiser = kept * parameter_count(model) * size_of::<f32>();
    let plan = MemoryPlan { step: step.peak(), comparison, optimiser };
    Ok((step, plan))
}

/// Carries out a step and counts its bytes.
type Counted = fn(&mut dyn Layer<f32>, &Batch, Execution) -> Result<Memory>;

/// As [`compare_with_theory`](super::theory::compare_with_theory) does it.
fn comparison_memory(model: &mut dyn Layer<f32>, batch: &Batch, execution: Execution) -> Result<Memory> {
    let tape = Tape::new();
    let images = Tensor::new(batch.shape, batch.images.clone())?;
    let cx = Context::train(&tape, 0, 0).executing(Execution {
        fused: false,
        checkpoint_blocks: false,
        ..execution
    });
    let (logits, loss) = record_loss(model, &cx, images, Targets::of_labels(&batch.labels), 0.0)?;
    let gradients = tape.run(keeping_for_theory(&tape, logits).measuring_memory(), loss)?;
    Ok(gradients.memory().cloned().expect("the pass was told to measure"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::model::build_model;
    use crate::run::{Options, Settings};

    /// From two small ones to the byte, as a step is; and it is the larger one, since it frees nothing on the way back.
    #[test]
    fn a_comparison_with_the_theory_is_planned() {
        let settings = Settings::of(Options {
            model: Some("resnet8".into()),
            width: Some(4),
            activation: Some("nswish".into()),
            ..Options::default()
        })
        .unwrap();
        let [n, side] = [7, 12];
        let batch = Batch {
            images: (0..n * side * side).map(|i| (i % 17) as f32 / 17.0).collect(),
            shape: [n, 1, side, side],
            labels: (0..n).map(|i| i % 3).collect(),
            indices: (0..n).collect(),
            mix: None,
        };
        let mut model = build_model::<f32>(&settings, [1, side, side], 3).unwrap();
        let plan = plan_memory(model.as_mut(), &batch, settings.execution(), 1).unwrap().1;
        let measured = comparison_memory(model.as_mut(), &batch, settings.execution()).unwrap();
        assert_eq!(plan.comparison, measured.peak());
        assert!(plan.comparison > plan.step, "{plan:?}");
        assert_eq!(plan.most(), plan.comparison + plan.optimiser);
    }
}
