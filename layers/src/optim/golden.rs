//! Every optimiser, clipping, group and average against PyTorch over 100 steps; see tests/golden/README.md.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use autograd::{Gradients, Result, Scalar, Tensor, Var};
use serde_json::Value;

use super::*;
use crate::context::Context;
use crate::layer::{Layer, Walk};
use crate::parameter::{Parameter, Role};

/// Parameters without a network.
#[derive(Debug)]
pub(super) struct Parameters<S>(pub(super) Vec<(&'static str, Parameter<S>)>);

impl<S: Scalar> Layer<S> for Parameters<S> {
    fn forward<'t>(&mut self, _cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        Ok(x)
    }

    fn visit(&mut self, walk: &mut Walk<'_, S>) {
        self.0.iter_mut().for_each(|(name, parameter)| walk.parameter(name, parameter));
    }
}

impl<S: Scalar> Parameters<S> {
    pub(super) fn of(parameters: &[(&'static str, Role, &[f64])]) -> Self {
        let one = |&(name, role, numbers): &(&'static str, Role, &[f64])| {
            let numbers = numbers.iter().map(|&x| S::from_f64(x)).collect();
            (name, Parameter::new(Tensor::vector(numbers), role))
        };
        Self(parameters.iter().map(one).collect())
    }

    pub(super) fn numbers(&self) -> Vec<S> {
        self.0.iter().flat_map(|(_, p)| p.value.data()).copied().collect()
    }

    /// Gradients by the order of [`numbers`](Self::numbers), for those that are not frozen.
    pub(super) fn gradients(&self, numbers: &[S]) -> Gradients<S> {
        let (mut named, mut rest) = (BTreeMap::new(), numbers);
        for (name, parameter) in &self.0 {
            let (own, others) = rest.split_at(parameter.value.len());
            if !parameter.is_frozen {
                named.insert(Arc::from(*name), Tensor::new(parameter.value.shape(), own.to_vec()).unwrap());
            }
            rest = others;
        }
        assert!(rest.is_empty());
        Gradients::of_named(named)
    }
}

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// The largest distance between what is computed in `S` and PyTorch's f64, by size where that is above 1; for every run.
fn errors<S: Scalar>() -> Vec<(Value, f64)> {
    let golden: Value = serde_json::from_str(include_str!("../../../tests/golden/optim.json")).unwrap();
    let a: Vec<Vec<f64>> = golden["A"].as_array().unwrap().iter().map(numbers).collect();
    let start = numbers(&golden["p0"]);
    let field = |p: &[S]| -> Vec<S> {
        let row = |i: usize| {
            p.iter().zip(&a[i]).fold(S::ZERO, |sum, (&x, &a)| sum + S::from_f64(a) * x) + p[i].sin()
        };
        (0..p.len()).map(row).collect()
    };
    let compare = |run: &Value| {
        let settings: OptimizerSettings = serde_json::from_value(run["settings"].clone()).unwrap();
        let mut model =
            Parameters::<S>::of(&[("w", Role::Weight, &start[..3]), ("b", Role::Weight, &start[3..])]);
        let mut optimizer = Optimizer::new(settings).unwrap();
        if let Some(groups) = run.get("groups") {
            let groups: Groups = serde_json::from_value(groups.clone()).unwrap();
            optimizer = optimizer.grouped(groups, &mut model).unwrap();
        }
        if let Some(clipping) = run.get("clipping") {
            optimizer = optimizer.clipping(serde_json::from_value(clipping.clone()).unwrap()).unwrap();
        }
        let averaging = run.get("averaging").map(|a| serde_json::from_value(a.clone()).unwrap());
        let mut average = averaging.map(|kind| Average::<S>::new(kind).unwrap());
        let mut worst = 0.0f64;
        let mut check = |got: f64, want: f64| worst = worst.max((got - want).abs() / want.abs().max(1.0));
        for (t, want) in run["trajectory"].as_array().unwrap().iter().enumerate() {
            let gradients = model.gradients(&field(&model.numbers()));
            let report = optimizer.step(&mut model, &gradients, run["rate"].as_f64().unwrap()).unwrap();
            if let Some(norm) = run["norms"].get(t) {
                check(report.gradient_norm.unwrap(), norm.as_f64().unwrap());
            }
            let mut check_all = |got: Vec<S>, want: &Value| {
                got.iter().zip(numbers(want)).for_each(|(got, want)| check(got.to_f64(), want));
            };
            check_all(model.numbers(), want);
            if let Some(average) = &mut average {
                average.update(&mut model).unwrap();
                average.swap(&mut model).unwrap();
                check_all(model.numbers(), &run["averages"][t]);
                average.swap(&mut model).unwrap();
            }
        }
        assert_eq!(optimizer.steps(), 100);
        worst
    };
    golden["runs"].as_array().unwrap().iter().map(|run| (run["settings"].clone(), compare(run))).collect()
}

#[test]
fn trajectories_equal_those_of_pytorch() {
    let errors = errors::<f64>();
    let tested: BTreeSet<_> = errors.iter().map(|(settings, _)| settings["name"].as_str().unwrap()).collect();
    assert_eq!(tested, OPTIMIZERS.iter().map(|o| o.name).collect());
    assert_eq!(errors.len(), 25);
    for (settings, error) in errors {
        assert!(error <= 1e-14, "{settings}: {error:e}");
    }
}

/// The field pulls trajectories together, so that an error does not grow: 100 steps leave at most that of one rounding each,
/// all to the same side.
#[test]
fn f32_keeps_to_the_trajectories_of_f64() {
    for (settings, error) in errors::<f32>() {
        assert!(error <= 100.0 * f64::from(f32::EPSILON) / 2.0, "{settings}: {error:e}");
    }
}
