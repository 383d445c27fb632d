//! A batch normalization whose op may become part of the one behind it.

use autograd::{Op, Result, Scalar, Var, ops};

use crate::batch_norm::BatchNorm2d;
use crate::context::Context;
use crate::layer::Layer;

/// The output of a batch normalization, perhaps with a shortcut added to it: recorded, or still to be recorded together
/// with the activation that follows. Made by [`Context::norm`], used up by [`Context::call_normed`].
#[derive(Debug)]
pub struct Normed<'a, 't, S: Scalar>(State<'a, 't, S>);

#[derive(Debug)]
enum State<'a, 't, S: Scalar> {
    Recorded(Var<'t, S>),
    Pending(PendingNorm<'a, 't, S>),
}

/// A batch normalization of a training step that is not on the tape yet, only its operands are; see
/// [`Layer::forward_normed`].
#[derive(Debug)]
pub struct PendingNorm<'a, 't, S: Scalar> {
    norm: &'a mut BatchNorm2d<S>,
    /// x, γ and β.
    operands: [Var<'t, S>; 3],
    shortcut: Option<Var<'t, S>>,
    /// See [`BatchNorm2d::track`].
    gathered: Option<u64>,
}

impl<'t, S: Scalar> PendingNorm<'_, 't, S> {
    /// Records the normalization, and the sum if there is a shortcut, as ops of their own: z.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn separately(self) -> Result<Var<'t, S>> {
        let (op, shortcut) = (self.norm.op(), self.shortcut);
        let [x, gamma, beta] = self.operands;
        let z = x.batch_norm(gamma, beta, op)?;
        self.norm.track(z, self.gathered);
        shortcut.map_or(Ok(z), |shortcut| z.try_add(shortcut))
    }

    /// Records an op that begins with this normalization and saves its mean and variance first. Its inputs are x, γ and
    /// β, then `more`, then the shortcut if there is one.
    ///
    /// # Errors
    /// Whatever the op refuses.
    pub fn within<O: Op<S>>(
        self,
        more: Option<Var<'t, S>>,
        op: impl FnOnce(ops::BatchNorm) -> O,
    ) -> Result<Var<'t, S>> {
        let inputs: Vec<_> = self.operands.into_iter().chain(more).chain(self.shortcut).collect();
        let y = inputs[0].tape().apply(op(self.norm.op()), &inputs)?;
        self.norm.track(y, self.gathered);
        Ok(y)
    }
}

/// What is recorded already, such as a normalization with an op behind it.
impl<'t, S: Scalar> From<Var<'t, S>> for Normed<'_, 't, S> {
    fn from(recorded: Var<'t, S>) -> Self {
        Self(State::Recorded(recorded))
    }
}

impl<'t, S: Scalar> Normed<'_, 't, S> {
    /// The sum with the path around a block.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn plus(self, around: Var<'t, S>) -> Result<Self> {
        Ok(Self(match self.0 {
            // An op of its own broadcasts and can be followed by another; one that is fused cannot.
            State::Pending(pending)
                if pending.shortcut.is_none() && pending.operands[0].shape() == around.shape() =>
            {
                State::Pending(PendingNorm { shortcut: Some(around), ..pending })
            }
            State::Pending(pending) => State::Recorded(pending.separately()?.try_add(around)?),
            State::Recorded(z) => State::Recorded(z.try_add(around)?),
        }))
    }
}

impl<'t, S: Scalar> Context<'t, S> {
    /// Applies the child `norm` inside a scope of the name `name`; a fused training step records its operands there and
    /// leaves the rest to [`Context::call_normed`].
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn norm<'a>(
        &self,
        name: &str,
        norm: &'a mut BatchNorm2d<S>,
        x: Var<'t, S>,
    ) -> Result<Normed<'a, 't, S>> {
        let _scope = self.tape().scope(name);
        if !(self.execution().fused && self.is_training()) {
            return Ok(Normed(State::Recorded(norm.forward(self, x)?)));
        }
        let [gamma, beta] = norm.parameters(self)?;
        Ok(Normed(State::Pending(PendingNorm {
            norm,
            operands: [x, gamma, beta],
            shortcut: None,
            gathered: self.gathered(),
        })))
    }

    /// Applies the child layer `name` to what was normalized, inside a scope of that name.
    ///
    /// # Errors
    /// Whatever the layer refuses.
    pub fn call_normed(
        &self,
        name: &str,
        layer: &mut dyn Layer<S>,
        normed: Normed<'_, 't, S>,
    ) -> Result<Var<'t, S>> {
        let _scope = self.tape().scope(name);
        match normed.0 {
            State::Recorded(z) => layer.forward(self, z),
            State::Pending(pending) => layer.forward_normed(self, pending),
        }
    }
}
