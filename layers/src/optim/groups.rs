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

#[cfg(test)]
mod tests {
    use super::super::golden::Parameters;
    use super::*;
    use crate::parameter::Role;

    fn model() -> Parameters<f64> {
        let weight = |name| (name, Role::Weight, &[1.0][..]);
        Parameters::of(&["conv1.weight", "layer1.0.weight", "layer1.0.bias", "fc.weight"].map(weight))
    }

    fn groups(patterns: &[&str]) -> Groups {
        Groups::new(patterns.iter().map(|&p| Group::of(p)).collect()).unwrap()
    }

    #[test]
    fn the_first_pattern_that_fits_decides() {
        let members = groups(&["*.0.bias", "layer?.*", "fc.weight"]).resolve(&mut model()).unwrap();
        assert_eq!(members.iter().map(|m| m.group).collect::<Vec<_>>(), [None, Some(1), Some(0), Some(2)]);
        assert_eq!(members[2].parameter, "layer1.0.bias");
        assert!(groups(&[]).resolve(&mut model()).unwrap().iter().all(|m| m.group.is_none()));
    }

    #[test]
    fn a_pattern_that_decides_for_nothing_is_an_error() {
        let text = groups(&["*", "fc.weigth"]).resolve(&mut model()).unwrap_err().to_string();
        assert_eq!(text, "unknown parameter or pattern `fc.weigth`; did you mean fc.weight or conv1.weight?");
        let text = groups(&["*", "fc.*"]).resolve(&mut model()).unwrap_err().to_string();
        assert!(
            text.starts_with("parameter group: fc.*: all parameters of this pattern belong to earlier"),
            "{text}"
        );
    }

    #[test]
    fn frozen_groups_are_frozen_in_the_model_or_nothing_is() {
        let frozen = Group { is_frozen: true, ..Group::of("layer1.*") };
        let frozen_of = |m: &Parameters<f64>| m.0.iter().map(|(_, p)| p.is_frozen).collect::<Vec<_>>();
        let mut with_wrong = model();
        let wrong = Groups::new(vec![frozen.clone(), Group::of("layer9.*")]).unwrap();
        assert!(wrong.freeze(&mut with_wrong).is_err());
        assert_eq!(frozen_of(&with_wrong), [false; 4]);
        let mut right = model();
        Groups::new(vec![frozen]).unwrap().freeze(&mut right).unwrap();
        assert_eq!(frozen_of(&right), [false, true, true, false]);
    }

    #[test]
    fn numbers_out_of_range_are_refused_also_from_json() {
        assert!(Groups::new(vec![Group { rate_factor: -1.0, ..Group::of("a") }]).is_err());
        let text = serde_json::from_str::<Groups>(r#"[{"pattern": "a", "weight_decay": -0.5}]"#).unwrap_err();
        assert!(
            text.to_string().contains("parameter group: a: the weight decay is -0.5; want 0 or"),
            "{text}"
        );
        assert!(serde_json::from_str::<Groups>(r#"[{"pattern": "a", "rate": 2}]"#).is_err());
        let whole = Group { rate_factor: 0.1, weight_decay: Some(0.0), is_frozen: false, ..Group::of("a") };
        let groups = Groups::new(vec![whole, Group::of("b")]).unwrap();
        let json = serde_json::to_string(&groups).unwrap();
        assert_eq!(serde_json::from_str::<Groups>(&json).unwrap(), groups);
    }
}
