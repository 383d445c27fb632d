//! Stochastic gradient descent.

use std::collections::BTreeMap;

use autograd::kernels::vector::Loop;
use autograd::{Error, Gradients, Result, Scalar, Tensor};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::layer::{Layer, Visitor, Walk};
use crate::parameter::{Parameter, Role};

/// Numbers of a parameter per task; below, waking a thread costs more than it saves.
const CHUNK: usize = 16 * 1024;

/// Where weight decay acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightDecay {
    /// In the gradient, g + decay·p, and so in the momentum: L2 regularisation.
    Coupled,
    /// On the parameter, p ← (1 − rate·decay)·p before the step. Source: Loshchilov and Hutter (2019).
    Decoupled,
}

/// What weight decay acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decayed {
    /// Every parameter.
    All,
    /// Weights of linear maps and convolutions only: no bias, no normalization, no activation parameter.
    Weights,
}

/// Settings of [`Sgd`]. There is no default learning rate: every step is given one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SgdSettings {
    /// μ in v ← μ v + g; 0 for none.
    pub momentum: f64,
    /// Step along g + μ v instead of v.
    pub nesterov: bool,
    /// The strength of weight decay; 0 for none.
    pub weight_decay: f64,
    /// Where it acts.
    pub kind: WeightDecay,
    /// What it acts on.
    pub decayed: Decayed,
}

/// v ← μ v + g (v = g at first), p ← p − rate·v, or p ← p − rate·(g + μ v) with Nesterov, as `torch.optim.SGD`
/// without dampening. Source: Sutskever et al. (2013), in PyTorch's form.
#[derive(Debug)]
pub struct Sgd<S> {
    settings: SgdSettings,
    velocity: BTreeMap<String, Tensor<S>>,
}

impl<S: Scalar> Sgd<S> {
    /// An optimiser at rest.
    ///
    /// # Errors
    /// A momentum outside [0, 1), Nesterov without momentum, or a weight decay that is negative or not finite.
    pub fn new(settings: SgdSettings) -> Result<Self> {
        let refuse = |what: String, legal: &str| Error::Argument { op: "sgd", what, legal: legal.into() };
        if !(0.0..1.0).contains(&settings.momentum) {
            return Err(refuse(format!("momentum is {}", settings.momentum), "a number from 0 to below 1"));
        }
        if settings.nesterov && settings.momentum == 0.0 {
            return Err(refuse("nesterov without momentum".into(), "a positive momentum with it"));
        }
        if !(settings.weight_decay >= 0.0 && settings.weight_decay.is_finite()) {
            return Err(refuse(
                format!("weight decay is {}", settings.weight_decay),
                "0 or a positive number",
            ));
        }
        Ok(Self { settings, velocity: BTreeMap::new() })
    }

    /// Moves every parameter of `model` along its gradient, apart from frozen ones. On an error nothing has moved.
    ///
    /// # Errors
    /// A parameter has no gradient (the error names it), or one of another shape.
    pub fn step(&mut self, model: &mut dyn Layer<S>, gradients: &Gradients<S>, rate: f64) -> Result<()> {
        let mut require = Require { gradients, velocity: &self.velocity, wrong: None };
        Walk::over(model, &mut require);
        if let Some(error) = require.wrong {
            return Err(error);
        }
        Walk::over(model, &mut Step { sgd: self, gradients, rate });
        Ok(())
    }

    /// One parameter's step.
    fn update(&mut self, name: &str, parameter: &mut Parameter<S>, gradient: &Tensor<S>, rate: f64) {
        let SgdSettings { momentum, nesterov, weight_decay, kind, decayed } = self.settings;
        let is_decayed = decayed == Decayed::All || parameter.role == Role::Weight;
        let decay = if is_decayed { weight_decay } else { 0.0 };
        let (coupled, shrink) = match kind {
            WeightDecay::Coupled => (S::from_f64(decay), S::ONE),
            WeightDecay::Decoupled => (S::ZERO, S::from_f64(1.0 - rate * decay)),
        };
        let rule =
            Rule { coupled, shrink, momentum: S::from_f64(momentum), rate: S::from_f64(rate), nesterov };
        // At rest v is 0, and μ·0 + g is the g that torch starts from.
        let velocity =
            self.velocity.entry(name.to_string()).or_insert_with(|| Tensor::zeros(gradient.shape()));
        rule.apply(parameter.value.data_mut(), gradient.data(), velocity.data_mut());
    }
}

/// A step's numbers, in the parameter's precision.
#[derive(Debug, Clone, Copy)]
struct Rule<S> {
    /// What decay adds to the gradient.
    coupled: S,
    /// What decay leaves of the parameter.
    shrink: S,
    momentum: S,
    rate: S,
    nesterov: bool,
}

impl<S: Scalar> Rule<S> {
    /// Moves `p` and `v` in one pass over memory. Every number is by itself, so the bits do not depend on the threads.
    fn apply(self, p: &mut [S], g: &[S], v: &mut [S]) {
        if p.len() <= CHUNK {
            return S::vectorized(Update { rule: self, p, g, v });
        }
        let chunks = p.par_chunks_mut(CHUNK).zip(g.par_chunks(CHUNK)).zip(v.par_chunks_mut(CHUNK));
        chunks.for_each(|((p, g), v)| S::vectorized(Update { rule: self, p, g, v }));
    }

    #[inline(always)]
    fn move_one(&self, p: &mut S, g: S, v: &mut S) {
        let g = g + self.coupled * *p;
        *v = self.momentum * *v + g;
        let direction = if self.nesterov { g + self.momentum * *v } else { *v };
        *p = self.shrink * *p - self.rate * direction;
    }
}

/// [`Rule::move_one`] for every element.
struct Update<'a, S> {
    rule: Rule<S>,
    p: &'a mut [S],
    g: &'a [S],
    v: &'a mut [S],
}

impl<S: Scalar> Loop for Update<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for ((p, &g), v) in self.p.iter_mut().zip(self.g).zip(self.v) {
            self.rule.move_one(p, g, v);
        }
    }
}

/// Looks for parameters without gradient, or with one that does not fit.
struct Require<'a, S> {
    gradients: &'a Gradients<S>,
    velocity: &'a BTreeMap<String, Tensor<S>>,
    wrong: Option<Error>,
}

impl<S: Scalar> Visitor<S> for Require<'_, S> {
    fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
        if parameter.is_frozen {
            return;
        }
        let shape = parameter.value.shape();
        let differs = |other: autograd::Shape| {
            let rule = "a gradient, and the velocity of earlier steps, must have the parameter's shape";
            (other != shape).then_some(Error::Shapes { op: "sgd", left: shape, right: other, rule })
        };
        let wrong = match self.gradients.named(name) {
            Err(error) => Some(error),
            Ok(gradient) => differs(gradient.shape()),
        };
        let wrong = wrong.or_else(|| self.velocity.get(name).and_then(|v| differs(v.shape())));
        if let Some(error) = wrong {
            self.wrong.get_or_insert(error);
        }
    }
}

struct Step<'a, S> {
    sgd: &'a mut Sgd<S>,
    gradients: &'a Gradients<S>,
    rate: f64,
}

impl<S: Scalar> Visitor<S> for Step<'_, S> {
    fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
        if parameter.is_frozen {
            return;
        }
        if let Ok(gradient) = self.gradients.named(name) {
            self.sgd.update(name, parameter, gradient, self.rate);
        }
    }
}

#[cfg(test)]
mod tests {
    use autograd::{Keep, Tape};
    use serde_json::Value;

    use super::*;
    use crate::context::Context;
    use crate::init::{Init, Initializer};
    use crate::layer::testing::{numbers as numbers_of, set, state};
    use crate::linear::Linear;
    use crate::sequential::Sequential;
    use crate::weights;

    fn numbers(v: &Value) -> Vec<f64> {
        v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    }

    /// Thirty steps on g = A p + sin p, against `torch.optim.SGD` in f64; see tests/golden/README.md.
    #[test]
    fn trajectories_equal_those_of_torch() {
        let golden: Value = serde_json::from_str(include_str!("../../../tests/golden/optim.json")).unwrap();
        let a: Vec<Vec<f64>> = golden["A"].as_array().unwrap().iter().map(numbers).collect();
        let mut tested = 0;
        for run in golden["runs"].as_array().unwrap() {
            let s = &run["settings"];
            let kind =
                if s["decoupled"].as_bool().unwrap() { WeightDecay::Decoupled } else { WeightDecay::Coupled };
            let mut sgd = Sgd::<f64>::new(SgdSettings {
                momentum: s["momentum"].as_f64().unwrap(),
                nesterov: s["nesterov"].as_bool().unwrap(),
                weight_decay: s["weight_decay"].as_f64().unwrap(),
                kind,
                decayed: Decayed::All,
            })
            .unwrap();
            let mut p = Parameter::new(Tensor::vector(numbers(&golden["p0"])), Role::Weight);
            for (t, want) in run["trajectory"].as_array().unwrap().iter().enumerate() {
                let x = p.value.data();
                let g = (0..x.len()).map(|i| (0..x.len()).map(|j| a[i][j] * x[j]).sum::<f64>() + x[i].sin());
                let g = Tensor::vector(g.collect());
                sgd.update("p", &mut p, &g, s["lr"].as_f64().unwrap());
                for (got, want) in p.value.data().iter().zip(numbers(want)) {
                    assert!((got - want).abs() <= 1e-12 * want.abs().max(1.0), "{s}: step {t}: {got} {want}");
                }
            }
            tested += 1;
        }
        assert_eq!(tested, 8);
    }

    /// Long enough for several tasks with a remainder, against one number at a time.
    #[test]
    fn a_large_parameter_moves_as_its_numbers_do_one_by_one() {
        let n = 2 * CHUNK + 13;
        let numbers = |a: f32| (0..n).map(|i| (a * i as f32).sin()).collect::<Vec<_>>();
        let (g, start) = (numbers(0.37), (numbers(0.11), numbers(0.23)));
        for nesterov in [false, true] {
            let rule = Rule { coupled: 0.003f32, shrink: 0.99, momentum: 0.9, rate: 0.07, nesterov };
            let (mut p, mut v) = start.clone();
            let (mut want_p, mut want_v) = start.clone();
            rule.apply(&mut p, &g, &mut v);
            want_p.iter_mut().zip(&g).zip(&mut want_v).for_each(|((p, &g), v)| rule.move_one(p, g, v));
            assert!(p == want_p && v == want_v);
            for threads in [1, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let (mut again, mut v) = start.clone();
                pool.install(|| rule.apply(&mut again, &g, &mut v));
                assert!(again == p);
            }
        }
    }

    #[test]
    fn decay_can_spare_what_is_not_a_weight() {
        let settings = SgdSettings {
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.5,
            kind: WeightDecay::Coupled,
            decayed: Decayed::Weights,
        };
        let mut sgd = Sgd::<f64>::new(settings).unwrap();
        let mut moved = |role| {
            let mut p = Parameter::new(Tensor::vector(vec![1.0]), role);
            sgd.update(&format!("{role:?}"), &mut p, &Tensor::zeros([1]), 0.1);
            p.value.data()[0]
        };
        assert_eq!(moved(Role::Weight), 0.95);
        assert_eq!((moved(Role::Bias), moved(Role::Norm), moved(Role::Activation)), (1.0, 1.0, 1.0));
    }

    #[test]
    fn illegal_settings_are_refused() {
        let legal = SgdSettings {
            momentum: 0.9,
            nesterov: true,
            weight_decay: 0.0,
            kind: WeightDecay::Coupled,
            decayed: Decayed::All,
        };
        assert!(Sgd::<f32>::new(legal).is_ok());
        assert!(Sgd::<f32>::new(SgdSettings { momentum: 1.0, ..legal }).is_err());
        assert!(Sgd::<f32>::new(SgdSettings { momentum: 0.0, ..legal }).is_err());
        assert!(Sgd::<f32>::new(SgdSettings { weight_decay: f64::NAN, ..legal }).is_err());
    }

    fn linear(inputs: usize, outputs: usize) -> Linear<f64> {
        Linear::new(inputs, outputs, &mut Initializer::new(Init::HeNormal, 4))
    }

    /// The gradients of Σ y² at x = (1, 2).
    fn gradients(model: &mut dyn Layer<f64>) -> Gradients<f64> {
        let tape = Tape::new();
        let x = tape.constant(Tensor::new([1, 2], vec![1.0, 2.0]).unwrap());
        let y = model.forward(&Context::train(&tape, 0, 0), x).unwrap();
        tape.backward((y * y).sum_all(), Keep::Leaves).unwrap()
    }

    const MOMENTUM: SgdSettings = SgdSettings {
        momentum: 0.5,
        nesterov: false,
        weight_decay: 0.0,
        kind: WeightDecay::Coupled,
        decayed: Decayed::All,
    };

    /// y = 0.125, ∂y² = 0.25·(1, 2; 1), rate ½; then y = −0.625, ∂y² = −1.25·(1, 2; 1), v = −1.125·(1, 2; 1),
    /// rate ¼. All numbers are dyadic, so nothing is rounded; the rate is not part of v.
    #[test]
    fn two_steps_of_a_model_are_those_by_hand() {
        let mut model = linear(2, 1);
        set(&mut model, "weight", &[0.5, -0.25]);
        set(&mut model, "bias", &[0.125]);
        let mut sgd = Sgd::new(MOMENTUM).unwrap();
        let slopes = gradients(&mut model);
        sgd.step(&mut model, &slopes, 0.5).unwrap();
        assert_eq!(numbers_of(&mut model, "weight"), [0.375, -0.5]);
        assert_eq!(numbers_of(&mut model, "bias"), [0.0]);
        let slopes = gradients(&mut model);
        sgd.step(&mut model, &slopes, 0.25).unwrap();
        assert_eq!(numbers_of(&mut model, "weight"), [0.65625, 0.0625]);
        assert_eq!(numbers_of(&mut model, "bias"), [0.28125]);
    }

    #[test]
    fn without_a_gradient_for_all_nothing_moves() {
        let mut part = Sequential::new().named("a", linear(2, 1));
        let slopes = gradients(&mut part);
        let mut sgd = Sgd::new(MOMENTUM).unwrap();
        let names = [["a", "b"], ["b", "a"]];
        for [first, second] in names {
            let mut whole = Sequential::new().named(first, linear(2, 1)).named(second, linear(2, 1));
            let before = state(&mut whole);
            let text = sgd.step(&mut whole, &slopes, 0.5).unwrap_err().to_string();
            assert_eq!(text, "no gradient for b.weight: no parameter of this name was used on the tape");
            assert_eq!(state(&mut whole), before);
        }
        // Nor has the velocity: the next step is that of an optimiser at rest.
        let mut other = Sequential::new().named("a", linear(2, 1));
        sgd.step(&mut part, &slopes, 0.5).unwrap();
        Sgd::new(MOMENTUM).unwrap().step(&mut other, &slopes, 0.5).unwrap();
        assert_eq!(state(&mut part), state(&mut other));
        assert_ne!(state(&mut part), state(&mut Sequential::new().named("a", linear(2, 1))));
    }

    /// Gradients of another model with the same names: nothing moves.
    #[test]
    fn a_gradient_of_another_shape_is_refused() {
        let settings = SgdSettings {
            momentum: 0.9,
            nesterov: false,
            weight_decay: 0.0,
            kind: WeightDecay::Coupled,
            decayed: Decayed::All,
        };
        let linear =
            |inputs, outputs| Linear::<f64>::new(inputs, outputs, &mut Initializer::new(Init::HeNormal, 1));
        let gradients = |layer: &mut Linear<f64>, inputs: usize| {
            let tape = Tape::new();
            let x = tape.constant(Tensor::full([2, inputs], 1.0));
            let y = layer.forward(&Context::train(&tape, 0, 0), x).unwrap();
            tape.backward(y.sum_all(), Keep::Leaves).unwrap()
        };
        let (mut small, mut large) = (linear(2, 1), linear(3, 2));
        let mut sgd = Sgd::new(settings).unwrap();
        let before = weights::to_safetensors(&mut large);
        let text = sgd.step(&mut large, &gradients(&mut small, 2), 0.1).unwrap_err().to_string();
        assert!(text.contains("sgd") && text.contains("[2, 3]") && text.contains("[1, 2]"), "{text}");
        assert_eq!(weights::to_safetensors(&mut large), before);
        // And a velocity of another model.
        sgd.step(&mut small, &gradients(&mut linear(2, 1), 2), 0.1).unwrap();
        let own = gradients(&mut linear(3, 2), 3);
        assert!(sgd.step(&mut large, &own, 0.1).is_err());
    }
}
