//! An optimiser's state on its way into a file and back.

use std::collections::{BTreeMap, BTreeSet};

use autograd::{Error, Scalar, Shape, Tensor};

use super::optimizer::Optimizer;
use crate::layer::{Layer, Visitor, Walk};
use crate::parameter::Parameter;
use crate::weights::{Array, Misfit, WeightsError};

/// The number of steps.
const STEP: &str = "step";

impl<S: Scalar> Optimizer<S> {
    /// Everything that later steps depend on besides the settings: `step`, and what is kept for each parameter, such as
    /// `momentum.layer1.0.conv1.weight`. Tensors share their data with the optimiser.
    pub fn state(&self) -> BTreeMap<String, Array<S>> {
        let names = self.settings.rule::<S>().kept();
        let mut state = BTreeMap::from([(STEP.to_string(), Array::Count(self.steps))]);
        for (parameter, kept) in &self.kept {
            let arrays = names.iter().zip(kept);
            state.extend(
                arrays.map(|(n, tensor)| (format!("{n}.{parameter}"), Array::Tensor(tensor.clone()))),
            );
        }
        state
    }

    /// Goes on from a [`state`](Self::state) of an optimiser of the same kind for `model`: the next steps have the bits
    /// they would have had.
    ///
    /// # Errors
    /// Names, kinds and shapes are not exactly those of this optimiser for this model; the error names everything that is
    /// wrong, and the optimiser is left as it was.
    pub fn load(
        &mut self,
        model: &mut dyn Layer<S>,
        state: &BTreeMap<String, Array<S>>,
    ) -> Result<(), WeightsError> {
        let mut moved = Moved { optimizer: self, parameters: Vec::new() };
        Walk::over(model, &mut moved);
        let (parameters, names) = (moved.parameters, self.settings.rule::<S>().kept());
        // Before the first step nothing is kept.
        let is_at_rest = state.get(STEP) == Some(&Array::Count(0));
        let arrays =
            parameters.iter().flat_map(|(p, shape)| names.iter().map(move |n| (format!("{n}.{p}"), *shape)));
        let arrays = arrays.filter(|_| !is_at_rest);
        let (steps, mut tensors) = counted(STEP, arrays, state)?;
        let mut take = |parameter: &str| {
            names.iter().filter_map(|n| tensors.remove(&format!("{n}.{parameter}"))).collect()
        };
        self.kept = parameters
            .into_iter()
            .filter(|_| !is_at_rest)
            .map(|(p, _)| {
                let kept = take(&p);
                (p, kept)
            })
            .collect();
        self.steps = steps;
        Ok(())
    }
}

/// The parameters that an optimiser moves.
struct Moved<'a, S> {
    optimizer: &'a Optimizer<S>,
    parameters: Vec<(String, Shape)>,
}

impl<S: Scalar> Visitor<S> for Moved<'_, S> {
    fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
        if !self.optimizer.spares(name, parameter) {
            self.parameters.push((name.to_string(), parameter.value.shape()));
        }
    }
}

/// The count of the name `count` and the tensors of the names `wanted`, which must be all that `state` holds.
pub(super) fn counted<S: Scalar>(
    count: &str,
    wanted: impl Iterator<Item = (String, Shape)>,
    state: &BTreeMap<String, Array<S>>,
) -> Result<(u64, BTreeMap<String, Tensor<S>>), WeightsError> {
    let (mut misfit, mut tensors) = (Misfit::default(), BTreeMap::new());
    let kind = |name: &str, array: &Array<S>, legal| {
        let found = match array {
            Array::Tensor(_) => "a tensor",
            Array::Values(_) => "values in f64",
            Array::Count(_) => "a count",
        };
        WeightsError::Kind { name: name.to_string(), found: found.into(), legal }
    };
    let mut known = BTreeSet::from([count.to_string()]);
    let mut counted = 0;
    match state.get(count) {
        None => misfit.missing.push((count.to_string(), vec![])),
        Some(Array::Count(n)) => counted = *n,
        Some(other) => misfit.unfit.push(kind(count, other, "a count")),
    }
    for (name, shape) in wanted {
        match state.get(&name) {
            None => misfit.missing.push((name.clone(), shape.dims().to_vec())),
            Some(Array::Tensor(tensor)) if tensor.shape() == shape => {
                tensors.insert(name.clone(), tensor.clone());
            }
            Some(Array::Tensor(tensor)) => misfit.unfit.push(WeightsError::Shape {
                name: name.clone(),
                found: tensor.dims().to_vec(),
                legal: format!("{:?}", shape.dims()),
            }),
            Some(other) => misfit.unfit.push(kind(&name, other, "a tensor")),
        }
        known.insert(name);
    }
    let missing: Vec<_> = misfit.missing.iter().map(|(name, _)| name.as_str()).collect();
    let unknown = state.keys().filter(|name| !known.contains(*name));
    misfit.unknown = unknown.map(|name| Error::unknown("array", name, missing.iter().copied())).collect();
    if misfit.is_empty() { Ok((counted, tensors)) } else { Err(WeightsError::Misfit(misfit)) }
}

#[cfg(test)]
mod tests {
    use autograd::Gradients;
    use proptest::prelude::*;

    use super::super::golden::Parameters;
    use super::super::{AdamSettings, OPTIMIZERS, OptimizerSettings, SgdSettings};
    use super::*;
    use crate::parameter::Role;

    fn model(numbers: &[f64]) -> Parameters<f32> {
        Parameters::of(&[("a.weight", Role::Weight, &numbers[..3]), ("b", Role::Bias, &numbers[3..])])
    }

    fn gradients(numbers: &[f64]) -> Gradients<f32> {
        let numbers: Vec<f32> = numbers.iter().map(|&x| x as f32).collect();
        model(&[0.0; 5]).gradients(&numbers)
    }

    fn all_settings() -> Vec<OptimizerSettings> {
        let plain = SgdSettings { momentum: 0.0, nesterov: false, ..<_>::default() };
        OPTIMIZERS.iter().map(|o| (o.defaults)()).chain([plain.into()]).collect()
    }

    fn five() -> impl Strategy<Value = Vec<f64>> {
        proptest::collection::vec(-10.0..10.0, 5)
    }

    proptest! {
        /// Every optimiser goes on from its state as if nothing had happened, after any number of steps.
        #[test]
        fn going_on_from_a_state_changes_no_bit(
            which in 0..all_settings().len(),
            start in five(),
            before in proptest::collection::vec((five(), 0.0..1.0), 0..6),
            after in proptest::collection::vec((five(), 0.0..1.0), 1..6),
        ) {
            let settings = all_settings()[which];
            let (mut one, mut optimizer) = (model(&start), Optimizer::new(settings).unwrap());
            for (g, rate) in &before {
                optimizer.step(&mut one, &gradients(g), *rate).unwrap();
            }
            let numbers: Vec<f64> = one.numbers().into_iter().map(f64::from).collect();
            let (mut other, mut resumed) = (model(&numbers), Optimizer::new(settings).unwrap());
            resumed.load(&mut other, &optimizer.state()).unwrap();
            for (g, rate) in &after {
                optimizer.step(&mut one, &gradients(g), *rate).unwrap();
                resumed.step(&mut other, &gradients(g), *rate).unwrap();
                let bits = |m: &Parameters<f32>| m.numbers().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                prop_assert_eq!(bits(&one), bits(&other));
            }
            prop_assert_eq!(optimizer.state(), resumed.state());
        }
    }

    fn stepped() -> (Parameters<f32>, Optimizer<f32>) {
        let (mut model, mut adam) = (model(&[1.0; 5]), Optimizer::new(AdamSettings::default()).unwrap());
        adam.step(&mut model, &gradients(&[0.5; 5]), 0.1).unwrap();
        (model, adam)
    }

    #[test]
    fn arrays_are_named_by_what_they_are_and_the_parameter() {
        let names: Vec<_> = stepped().1.state().into_keys().collect();
        let want = ["exp_avg.a.weight", "exp_avg.b", "exp_avg_sq.a.weight", "exp_avg_sq.b", "step"];
        assert_eq!(names, want);
        let rest = Optimizer::<f32>::new(AdamSettings::default()).unwrap().state();
        assert_eq!(rest, BTreeMap::from([("step".to_string(), Array::Count(0))]));
    }

    #[test]
    fn a_refusal_names_everything_and_changes_nothing() {
        let (mut model, mut adam) = stepped();
        let before = adam.state();
        let mut state = before.clone();
        let moved = state.remove("exp_avg.b").unwrap();
        state.insert("exp_avg.c".into(), moved);
        state.insert("exp_avg_sq.b".into(), Array::Tensor(Tensor::zeros([3])));
        state.insert("exp_avg_sq.a.weight".into(), Array::Count(1));
        state.remove("step");
        let text = adam.load(&mut model, &state).unwrap_err().to_string();
        let want = "the state is not this model's:\
                    \n  missing `step` []\
                    \n  missing `exp_avg.b` [2]\
                    \n  unknown array `exp_avg.c`; did you mean exp_avg.b?\
                    \n  `exp_avg_sq.a.weight` is stored as a count, want a tensor\
                    \n  `exp_avg_sq.b` has shape [3], want [2]";
        assert_eq!(text, want);
        assert_eq!(adam.state(), before);
        // Nor does another optimiser's state fit, nor arrays from before the first step.
        let mut sgd = Optimizer::new(SgdSettings::default()).unwrap();
        assert!(sgd.load(&mut model, &before).is_err());
        let mut at_rest = before;
        at_rest.insert("step".into(), Array::Count(0));
        assert!(adam.load(&mut model, &at_rest).is_err());
    }

    #[test]
    fn what_is_frozen_has_no_state() {
        let (mut model, adam) = stepped();
        model.0[1].1.is_frozen = true;
        let mut other = Optimizer::new(AdamSettings::default()).unwrap();
        assert!(other.load(&mut model, &adam.state()).is_err());
        other.step(&mut model, &gradients(&[0.5; 5]), 0.1).unwrap();
        let state = other.state();
        assert_eq!(state.len(), 3);
        Optimizer::new(AdamSettings::default()).unwrap().load(&mut model, &state).unwrap();
        // What is learnt later would start with the wrong correction.
        model.0[1].1.is_frozen = false;
        let text = other.step(&mut model, &gradients(&[0.5; 5]), 0.1).unwrap_err().to_string();
        assert!(text.starts_with("adam: b was not among the parameters of earlier steps"), "{text}");
    }
}
