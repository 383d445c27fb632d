//! Stochastic gradient descent.

use std::collections::BTreeMap;

use autograd::{Error, Gradients, Result, Scalar, Tensor};
use serde::{Deserialize, Serialize};

use crate::layer::{Layer, Visitor, Walk};
use crate::parameter::{Parameter, Role};

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

    /// Moves every parameter of `model` along its gradient. On an error nothing has moved.
    ///
    /// # Errors
    /// A parameter has no gradient: the error names it.
    pub fn step(&mut self, model: &mut dyn Layer<S>, gradients: &Gradients<S>, rate: f64) -> Result<()> {
        let mut require = Require { gradients, missing: None };
        Walk::over(model, &mut require);
        if let Some(error) = require.missing {
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
        let (mu, rate) = (S::from_f64(momentum), S::from_f64(rate));
        // At rest v is 0, and μ·0 + g is the g that torch starts from.
        let velocity =
            self.velocity.entry(name.to_string()).or_insert_with(|| Tensor::zeros(gradient.shape()));
        let elements = parameter.value.data_mut().iter_mut().zip(gradient.data()).zip(velocity.data_mut());
        for ((p, &g), v) in elements {
            let g = g + coupled * *p;
            *v = mu * *v + g;
            let direction = if nesterov { g + mu * *v } else { *v };
            *p = shrink * *p - rate * direction;
        }
    }
}

/// Looks for parameters without gradient.
struct Require<'a, S> {
    gradients: &'a Gradients<S>,
    missing: Option<Error>,
}

impl<S: Scalar> Visitor<S> for Require<'_, S> {
    fn parameter(&mut self, name: &str, _parameter: &mut Parameter<S>) {
        if let Err(error) = self.gradients.named(name) {
            self.missing.get_or_insert(error);
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
        if let Ok(gradient) = self.gradients.named(name) {
            self.sgd.update(name, parameter, gradient, self.rate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

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
}
