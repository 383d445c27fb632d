//! Averages of a model's weights over the steps of a run.

use std::collections::BTreeMap;

use autograd::kernels::map;
use autograd::{Error, Result, Scalar, Tensor};
use serde::{Deserialize, Serialize};

use super::state::counted;
use crate::layer::{Layer, Visitor, Walk};
use crate::parameter::Parameter;
use crate::weights::{Array, WeightsError};

/// Which average.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Averaging {
    /// a ← a + (1 − decay)·(p − a), from the first p on. Source: Polyak and Juditsky (1992) in the exponential form of
    /// `torch.optim.swa_utils.get_ema_multi_avg_fn`.
    Exponential {
        /// The share of the past.
        decay: f64,
    },
    /// a ← a + (p − a)/(n + 1), the mean of all p. Source: Izmailov et al., *Averaging weights leads to wider optima and
    /// better generalization* (2018).
    Uniform,
}

/// The average of a model's parameters; as in `torch.optim.swa_utils.AveragedModel`, buffers are not averaged.
///
/// So with the averaged weights in place a model has the running statistics of its own last steps. These suit an
/// exponential average, which is close; for a uniform one they are to be gathered anew, by
/// [`gather_statistics`](crate::gather_statistics).
#[derive(Debug, Clone)]
pub struct Average<S> {
    kind: Averaging,
    updates: u64,
    is_swapped: bool,
    parameters: BTreeMap<String, Tensor<S>>,
}

/// The number of updates in a state.
const UPDATES: &str = "updates";

impl<S: Scalar> Average<S> {
    /// An average of nothing yet.
    ///
    /// # Errors
    /// A decay outside [0, 1).
    pub fn new(kind: Averaging) -> Result<Self> {
        if let Averaging::Exponential { decay } = kind {
            super::rule::check_share("weight average", "decay", decay)?;
        }
        Ok(Self { kind, updates: 0, is_swapped: false, parameters: BTreeMap::new() })
    }

    /// Which average it is.
    pub fn kind(&self) -> Averaging {
        self.kind
    }

    /// The number of updates.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Takes the present parameters of `model` into the average; the first are the average.
    ///
    /// # Errors
    /// Parameters other than before, or the model holds the average at the moment.
    pub fn update(&mut self, model: &mut dyn Layer<S>) -> Result<()> {
        if self.is_swapped {
            return Err(refused("the model holds the average itself", "its own weights, by a second swap"));
        }
        if self.updates > 0 {
            self.check(model)?;
        }
        let weight = match self.kind {
            Averaging::Exponential { decay } => 1.0 - decay,
            Averaging::Uniform => 1.0 / (self.updates + 1) as f64,
        };
        Walk::over(model, &mut Take { average: self, weight: S::from_f64(weight) });
        self.updates += 1;
        Ok(())
    }

    /// Exchanges the parameters of `model` with the average; a second time puts them back.
    ///
    /// # Errors
    /// There is no average yet, or the model has other parameters.
    pub fn swap(&mut self, model: &mut dyn Layer<S>) -> Result<()> {
        if self.updates == 0 {
            return Err(refused("there is no average before the first update", "an update"));
        }
        self.check(model)?;
        Walk::over(model, &mut Swap(self));
        self.is_swapped = !self.is_swapped;
        Ok(())
    }

    /// Everything that later updates depend on: the count `updates`, and `average.` before each parameter's name.
    ///
    /// # Errors
    /// The model holds the average at the moment.
    pub fn state(&self) -> Result<BTreeMap<String, Array<S>>> {
        if self.is_swapped {
            return Err(refused("the model holds the average itself", "its own weights, by a second swap"));
        }
        let average = self.parameters.iter();
        let average = average.map(|(name, tensor)| (stored(name), Array::Tensor(tensor.clone())));
        Ok(average.chain([(UPDATES.to_string(), Array::Count(self.updates))]).collect())
    }

    /// Goes on from a [`state`](Self::state) for `model`.
    ///
    /// # Errors
    /// Names, kinds and shapes are not exactly those of this model; the error names everything that is wrong, and the
    /// average is left as it was.
    pub fn load(
        &mut self,
        model: &mut dyn Layer<S>,
        state: &BTreeMap<String, Array<S>>,
    ) -> std::result::Result<(), WeightsError> {
        let is_empty = state.get(UPDATES) == Some(&Array::Count(0));
        let shapes = if is_empty { Vec::new() } else { shapes(model) };
        let wanted = shapes.iter().map(|(name, shape)| (stored(name), *shape));
        let (updates, mut tensors) = counted(UPDATES, wanted, state)?;
        let mut own = |name: String| tensors.remove(&stored(&name)).map(|tensor| (name, tensor));
        self.parameters = shapes.into_iter().filter_map(|(name, _)| own(name)).collect();
        (self.updates, self.is_swapped) = (updates, false);
        Ok(())
    }

    /// Whether `model` has the parameters of the average.
    fn check(&self, model: &mut dyn Layer<S>) -> Result<()> {
        let shapes = shapes(model);
        for (name, shape) in &shapes {
            match self.parameters.get(name).map(Tensor::shape) {
                None => return Err(refused(&format!("{name} is not part of it"), "the same parameters")),
                Some(other) if other != *shape => {
                    let rule = "a parameter and its average have one shape";
                    return Err(Error::Shapes { op: OP, left: *shape, right: other, rule });
                }
                Some(_) => {}
            }
        }
        match self.parameters.keys().find(|name| !shapes.iter().any(|(n, _)| n == *name)) {
            None => Ok(()),
            Some(name) => Err(refused(&format!("the model has no {name}"), "the same parameters")),
        }
    }
}

const OP: &str = "weight average";

fn refused(what: &str, legal: &str) -> Error {
    Error::Argument { op: OP, what: what.into(), legal: legal.into() }
}

fn stored(name: &str) -> String {
    format!("average.{name}")
}

fn shapes<S: Scalar>(model: &mut dyn Layer<S>) -> Vec<(String, autograd::Shape)> {
    struct Shapes(Vec<(String, autograd::Shape)>);
    impl<S: Scalar> Visitor<S> for Shapes {
        fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
            self.0.push((name.to_string(), parameter.value.shape()));
        }
    }
    let mut shapes = Shapes(Vec::new());
    Walk::over(model, &mut shapes);
    shapes.0
}

struct Take<'a, S> {
    average: &'a mut Average<S>,
    weight: S,
}

impl<S: Scalar> Visitor<S> for Take<'_, S> {
    fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
        let Some(average) = self.average.parameters.get_mut(name) else {
            self.average.parameters.insert(name.to_string(), parameter.value.clone());
            return;
        };
        let p = parameter.value.data();
        map::for_each_chunk(average.data_mut(), |start, average| {
            for (a, &p) in average.iter_mut().zip(&p[start..]) {
                *a += self.weight * (p - *a);
            }
        });
    }
}

struct Swap<'a, S>(&'a mut Average<S>);

impl<S: Scalar> Visitor<S> for Swap<'_, S> {
    fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
        if let Some(average) = self.0.parameters.get_mut(name) {
            std::mem::swap(average, &mut parameter.value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::golden::Parameters;
    use super::*;
    use crate::parameter::Role;

    fn model(numbers: &[f64]) -> Parameters<f64> {
        Parameters::of(&[("a", Role::Weight, numbers)])
    }

    fn after(kind: Averaging, all: &[f64]) -> f64 {
        let mut average = Average::new(kind).unwrap();
        all.iter().for_each(|&x| average.update(&mut model(&[x])).unwrap());
        let mut shown = model(&[-1.0]);
        average.swap(&mut shown).unwrap();
        shown.numbers()[0]
    }

    /// 4, then 4 + ¼·4, then 5 − ¼·4; and the means of the same.
    #[test]
    fn averages_are_those_by_hand() {
        let exponential = Averaging::Exponential { decay: 0.75 };
        assert_eq!([1, 2, 3].map(|n| after(exponential, &[4.0, 8.0, 1.0][..n])), [4.0, 5.0, 4.0]);
        assert_eq!([1, 2, 4].map(|n| after(Averaging::Uniform, &[4.0, 8.0, 3.0, 1.0][..n])), [4.0, 6.0, 4.0]);
    }

    #[test]
    fn a_second_swap_puts_the_weights_back() {
        let mut average = Average::new(Averaging::Uniform).unwrap();
        assert!(
            average.swap(&mut model(&[1.0])).unwrap_err().to_string().contains("before the first update")
        );
        average.update(&mut model(&[2.0])).unwrap();
        let mut own = model(&[6.0]);
        average.update(&mut own).unwrap();
        average.swap(&mut own).unwrap();
        assert_eq!(own.numbers(), [4.0]);
        assert!(average.update(&mut own).unwrap_err().to_string().contains("holds the average itself"));
        assert!(average.state().is_err());
        average.swap(&mut own).unwrap();
        assert_eq!(own.numbers(), [6.0]);
        average.update(&mut own).unwrap();
        assert_eq!(average.updates(), 3);
    }

    #[test]
    fn an_average_goes_on_from_its_state_with_the_same_bits() {
        for kind in [Averaging::Uniform, Averaging::Exponential { decay: 0.9 }] {
            for before in 0..4 {
                let mut one = Average::new(kind).unwrap();
                let models = [0.1, 0.7, -0.3, 2.9, 1.3].map(|x| model(&[x, 1.0 / x]));
                let mut models = models.into_iter();
                models.by_ref().take(before).for_each(|mut m| one.update(&mut m).unwrap());
                let mut other = Average::new(kind).unwrap();
                other.load(&mut model(&[0.0; 2]), &one.state().unwrap()).unwrap();
                for mut m in models {
                    one.update(&mut m).unwrap();
                    other.update(&mut m).unwrap();
                }
                assert_eq!(one.state(), other.state());
            }
        }
    }

    #[test]
    fn other_models_and_states_are_refused() {
        let mut average = Average::new(Averaging::Uniform).unwrap();
        average.update(&mut model(&[2.0])).unwrap();
        let mut other = Parameters::of(&[("b", Role::Weight, &[1.0][..])]);
        assert!(average.update(&mut other).unwrap_err().to_string().contains("b is not part of it"));
        assert!(average.swap(&mut other).is_err());
        assert!(average.update(&mut model(&[1.0, 2.0])).is_err());
        assert!(
            average.update(&mut Parameters(vec![])).unwrap_err().to_string().contains("the model has no a")
        );
        let before = average.state().unwrap();
        let text = average.load(&mut other, &before).unwrap_err().to_string();
        assert!(
            text.contains("missing `average.b` [1]") && text.contains("unknown array `average.a`"),
            "{text}"
        );
        assert_eq!(average.state().unwrap(), before);
        assert!(Average::<f64>::new(Averaging::Exponential { decay: 1.0 }).is_err());
    }
}
