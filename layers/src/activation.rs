//! Activation functions as layers, and the factory by which networks get them.

use autograd::{Elementwise, Result, Scalar, Tensor, Var};

use crate::context::Context;
use crate::layer::{Layer, Walk};
use crate::parameter::{Parameter, Role};

/// Makes the activation for one site of a network, which has so many channels. Called once per site, so that
/// activations with state never share it.
pub type MakeActivation<'a, S> = &'a dyn Fn(usize) -> Box<dyn Layer<S>>;

/// An activation without state.
#[derive(Debug, Clone, Copy)]
pub struct Activation<E>(pub E);

impl<S: Scalar, E: Elementwise> Layer<S> for Activation<E> {
    fn forward<'t>(&mut self, _cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        Ok(x.map(self.0))
    }
}

/// PReLU with one learnt slope, starting at ¼. Parameter `weight` \[1\].
/// Source: He et al., *Delving deep into rectifiers* (2015).
#[derive(Debug)]
pub struct PRelu<S> {
    slope: Parameter<S>,
}

impl<S: Scalar> Default for PRelu<S> {
    fn default() -> Self {
        Self { slope: Parameter::new(Tensor::full([1], S::from_f64(0.25)), Role::Activation) }
    }
}

impl<S: Scalar> Layer<S> for PRelu<S> {
    fn forward<'t>(&mut self, cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        x.prelu(cx.parameter("weight", &self.slope)?)
    }

    fn visit(&mut self, walk: &mut Walk<'_, S>) {
        walk.parameter("weight", &mut self.slope);
    }
}
