//! What is recorded at one place of a tape.

use smallvec::SmallVec;

use crate::op::{Forward, Op};
use crate::scalar::Scalar;
use crate::tape::NodeId;
use crate::tensor::Tensor;

/// What a node has of all that its op computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// Value and saved tensors.
    All,
    /// The value; what was saved is computed once more when it is needed.
    Value,
    /// Neither, until they are needed.
    Nothing,
    /// Neither: a backward pass has freed them for good.
    Released,
}

/// One recorded value: a leaf, or an op applied to earlier nodes.
#[derive(Debug)]
pub(crate) struct Node<S> {
    /// `None` for a leaf.
    pub(crate) op: Option<Box<dyn Op<S>>>,
    pub(crate) inputs: SmallVec<[NodeId; 3]>,
    pub(crate) value: Tensor<S>,
    pub(crate) saved: Box<[Tensor<S>]>,
    pub(crate) needs_gradient: bool,
    /// What is there; a value that is not has its shape but no elements.
    pub(crate) held: Held,
    /// Index into the tape's list of scope paths.
    pub(crate) scope: u32,
}

impl<S: Scalar> Node<S> {
    /// The op's registered name, or `leaf`.
    pub(crate) fn op_name(&self) -> &'static str {
        self.op.as_ref().map_or("leaf", |op| op.name())
    }

    /// The op with its settings, or `leaf`.
    pub(crate) fn op_text(&self) -> String {
        self.op.as_ref().map_or_else(|| "leaf".into(), |op| format!("{op:?}"))
    }

    /// Panics if value and saved tensors were freed.
    pub(crate) fn held(&self) -> &Self {
        assert!(
            self.held != Held::Released,
            "the value of this {} was freed by a backward pass told to; watch it, or do not release values",
            self.op_name()
        );
        self
    }

    /// Whether the value has its elements.
    pub(crate) fn has_value(&self) -> bool {
        matches!(self.held, Held::All | Held::Value)
    }

    /// Frees value and saved tensors for good, and keeps the shape.
    pub(crate) fn release(&mut self) {
        self.value.release();
        self.saved = Box::default();
        self.held = Held::Released;
    }

    /// Frees what the op can compute once more, but for the value if that `stays`. Leaves and what was freed are left.
    pub(crate) fn forget(&mut self, stays: bool) {
        if self.op.is_none() || self.held == Held::Released || stays && self.saved.is_empty() {
            return;
        }
        self.saved = Box::default();
        self.held = if stays { Held::Value } else { Held::Nothing };
        if !stays {
            self.value.release();
        }
    }

    /// Takes what the op computed once more.
    pub(crate) fn remember(&mut self, forward: Forward<S>) {
        if self.held == Held::Nothing {
            self.value = forward.output;
        }
        self.saved = forward.saved.into_boxed_slice();
        self.held = Held::All;
    }
}
