//! Parameters that are treated apart.

use autograd::inspect::matches;
use autograd::{Error, Result, Scalar};
use serde::{Deserialize, Serialize};

use crate::layer::{Layer, Visitor, Walk};
use crate::parameter::Parameter;

/// How the parameters that a pattern names are treated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Whole names of parameters, where `*` stands for any characters and `?` for one; see [`matches()`].
    pub pattern: String,
    /// The learning rate is multiplied by this.
    #[serde(default = "unchanged")]
    pub rate_factor: f64,
    /// The strength of weight decay in place of the optimiser's, whatever the role of the parameter.
    #[serde(default)]
    pub weight_decay: Option<f64>,
    /// Whether they are not learnt.
    #[serde(default)]
    pub is_frozen: bool,
}

fn unchanged() -> f64 {
    1.0
}

impl Group {
    /// A group that changes nothing yet.
    pub fn of(pattern: impl Into<String>) -> Self {
        Self { pattern: pattern.into(), rate_factor: 1.0, weight_decay: None, is_frozen: false }
    }

    fn check(&self) -> Result<()> {
        let Self { pattern, rate_factor, weight_decay, .. } = self;
        let numbers = [("rate factor", *rate_factor), ("weight decay", weight_decay.unwrap_or(0.0))];
        match numbers.into_iter().find(|(_, x)| !(*x >= 0.0 && x.is_finite())) {
            None => Ok(()),
            Some((what, x)) => Err(refused(pattern, &format!("the {what} is {x}"), "0 or a positive number")),
        }
    }
}

fn refused(pattern: &str, what: &str, legal: &str) -> Error {
    Error::Argument { op: "parameter group", what: format!("{pattern}: {what}"), legal: legal.into() }
}

/// Groups in order: the first whose pattern fits a parameter decides for it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<Group>", into = "Vec<Group>")]
pub struct Groups(Vec<Group>);

impl TryFrom<Vec<Group>> for Groups {
    type Error = Error;
    fn try_from(groups: Vec<Group>) -> Result<Self> {
        Self::new(groups)
    }
}

impl From<Groups> for Vec<Group> {
    fn from(groups: Groups) -> Self {
        groups.0
    }
}

/// A parameter and who decides for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The parameter's name.
    pub parameter: String,
    /// The place of its group, from 0; `None` for none.
    pub group: Option<usize>,
}

impl Groups {
    /// Groups in the order of precedence.
    ///
    /// # Errors
    /// A rate factor or weight decay that is negative or not finite.
    pub fn new(groups: Vec<Group>) -> Result<Self> {
        groups.iter().try_for_each(Group::check)?;
        Ok(Self(groups))
    }

    /// All of them.
    pub fn all(&self) -> &[Group] {
        &self.0
    }

    /// The group of this parameter.
    pub fn of(&self, name: &str) -> Option<&Group> {
        self.0.iter().find(|group| matches(&group.pattern, name))
    }

    /// Every parameter of `model` with its group, in the order of the model.
    ///
    /// # Errors
    /// A pattern that fits no parameter (near names are given), or only such as belong to an earlier group.
    pub fn resolve<S: Scalar>(&self, model: &mut dyn Layer<S>) -> Result<Vec<Membership>> {
        let mut names = Names(Vec::new());
        Walk::over(model, &mut names);
        let group_of = |name: &str| self.0.iter().position(|group| matches(&group.pattern, name));
        let members: Vec<_> = names.0.into_iter().map(|n| (group_of(&n), n)).collect();
        for (place, Group { pattern, .. }) in self.0.iter().enumerate() {
            if members.iter().any(|(group, _)| *group == Some(place)) {
                continue;
            }
            if members.iter().any(|(_, name)| matches(pattern, name)) {
                let what = "all parameters of this pattern belong to earlier groups";
                return Err(refused(pattern, what, "narrow patterns before wide ones"));
            }
            let names = members.iter().map(|(_, name)| name.as_str());
            return Err(Error::unknown("parameter or pattern", pattern, names));
        }
        Ok(members.into_iter().map(|(group, parameter)| Membership { parameter, group }).collect())
    }

    /// Declares the parameters of frozen groups frozen in `model`: they get no gradient.
    ///
    /// # Errors
    /// As [`Groups::resolve`]; nothing is frozen then.
    pub fn freeze<S: Scalar>(&self, model: &mut dyn Layer<S>) -> Result<()> {
        self.resolve(model)?;
        Walk::over(model, &mut Freeze(self));
        Ok(())
    }
}

struct Names(Vec<String>);

impl<S: Scalar> Visitor<S> for Names {
    fn parameter(&mut self, name: &str, _parameter: &mut Parameter<S>) {
        self.0.push(name.to_string());
    }
}

struct Freeze<'a>(&'a Groups);

impl<S: Scalar> Visitor<S> for Freeze<'_> {
    fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
        parameter.is_frozen |= self.0.of(name).is_some_and(|group| group.is_frozen);
    }
}
