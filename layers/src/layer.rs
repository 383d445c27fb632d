//! The contract of a layer, and the walk over what it owns.

use std::fmt::Debug;

use autograd::{Result, Scalar, Tensor, Var};

use crate::batch_norm::BatchNorm2d;
use crate::context::Context;
use crate::normed::PendingNorm;
use crate::parameter::Parameter;

/// Something that turns one value on the tape into another, with state of its own.
///
/// `forward` takes `&mut self` because running statistics may move; in [`Mode::Eval`](crate::Mode::Eval) nothing
/// does. Children are applied through [`Context::call`] and shown through [`Walk::child`] under the same names,
/// so that a parameter's name on the tape is its name in a file; names follow torchvision.
pub trait Layer<S: Scalar>: Debug + Send {
    /// Records the layer's computation.
    ///
    /// # Errors
    /// Shapes that do not fit.
    fn forward<'t>(&mut self, cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>>;

    /// [`Layer::forward`] of a batch normalization that is not recorded yet, asked only where a step is
    /// [fused](crate::Execution::fused). An activation that has an op for both together records that one; it must give
    /// the same bits.
    ///
    /// # Errors
    /// Shapes that do not fit.
    fn forward_normed<'t>(
        &mut self,
        cx: &Context<'t, S>,
        normed: PendingNorm<'_, 't, S>,
    ) -> Result<Var<'t, S>> {
        let z = normed.separately()?;
        self.forward(cx, z)
    }

    /// Itself, if it is a batch normalization: then the layer behind it may be recorded together with it.
    fn as_batch_norm(&mut self) -> Option<&mut BatchNorm2d<S>> {
        None
    }

    /// Shows every parameter, buffer and child, always in the same order. A layer with none does nothing.
    ///
    /// There is one walk, and it is mutable, rather than one for reading and one for writing: two lists of names
    /// could drift apart.
    fn visit(&mut self, _walk: &mut Walk<'_, S>) {}
}

/// State that is not learnt by gradients.
#[derive(Debug)]
pub enum BufferMut<'a, S> {
    /// Numbers in the layer's own precision.
    Tensor(&'a mut Tensor<S>),
    /// Numbers always kept in f64.
    Values(&'a mut Vec<f64>),
    /// A count.
    Count(&'a mut u64),
}

/// Receives what a [`Walk`] comes by.
pub trait Visitor<S: Scalar> {
    /// A parameter and its full name.
    fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>);
    /// A buffer and its full name.
    fn buffer(&mut self, _name: &str, _buffer: BufferMut<'_, S>) {}
}

/// A walk over a layer's state that keeps the path.
pub struct Walk<'v, S> {
    path: String,
    visitor: &'v mut dyn Visitor<S>,
}

impl<'v, S: Scalar> Walk<'v, S> {
    /// Shows everything `layer` owns to `visitor`.
    pub fn over(layer: &mut dyn Layer<S>, visitor: &'v mut dyn Visitor<S>) {
        layer.visit(&mut Self { path: String::new(), visitor });
    }

    /// A child layer.
    pub fn child(&mut self, name: &str, layer: &mut dyn Layer<S>) {
        let parent = self.path.clone();
        self.path = self.full(name);
        layer.visit(self);
        self.path = parent;
    }

    /// A parameter of this layer.
    pub fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
        let full = self.full(name);
        self.visitor.parameter(&full, parameter);
    }

    /// A buffer of this layer.
    pub fn buffer(&mut self, name: &str, buffer: BufferMut<'_, S>) {
        let full = self.full(name);
        self.visitor.buffer(&full, buffer);
    }

    fn full(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) }
    }
}

/// The number of learnt numbers.
pub fn parameter_count<S: Scalar>(layer: &mut dyn Layer<S>) -> usize {
    struct Count(usize);
    impl<S: Scalar> Visitor<S> for Count {
        fn parameter(&mut self, _name: &str, parameter: &mut Parameter<S>) {
            self.0 += parameter.value.len();
        }
    }
    let mut count = Count(0);
    Walk::over(layer, &mut count);
    count.0
}

/// What the tests of the layers look at and set.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::parameter::Role;

    /// What a walk came by: a parameter, which has a role, or a buffer; counts become numbers.
    #[derive(Debug, Clone, PartialEq)]
    pub(crate) struct Entry {
        pub(crate) name: String,
        pub(crate) role: Option<Role>,
        pub(crate) dims: Vec<usize>,
        pub(crate) numbers: Vec<f64>,
    }

    struct Read(Vec<Entry>);

    impl Read {
        fn push<S: Scalar>(&mut self, name: &str, role: Option<Role>, value: &Tensor<S>) {
            let numbers = value.data().iter().map(|x| x.to_f64()).collect();
            self.0.push(Entry { name: name.into(), role, dims: value.dims().to_vec(), numbers });
        }
    }

    impl<S: Scalar> Visitor<S> for Read {
        fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
            self.push(name, Some(parameter.role), &parameter.value);
        }

        fn buffer(&mut self, name: &str, buffer: BufferMut<'_, S>) {
            match buffer {
                BufferMut::Tensor(t) => self.push(name, None, t),
                BufferMut::Values(v) => self.push(name, None, &Tensor::vector(v.clone())),
                BufferMut::Count(n) => self.push(name, None, &Tensor::scalar(*n as f64)),
            }
        }
    }

    /// Everything `layer` owns, in the order of the walk.
    pub(crate) fn state<S: Scalar>(layer: &mut dyn Layer<S>) -> Vec<Entry> {
        let mut read = Read(Vec::new());
        Walk::over(layer, &mut read);
        read.0
    }

    /// The names of [`state`].
    pub(crate) fn names<S: Scalar>(layer: &mut dyn Layer<S>) -> Vec<String> {
        state(layer).into_iter().map(|e| e.name).collect()
    }

    /// The numbers of the parameter or buffer `name`.
    pub(crate) fn numbers<S: Scalar>(layer: &mut dyn Layer<S>, name: &str) -> Vec<f64> {
        let entry = state(layer).into_iter().find(|e| e.name == name);
        entry.unwrap_or_else(|| panic!("no {name}")).numbers
    }

    struct Write<'a> {
        name: &'a str,
        numbers: &'a [f64],
        written: usize,
    }

    impl Write<'_> {
        fn into<S: Scalar>(&mut self, name: &str, value: &mut Tensor<S>) {
            if name == self.name {
                let numbers = self.numbers.iter().map(|&x| S::from_f64(x)).collect();
                *value = Tensor::new(value.shape(), numbers).expect("as many numbers as before");
                self.written += 1;
            }
        }
    }

    impl<S: Scalar> Visitor<S> for Write<'_> {
        fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
            self.into(name, &mut parameter.value);
        }

        fn buffer(&mut self, name: &str, buffer: BufferMut<'_, S>) {
            if let BufferMut::Tensor(value) = buffer {
                self.into(name, value);
            }
        }
    }

    /// Sets the numbers of the parameter or tensor buffer `name`.
    pub(crate) fn set<S: Scalar>(layer: &mut dyn Layer<S>, name: &str, numbers: &[f64]) {
        let mut write = Write { name, numbers, written: 0 };
        Walk::over(layer, &mut write);
        assert_eq!(write.written, 1, "{name}");
    }

    /// `count` numbers without a pattern, between −1 and 1.
    pub(crate) fn scattered(count: usize) -> Vec<f64> {
        (0..count).map(|i| (7.3 * (i * i + 1) as f64).sin()).collect()
    }
}
