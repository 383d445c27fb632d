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
        let mut layers = self.layers.iter_mut().peekable();
        while let Some((name, layer)) = layers.next() {
            x = match (layer.as_batch_norm(), layers.peek().is_some()) {
                (Some(norm), true) => {
                    let normed = cx.norm(name, norm, x)?;
                    let (name, layer) = layers.next().expect("one follows");
                    cx.call_normed(name, layer.as_mut(), normed)?
                }
                _ => cx.call(name, layer.as_mut(), x)?,
            };
        }
        Ok(x)
    }

    fn visit(&mut self, walk: &mut Walk<'_, S>) {
        for (name, layer) in &mut self.layers {
            walk.child(name, layer.as_mut());
        }
    }
}

#[cfg(test)]
mod tests {
    use autograd::ops::activation::{Relu, Sin};
    use autograd::{Keep, Tape, Tensor};

    use super::*;
    use crate::activation::{Activation, PRelu};
    use crate::init::{Init, Initializer};
    use crate::layer::testing::{names, scattered, state};
    use crate::linear::Linear;

    #[test]
    fn layers_are_applied_in_order() {
        let tape = Tape::<f64>::new();
        let x = tape.constant(Tensor::vector(vec![-1.0, 2.0, 4.0]));
        let cx = Context::eval(&tape);
        let mut none = Sequential::new();
        assert!(none.is_empty());
        assert_eq!(none.forward(&cx, x).unwrap().id(), x.id());
        let mut net = Sequential::new().then(Activation(Relu)).then(Activation(Sin));
        assert_eq!(net.len(), 2);
        let want = x.map(Relu).map(Sin).value();
        assert_ne!(want, x.map(Sin).map(Relu).value());
        assert_eq!(net.forward(&cx, x).unwrap().value(), want);
    }

    /// A name that differed between the walk and the tape would leave a parameter without gradient, or a stored
    /// weight without owner.
    #[test]
    fn the_walk_names_parameters_as_the_tape_does() {
        let mut init = Initializer::new(Init::HeNormal, 3);
        let inner = Sequential::new().then(Linear::new(4, 3, &mut init)).then(PRelu::default());
        let mut net = Sequential::<f64>::new()
            .then(Linear::new(2, 4, &mut init))
            .named("block", inner)
            .boxed("act", Box::new(PRelu::default()))
            .then(Linear::new(3, 1, &mut init));
        let want = [
            "0.weight",
            "0.bias",
            "block.0.weight",
            "block.0.bias",
            "block.1.weight",
            "act.weight",
            "3.weight",
            "3.bias",
        ];
        assert_eq!(names(&mut net), want);

        let tape = Tape::new();
        let x = tape.constant(Tensor::new([5, 2], scattered(10)).unwrap());
        let y = net.forward(&Context::train(&tape, 0, 0), x).unwrap();
        assert_eq!(y.scope(), "3");
        let mut sorted = want.map(str::to_string).to_vec();
        sorted.sort();
        let on_tape: Vec<_> = tape.parameters().into_iter().map(|(name, _)| name).collect();
        assert_eq!(on_tape, sorted);
        let gradients = tape.backward(y.sum_all(), Keep::Leaves).unwrap();
        for entry in state(&mut net) {
            assert_eq!(gradients.named(&entry.name).unwrap().dims(), entry.dims, "{}", entry.name);
        }
    }

    #[test]
    fn one_name_for_two_layers_is_refused() {
        let mut init = Initializer::new(Init::HeNormal, 3);
        let mut net =
            Sequential::new().then(Linear::new(2, 2, &mut init)).named("0", Linear::new(2, 2, &mut init));
        let tape = Tape::<f64>::new();
        let x = tape.constant(Tensor::zeros([1, 2]));
        let text = net.forward(&Context::eval(&tape), x).unwrap_err().to_string();
        assert!(text.contains("0.weight"), "{text}");
    }
}
