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
