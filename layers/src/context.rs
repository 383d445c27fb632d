//! What a forward pass is told besides its input.

use autograd::{Result, Scalar, Tape, Var};

use crate::execution::Execution;
use crate::layer::Layer;
use crate::parameter::Parameter;

/// Whether a network learns or is being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Batch statistics, dropout, and running statistics that move.
    Train,
    /// Running statistics, no dropout, nothing moves.
    Eval,
}

/// The tape of this step, the mode, and the key of this step's random numbers.
#[derive(Debug, Clone, Copy)]
pub struct Context<'t, S> {
    tape: &'t Tape<S>,
    mode: Mode,
    seed: u64,
    step: u64,
    execution: Execution,
    /// The batches that were gathered before this one.
    gathered: Option<u64>,
}

impl<'t, S: Scalar> Context<'t, S> {
    /// A training step. Random layers draw from the stream of `(seed, step)`, so a step can be repeated exactly.
    pub fn train(tape: &'t Tape<S>, seed: u64, step: u64) -> Self {
        Self { tape, mode: Mode::Train, seed, step, execution: Execution::default(), gathered: None }
    }

    /// An evaluation; nothing in it is random.
    pub fn eval(tape: &'t Tape<S>) -> Self {
        Self { tape, mode: Mode::Eval, seed: 0, step: 0, execution: Execution::default(), gathered: None }
    }

    /// The same, carried out as `execution` says.
    #[must_use]
    pub fn executing(self, execution: Execution) -> Self {
        Self { execution, ..self }
    }

    /// The same, in a pass that gathers the running statistics of batch normalizations anew: they become the means over
    /// this batch and the `batches` before it. See [`gather_statistics`](crate::gather_statistics).
    #[must_use]
    pub fn gathering(self, batches: u64) -> Self {
        Self { gathered: Some(batches), ..self }
    }

    /// How many batches were gathered before this one, if running means are gathered anew.
    pub(crate) fn gathered(&self) -> Option<u64> {
        self.gathered
    }

    /// How this step is carried out.
    pub fn execution(&self) -> Execution {
        self.execution
    }

    /// The tape everything is recorded on.
    pub fn tape(&self) -> &'t Tape<S> {
        self.tape
    }

    /// Training or evaluation.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether running statistics move and random layers act.
    pub fn is_training(&self) -> bool {
        self.mode == Mode::Train
    }

    /// The seed and index of the stream for a random layer that is applied now.
    ///
    /// The number of nodes recorded so far tells one random layer of a step from the next; a step has fewer than 2²³.
    /// A layer that has a number of its own takes [`Context::site_key`].
    pub fn random_key(&self) -> (u64, u64) {
        (self.seed, self.step << 24 | self.tape.len() as u64)
    }

    /// The seed and index of the stream for a layer that knows its number among a network's random layers, below 2²³.
    ///
    /// It does not depend on what else is recorded, so however a step is [carried out](Context::executing), it draws the
    /// same. Counted down from the end of the step's indices, it meets none of [`Context::random_key`].
    pub fn site_key(&self, number: u64) -> (u64, u64) {
        const LAST: u64 = (1 << 24) - 1;
        (self.seed, self.step << 24 | (LAST - number.min(LAST)))
    }

    /// Records a parameter as the leaf `name` of the current scope, as a frozen one if it is that.
    ///
    /// # Errors
    /// The name is taken by another parameter.
    pub fn parameter(&self, name: &str, parameter: &Parameter<S>) -> Result<Var<'t, S>> {
        if parameter.is_frozen {
            return self.tape.frozen(name, &parameter.value);
        }
        self.tape.parameter(name, &parameter.value)
    }

    /// Records a block of the network: what [`Execution::checkpoint_blocks`] is about.
    ///
    /// # Errors
    /// Those of `record`.
    pub fn block(&self, record: impl FnOnce() -> Result<Var<'t, S>>) -> Result<Var<'t, S>> {
        if self.execution.checkpoint_blocks { self.tape.checkpoint(record) } else { record() }
    }

    /// Applies the child layer `name` inside a scope of that name.
    ///
    /// # Errors
    /// Whatever the layer refuses.
    pub fn call(&self, name: &str, layer: &mut dyn Layer<S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        let _scope = self.tape.scope(name);
        layer.forward(self, x)
    }
}
