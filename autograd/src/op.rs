//! The extension contract: an op is a named value with a forward and a backward rule.
//!
//! The built-in ops and those of other crates come through this one door, so that a tape can list, draw and
//! replay every node it holds.

use std::any::Any;
use std::fmt::Debug;

use crate::error::{Error, Result};
use crate::samples::{Sample, SampledInput, Samples, UNSAID};
use crate::scalar::Scalar;
use crate::tensor::Tensor;

/// What an op's forward pass returns.
#[derive(Debug, Clone)]
pub struct Forward<S> {
    /// The op's value.
    pub output: Tensor<S>,
    /// What backward will want besides inputs and output; each op's documentation says what and in which order.
    pub saved: Vec<Tensor<S>>,
}

impl<S> Forward<S> {
    /// An output with nothing saved.
    pub fn of(output: Tensor<S>) -> Self {
        Self { output, saved: Vec::new() }
    }
}

/// What an op's backward pass is given.
#[derive(Debug, Clone, Copy)]
pub struct Backward<'a, S> {
    /// The inputs of the forward pass.
    pub inputs: &'a [&'a Tensor<S>],
    /// The value the forward pass returned.
    pub output: &'a Tensor<S>,
    /// What the forward pass saved.
    pub saved: &'a [Tensor<S>],
    /// ∂L/∂output, complete.
    pub upstream: &'a Tensor<S>,
    /// For each input, whether its gradient is wanted.
    pub needs: &'a [bool],
}

/// A differentiable operation.
///
/// Implement it for a small struct that holds the op's settings; apply it with [`Tape::apply`](crate::Tape::apply).
/// There is no rule for second derivatives: they come from running the same op over [`Dual`](crate::Dual) numbers.
pub trait Op<S: Scalar>: Any + Debug + Send + Sync {
    /// The registered name, as listings and errors print it.
    fn name(&self) -> &'static str;

    /// The op's value at `inputs`, which depends on these and on the op's settings alone: inside of a
    /// [checkpoint](crate::Tape::checkpoint) it is computed twice.
    ///
    /// # Errors
    /// Inputs whose number, shapes or labels do not fit, with the op's name and what would have been right.
    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>>;

    /// Whether gradients flow through. Where the answer is no, as for `detach`, every path ends, `backward` is never
    /// called, and a parameter whose only paths end here is reported as one without gradient.
    fn is_differentiable(&self) -> bool {
        true
    }

    /// Whether `backward` is linear in the upstream gradient, as it is for every derivative; an op that changes gradients
    /// on purpose may not be. Then the gradient of a batch is not the sum of its samples' parts.
    fn has_linear_backward(&self) -> bool {
        true
    }

    /// ∂L/∂input for every input with `cx.needs`, `None` for the others; each with its input's shape.
    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>>;

    /// What the op does to the samples of a batch: how its output relates to them, given how its inputs do. It is asked
    /// only if one of them is not shared. [`check::samples`](crate::check::samples) holds the op to what it says.
    ///
    /// An op that does not say is taken to mix the samples, so gradients sample by sample are refused behind it.
    fn samples(&self, _inputs: &[SampledInput]) -> Samples {
        Samples::Mixed(UNSAID)
    }

    /// The part of [`Op::backward`] that comes from row n of the upstream gradient, for inputs without rows; asked only
    /// of an output that has rows, its own or coupled ones. Over all n the parts add up to the whole.
    ///
    /// By default the backward pass with every other row set to 0: right for every op whose backward is linear (see [`Op::has_linear_backward`]) in the
    /// upstream gradient, but as expensive as a whole one for each sample. An op whose backward pass treats a row as a
    /// batch of one says so by [`Sample::alone`].
    fn backward_of_sample(&self, cx: &Backward<'_, S>, sample: Sample<'_>) -> Vec<Option<Tensor<S>>> {
        self.backward(&Backward { upstream: &sample.masked(cx.upstream), ..*cx })
    }
}

/// Checks the number of inputs of an op.
///
/// # Errors
/// It is not `N`.
pub fn inputs_of<'a, S, const N: usize>(
    op: &'static str,
    inputs: &'a [&'a Tensor<S>],
    legal: &'static str,
) -> Result<&'a [&'a Tensor<S>; N]> {
    inputs.try_into().map_err(|_| Error::Inputs { op, given: inputs.len(), legal })
}
