//! One training step of a session on a tape that keeps everything.

use autograd::{Gradients, Keep, NodeId, Scalar, Tape, Tensor, Var};
use datasets::Batch;
use layers::{Context, Execution, Layer};

use super::step::{Targets, record_loss};
use crate::error::Result;

/// A step's tape with the gradient of every node.
#[derive(Debug)]
pub struct Recording<S> {
    /// Everything that was computed.
    pub tape: Tape<S>,
    /// The gradients of the loss.
    pub gradients: Gradients<S>,
    loss: NodeId,
}

impl<S: Scalar> Recording<S> {
    /// Records step `step` of a run with this seed, carried out as `execution` says. The model's running statistics move as in training.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn of(
        model: &mut dyn Layer<S>,
        batch: &Batch,
        execution: Execution,
        smoothing: f64,
        (seed, step): (u64, u64),
    ) -> Result<Self> {
        let tape = Tape::new();
        let pixels = batch.images.iter().map(|&x| S::from_f64(f64::from(x))).collect();
        let images = Tensor::new(batch.shape, pixels)?;
        let (loss, gradients) = {
            let cx = Context::train(&tape, seed, step).executing(execution);
            let (_, loss) = record_loss(model, &cx, images, Targets::of(batch), smoothing)?;
            (loss.id(), tape.backward(loss, Keep::All)?)
        };
        Ok(Self { tape, gradients, loss })
    }

    /// The loss.
    pub fn loss(&self) -> Var<'_, S> {
        self.tape.vars().nth(self.loss.index()).expect("the loss is on its tape")
    }
}
