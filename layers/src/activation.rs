//! Activation functions as layers, and the factory by which networks get them.

use autograd::ops::BatchNormMap;
use autograd::{Elementwise, Result, Scalar, Tensor, Var};

use crate::context::Context;
use crate::layer::{Layer, Walk};
use crate::normed::PendingNorm;
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

    fn forward_normed<'t>(
        &mut self,
        _cx: &Context<'t, S>,
        normed: PendingNorm<'_, 't, S>,
    ) -> Result<Var<'t, S>> {
        normed.within(None, |norm| BatchNormMap { norm, function: self.0 })
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

#[cfg(test)]
mod tests {
    use autograd::{Keep, Tape, ops};

    use super::*;
    use crate::layer::testing::{Entry, scattered, state};

    #[test]
    fn a_prelu_has_one_learnt_slope() {
        let mut layer = PRelu::<f64>::default();
        let role = Some(Role::Activation);
        let weight = Entry { name: "weight".into(), role, dims: vec![1], numbers: vec![0.25] };
        assert_eq!(state(&mut layer), [weight]);

        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::new([2, 2], vec![3.0, -2.0, -4.0, 0.0]).unwrap());
        let y = {
            let _scope = tape.scope("act1");
            layer.forward(&Context::train(&tape, 0, 0), x).unwrap()
        };
        assert_eq!(y.value().data(), [3.0, -0.5, -1.0, 0.0]);
        let gradients = tape.backward(y.sum_all(), Keep::Leaves).unwrap();
        assert_eq!(gradients.named("act1.weight").unwrap().data(), [-6.0]);
        assert_eq!(gradients.wrt(x).unwrap().data(), [1.0, 0.25, 0.25, 0.25]);
    }

    #[test]
    fn a_layer_without_state_applies_its_function_in_either_mode() {
        fn check<E: Elementwise>(function: E) {
            let tape = Tape::<f64>::new();
            let x = tape.variable(Tensor::vector(scattered(31)));
            let mut layer = Activation(function);
            let want = x.map(function).value();
            for cx in [Context::train(&tape, 0, 0), Context::eval(&tape)] {
                assert_eq!(layer.forward(&cx, x).unwrap().value(), want);
            }
            assert!(state::<f64>(&mut layer).is_empty());
        }
        check(ops::activation::Gelu);
        check(ops::activation::LeakyRelu { slope: 0.3 });
    }
}
