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
