//! What moves a model's parameters.

use std::collections::BTreeMap;

use autograd::{Error, Gradients, Result, Scalar, Shape, Tensor};
use serde::Serialize;

use super::clipping::{self, Clipping};
use super::groups::Groups;
use super::registry::OptimizerSettings;
use super::rule::{self, Clip, Decayed, Now, Part};
use crate::layer::{Layer, Visitor, Walk};
use crate::parameter::{Parameter, Role};

/// An optimiser at work: its settings, what it keeps for each parameter by name, and how many steps it has taken.
#[derive(Debug, Clone)]
pub struct Optimizer<S> {
    pub(super) settings: OptimizerSettings,
    pub(super) groups: Groups,
    clipping: Option<Clipping>,
    pub(super) steps: u64,
    /// In the order of [`Rule::kept`](rule::Rule::kept).
    pub(super) kept: BTreeMap<String, Vec<Tensor<S>>>,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StepReport {
    /// The Euclidean norm over the gradients of all parameters that move, before clipping; computed only for clipping by
    /// norm.
    pub gradient_norm: Option<f64>,
    /// What the gradients were multiplied by, 1 if that norm was small enough.
    pub clipped_by: f64,
}

impl<S: Scalar> Optimizer<S> {
    /// An optimiser at rest, without groups and clipping.
    ///
    /// # Errors
    /// A setting out of range.
    pub fn new(settings: impl Into<OptimizerSettings>) -> Result<Self> {
        let settings = settings.into();
        settings.rule::<S>().check()?;
        Ok(Self { settings, groups: Groups::default(), clipping: None, steps: 0, kept: BTreeMap::new() })
    }

    /// Treats the parameters of `model` by groups. What a group freezes is declared frozen in the model, so that it needs
    /// no gradient.
    ///
    /// # Errors
    /// A pattern that decides for no parameter, see [`Groups::resolve`]; nothing is frozen then.
    pub fn grouped(self, groups: Groups, model: &mut dyn Layer<S>) -> Result<Self> {
        groups.freeze(model)?;
        Ok(Self { groups, ..self })
    }

    /// Clips gradients on their way; they are not changed themselves.
    ///
    /// # Errors
    /// A limit that is not positive and finite.
    pub fn clipping(self, clipping: Clipping) -> Result<Self> {
        clipping.check()?;
        Ok(Self { clipping: Some(clipping), ..self })
    }

    /// Its settings.
    pub fn settings(&self) -> OptimizerSettings {
        self.settings
    }

    /// The number of steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Moves every parameter of `model` along its gradient, apart from frozen ones. On an error nothing has moved.
    ///
    /// # Errors
    /// A parameter has no gradient (the error names it) or one of another shape, or was not among those of the steps
    /// before; the rate is negative or not finite; a norm to clip by is not finite.
    pub fn step(
        &mut self,
        model: &mut dyn Layer<S>,
        gradients: &Gradients<S>,
        rate: f64,
    ) -> Result<StepReport> {
        rule::check_strength(self.settings.name(), "learning rate", rate)?;
        let mut require = Require { optimizer: self, gradients, found: Vec::new(), wrong: None };
        Walk::over(model, &mut require);
        if let Some(error) = require.wrong {
            return Err(error);
        }
        let (clip, report) = match self.clipping {
            None => (Clip::none(), StepReport { gradient_norm: None, clipped_by: 1.0 }),
            Some(clipping) => clipping::clip(clipping, &require.found)?,
        };
        self.steps += 1;
        Walk::over(model, &mut Move { optimizer: self, gradients, rate, clip });
        Ok(report)
    }

    /// One parameter's step.
    pub(super) fn update(
        &mut self,
        name: &str,
        parameter: &mut Parameter<S>,
        gradient: &Tensor<S>,
        rate: f64,
        clip: Clip<S>,
    ) {
        let rule = self.settings.rule::<S>();
        let (mut decay, decayed) = rule.weight_decay();
        if decayed == Decayed::Weights && parameter.role != Role::Weight {
            decay = 0.0;
        }
        let (mut rate, step) = (rate, self.steps);
        if let Some(group) = self.groups.of(name) {
            rate *= group.rate_factor;
            decay = group.weight_decay.unwrap_or(decay);
        }
        let at_rest = || rule.kept().iter().map(|_| Tensor::zeros(gradient.shape())).collect();
        let kept = self.kept.entry(name.to_string()).or_insert_with(at_rest);
        let part = Part { p: parameter.value.data_mut(), g: gradient.data(), kept: rule::slices(kept) };
        rule::update(rule, &Now { rate, decay, step, clip }, part);
    }

    /// Whether it leaves this parameter alone.
    pub(super) fn spares(&self, name: &str, parameter: &Parameter<S>) -> bool {
        parameter.is_frozen || self.groups.of(name).is_some_and(|group| group.is_frozen)
    }
}

/// Looks for parameters without gradient, or with one that does not fit.
struct Require<'a, S> {
    optimizer: &'a Optimizer<S>,
    gradients: &'a Gradients<S>,
    found: Vec<&'a [S]>,
    wrong: Option<Error>,
}

impl<'a, S: Scalar> Require<'a, S> {
    fn gradient(&self, name: &str, shape: Shape) -> Result<&'a Tensor<S>> {
        let op = self.optimizer.settings.name();
        let gradient = self.gradients.named(name)?;
        let kept = self.optimizer.kept.get(name);
        if self.optimizer.steps > 0 && kept.is_none() {
            let what = format!("{name} was not among the parameters of earlier steps");
            return Err(Error::Argument {
                op,
                what,
                legal: "the same parameters, frozen or not, in every step".into(),
            });
        }
        for other in kept.into_iter().flatten().chain([gradient]).map(Tensor::shape) {
            if other != shape {
                let rule = "a gradient, and what is kept of earlier steps, must have the parameter's shape";
                return Err(Error::Shapes { op, left: shape, right: other, rule });
            }
        }
        Ok(gradient)
    }
}

impl<S: Scalar> Visitor<S> for Require<'_, S> {
    fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
        if self.optimizer.spares(name, parameter) {
            return;
        }
        match self.gradient(name, parameter.value.shape()) {
            Ok(gradient) => self.found.push(gradient.data()),
            Err(error) => drop(self.wrong.get_or_insert(error)),
        }
    }
}

struct Move<'a, S> {
    optimizer: &'a mut Optimizer<S>,
    gradients: &'a Gradients<S>,
    rate: f64,
    clip: Clip<S>,
}

impl<S: Scalar> Visitor<S> for Move<'_, S> {
    fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
        if self.optimizer.spares(name, parameter) {
            return;
        }
        if let Ok(gradient) = self.gradients.named(name) {
            self.optimizer.update(name, parameter, gradient, self.rate, self.clip);
        }
    }
}

#[cfg(test)]
mod tests {
    use autograd::{Keep, Tape};

    use super::super::golden::Parameters;
    use super::super::{AdamWSettings, Group, SgdSettings, WeightDecay};
    use super::*;
    use crate::context::Context;
    use crate::init::{Init, Initializer};
    use crate::layer::testing::{numbers, set, state};
    use crate::linear::Linear;
    use crate::sequential::Sequential;

    const MOMENTUM: SgdSettings = SgdSettings {
        momentum: 0.5,
        nesterov: false,
        weight_decay: 0.0,
        kind: WeightDecay::Coupled,
        decayed: Decayed::All,
    };

    /// A parameter of each role.
    fn of_all_roles() -> Parameters<f64> {
        let roles = [
            ("w", Role::Weight),
            ("bias", Role::Bias),
            ("norm", Role::Norm),
            ("activation", Role::Activation),
        ];
        Parameters::of(&roles.map(|(name, role)| (name, role, &[1.0][..])))
    }

    #[test]
    fn decay_can_spare_what_is_not_a_weight() {
        let plain = SgdSettings { momentum: 0.0, weight_decay: 0.5, ..MOMENTUM };
        for (decayed, want) in [(Decayed::All, [0.95; 4]), (Decayed::Weights, [0.95, 1.0, 1.0, 1.0])] {
            let (mut model, mut sgd) =
                (of_all_roles(), Optimizer::new(SgdSettings { decayed, ..plain }).unwrap());
            let gradients = model.gradients(&[0.0; 4]);
            sgd.step(&mut model, &gradients, 0.1).unwrap();
            assert_eq!(model.numbers(), want);
        }
    }

    /// A group's decay counts whatever the role, and decoupled decay goes by the group's rate: 1 − 0.5·0.5·0.5.
    #[test]
    fn groups_have_their_own_rate_and_decay() {
        let adamw = AdamWSettings { weight_decay: 0.5, ..<_>::default() };
        let group =
            |name: &str, rate_factor, weight_decay| Group { rate_factor, weight_decay, ..Group::of(name) };
        let groups = Groups::new(vec![group("w", 0.5, None), group("bias", 1.0, Some(0.25))]).unwrap();
        let mut model = of_all_roles();
        let mut optimizer = Optimizer::new(adamw).unwrap().grouped(groups, &mut model).unwrap();
        let gradients = model.gradients(&[0.0; 4]);
        optimizer.step(&mut model, &gradients, 0.5).unwrap();
        assert_eq!(model.numbers(), [0.875, 0.875, 1.0, 1.0]);
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

    /// y = 0.125, ∂y² = 0.25·(1, 2; 1), rate ½; then y = −0.625, ∂y² = −1.25·(1, 2; 1), v = −1.125·(1, 2; 1),
    /// rate ¼. All numbers are dyadic, so nothing is rounded; the rate is not part of v.
    #[test]
    fn two_steps_of_a_model_are_those_by_hand() {
        let mut model = linear(2, 1);
        set(&mut model, "weight", &[0.5, -0.25]);
        set(&mut model, "bias", &[0.125]);
        let mut sgd = Optimizer::new(MOMENTUM).unwrap();
        let slopes = gradients(&mut model);
        sgd.step(&mut model, &slopes, 0.5).unwrap();
        assert_eq!(numbers(&mut model, "weight"), [0.375, -0.5]);
        assert_eq!(numbers(&mut model, "bias"), [0.0]);
        let slopes = gradients(&mut model);
        let report = sgd.step(&mut model, &slopes, 0.25).unwrap();
        assert_eq!(numbers(&mut model, "weight"), [0.65625, 0.0625]);
        assert_eq!(numbers(&mut model, "bias"), [0.28125]);
        assert_eq!((report, sgd.steps()), (StepReport { gradient_norm: None, clipped_by: 1.0 }, 2));
    }

    /// In a network whose first layer a group freezes there is a gradient for the second only.
    #[test]
    fn a_frozen_group_needs_no_gradient_and_stays() {
        let mut model = Sequential::new().named("a", linear(2, 2)).named("b", linear(2, 1));
        let frozen = Groups::new(vec![Group { is_frozen: true, ..Group::of("a.*") }]).unwrap();
        let mut sgd = Optimizer::new(MOMENTUM).unwrap().grouped(frozen, &mut model).unwrap();
        let before = state(&mut model);
        let slopes = gradients(&mut model);
        assert!(slopes.named("a.weight").is_err());
        sgd.step(&mut model, &slopes, 0.5).unwrap();
        let after = state(&mut model);
        assert_eq!(after[..2], before[..2]);
        assert_ne!(after[2], before[2]);
    }

    #[test]
    fn without_a_gradient_for_all_nothing_moves() {
        let mut part = Sequential::new().named("a", linear(2, 1));
        let slopes = gradients(&mut part);
        let mut sgd = Optimizer::new(MOMENTUM).unwrap();
        let names = [["a", "b"], ["b", "a"]];
        for [first, second] in names {
            let mut whole = Sequential::new().named(first, linear(2, 1)).named(second, linear(2, 1));
            let before = state(&mut whole);
            let text = sgd.step(&mut whole, &slopes, 0.5).unwrap_err().to_string();
            assert_eq!(text, "no gradient for b.weight: no parameter of this name was used on the tape");
            assert_eq!(state(&mut whole), before);
        }
        // Nor has what is kept: the next step is that of an optimiser at rest.
        let mut other = Sequential::new().named("a", linear(2, 1));
        sgd.step(&mut part, &slopes, 0.5).unwrap();
        Optimizer::new(MOMENTUM).unwrap().step(&mut other, &slopes, 0.5).unwrap();
        assert_eq!(state(&mut part), state(&mut other));
        assert_ne!(state(&mut part), state(&mut Sequential::new().named("a", linear(2, 1))));
    }

    /// Gradients of another model with the same names, what is kept of one, an illegal rate, or a norm that is no number.
    #[test]
    fn what_does_not_fit_is_refused_and_nothing_moves() {
        let model = |n: usize| Parameters::<f64>::of(&[("w", Role::Weight, &[1.0, 1.0, 1.0][..n])]);
        let (mut small, mut large) = (model(2), model(3));
        let mut sgd = Optimizer::new(MOMENTUM).unwrap();
        let text = sgd.step(&mut large, &small.gradients(&[1.0; 2]), 0.1).unwrap_err().to_string();
        assert!(text.contains("sgd") && text.contains("[3]") && text.contains("[2]"), "{text}");
        sgd.step(&mut small, &model(2).gradients(&[1.0; 2]), 0.1).unwrap();
        assert!(sgd.step(&mut large, &model(3).gradients(&[1.0; 3]), 0.1).is_err());
        for rate in [-0.1, f64::NAN, f64::INFINITY] {
            let text = sgd.step(&mut small, &model(2).gradients(&[1.0; 2]), rate).unwrap_err().to_string();
            assert!(text.starts_with("sgd: learning rate is"), "{text}");
        }
        let mut clipped = Optimizer::new(MOMENTUM).unwrap().clipping(Clipping::Norm(1.0)).unwrap();
        let infinite = model(3).gradients(&[1.0, f64::INFINITY, 0.0]);
        assert!(clipped.step(&mut large, &infinite, 0.1).is_err());
        assert_eq!((large.numbers(), clipped.steps()), (vec![1.0; 3], 0));
        assert_eq!((sgd.steps(), clipped.state().len()), (1, 1));
    }
}
