//! Layers one after the other.

use autograd::{Result, Scalar, Var};

use crate::context::Context;
use crate::layer::{Layer, Walk};

/// Applies its layers in order. Children are called by the names given, or by their position.
#[derive(Debug, Default)]
pub struct Sequential<S: Scalar> {
    layers: Vec<(String, Box<dyn Layer<S>>)>,
}

impl<S: Scalar> Sequential<S> {
    /// No layers yet: the identity.
    pub fn new() -> Self {
        Self { layers: Vec::new() }
    }

    /// Appends a layer named by its position, as torch does.
    #[must_use]
    pub fn then(self, layer: impl Layer<S> + 'static) -> Self {
        let name = self.layers.len().to_string();
        self.named(&name, layer)
    }

    /// Appends a layer under a name of its own.
    #[must_use]
    pub fn named(self, name: &str, layer: impl Layer<S> + 'static) -> Self {
        self.boxed(name, Box::new(layer))
    }

    /// Appends a layer whose type is known only at run time.
    #[must_use]
    pub fn boxed(mut self, name: &str, layer: Box<dyn Layer<S>>) -> Self {
        self.layers.push((name.to_string(), layer));
        self
    }

    /// The number of layers.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }
}

impl<S: Scalar> Layer<S> for Sequential<S> {
    fn forward<'t>(&mut self, cx: &Context<'t, S>, mut x: Var<'t, S>) -> Result<Var<'t, S>> {
        for (name, layer) in &mut self.layers {
            x = cx.call(name, layer.as_mut(), x)?;
        }
        Ok(x)
    }

    fn visit(&mut self, walk: &mut Walk<'_, S>) {
        for (name, layer) in &mut self.layers {
            walk.child(name, layer.as_mut());
        }
    }
}
