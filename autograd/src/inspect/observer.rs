//! Those who look on while a backward pass runs. They read; what changes a gradient is an op on the tape.

use crate::scalar::Scalar;
use crate::tape::NodeId;
use crate::tensor::Tensor;

/// A value or a gradient as an observer sees it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a, S> {
    /// The node's position.
    pub id: NodeId,
    /// The node's path.
    pub path: &'a str,
    /// The op's name, or `leaf`.
    pub op: &'static str,
    /// The value, or ∂L/∂value.
    pub tensor: &'a Tensor<S>,
}

/// One who looks at values and gradients; see [`Pass::observe`](crate::Pass::observe).
pub trait Observer<S: Scalar> {
    /// A value, shown before the pass begins.
    fn value(&mut self, _seen: &Seen<'_, S>) {}
    /// A complete gradient: the sum over all uses of the value.
    fn gradient(&mut self, _seen: &Seen<'_, S>) {}
}

impl<S: Scalar, O: Observer<S> + ?Sized> Observer<S> for &mut O {
    fn value(&mut self, seen: &Seen<'_, S>) {
        (**self).value(seen);
    }
    fn gradient(&mut self, seen: &Seen<'_, S>) {
        (**self).gradient(seen);
    }
}

/// A function of values.
pub(crate) struct OnValue<F>(pub(crate) F);

impl<S: Scalar, F: FnMut(&Seen<'_, S>)> Observer<S> for OnValue<F> {
    fn value(&mut self, seen: &Seen<'_, S>) {
        (self.0)(seen);
    }
}

/// A function of gradients.
pub(crate) struct OnGradient<F>(pub(crate) F);

impl<S: Scalar, F: FnMut(&Seen<'_, S>)> Observer<S> for OnGradient<F> {
    fn gradient(&mut self, seen: &Seen<'_, S>) {
        (self.0)(seen);
    }
}
