//! A stored state on its way into a model.

use std::collections::{BTreeMap, BTreeSet};

use autograd::{Error, Scalar};

use super::array::Array;
use super::error::{Misfit, WeightsError};
use super::read::StoredArrays;
use crate::layer::{BufferMut, Layer, Visitor, Walk};
use crate::parameter::Parameter;

/// The one buffer that may be missing: state dicts of before PyTorch 0.4.1 have none.
const OPTIONAL: &str = "num_batches_tracked";

/// Sets every parameter and buffer of `model` to what the safetensors file `bytes` holds under its name, in the
/// model's precision. Without a `num_batches_tracked` the model keeps its own.
///
/// # Errors
/// The bytes are no whole safetensors file, or the names, shapes and kinds of number are not exactly the model's; the
/// error then names everything that is wrong. The model is left as it was.
pub fn load_safetensors<S: Scalar>(model: &mut dyn Layer<S>, bytes: &[u8]) -> Result<(), WeightsError> {
    let file = StoredArrays::parse(bytes)?;
    let mut compare =
        Compare { file: &file, names: BTreeSet::new(), fitting: BTreeMap::new(), misfit: Misfit::default() };
    Walk::over(model, &mut compare);
    let Compare { names, fitting, mut misfit, .. } = compare;
    let missing: Vec<_> = misfit.missing.iter().map(|(name, _)| name.as_str()).collect();
    let unknown = file.names().into_iter().filter(|name| !names.contains(*name));
    misfit.unknown = unknown.map(|name| Error::unknown("array", name, missing.iter().copied())).collect();
    if !misfit.is_empty() {
        return Err(WeightsError::Misfit(misfit));
    }
    Walk::over(model, &mut Fill(fitting));
    Ok(())
}

/// Reads what fits and notes what does not.
struct Compare<'f, S> {
    file: &'f StoredArrays<'f>,
    /// Everything the model has.
    names: BTreeSet<String>,
    fitting: BTreeMap<String, Array<S>>,
    misfit: Misfit,
}

impl<S: Scalar> Compare<'_, S> {
    fn take(
        &mut self,
        name: &str,
        shape: &[usize],
        read: impl Fn(&StoredArrays<'_>) -> Result<Array<S>, WeightsError>,
    ) {
        self.names.insert(name.to_string());
        let Some(found) = self.file.shape(name) else {
            if name.rsplit('.').next() != Some(OPTIONAL) {
                self.misfit.missing.push((name.to_string(), shape.to_vec()));
            }
            return;
        };
        let array = if found == shape {
            read(self.file)
        } else {
            Err(WeightsError::Shape { name: name.to_string(), found, legal: format!("{shape:?}") })
        };
        match array {
            Ok(array) => drop(self.fitting.insert(name.to_string(), array)),
            Err(error) => self.misfit.unfit.push(error),
        }
    }
}

impl<S: Scalar> Visitor<S> for Compare<'_, S> {
    fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
        self.take(name, parameter.value.dims(), |file| file.tensor(name).map(Array::Tensor));
    }

    fn buffer(&mut self, name: &str, buffer: BufferMut<'_, S>) {
        match buffer {
            BufferMut::Tensor(t) => self.take(name, t.dims(), |file| file.tensor(name).map(Array::Tensor)),
            BufferMut::Values(v) => self
                .take(name, &[v.len()], |file| Ok(Array::Values(file.tensor::<f64>(name)?.data().to_vec()))),
            BufferMut::Count(_) => self.take(name, &[], |file| {
                let stored = file.integers(name)?;
                let refuse = |found: i64| WeightsError::Number {
                    name: name.to_string(),
                    found: found.to_string(),
                    position: 0,
                    legal: "a count, at least 0".into(),
                };
                stored.first().map_or(Ok(Array::Count(0)), |&n| {
                    u64::try_from(n).map(Array::Count).map_err(|_| refuse(n))
                })
            }),
        }
    }
}

/// Puts what was read in its place. Nothing can go wrong any more: the names and shapes were compared.
struct Fill<S>(BTreeMap<String, Array<S>>);

impl<S: Scalar> Visitor<S> for Fill<S> {
    fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
        if let Some(Array::Tensor(tensor)) = self.0.remove(name) {
            parameter.value = tensor;
        }
    }

    fn buffer(&mut self, name: &str, buffer: BufferMut<'_, S>) {
        match (buffer, self.0.remove(name)) {
            (BufferMut::Tensor(t), Some(Array::Tensor(tensor))) => *t = tensor,
            (BufferMut::Values(v), Some(Array::Values(values))) => *v = values,
            (BufferMut::Count(n), Some(Array::Count(count))) => *n = count,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::model;
    use super::super::{encode, state, to_safetensors};
    use super::*;
    use crate::layer::testing;

    /// The state of a model as a file, after `change`.
    fn stored<S: Scalar>(change: impl Fn(&mut BTreeMap<String, Array<S>>)) -> Vec<u8> {
        let state = state(&mut model::<S>(1));
        let mut arrays = state.parameters;
        arrays.extend(state.buffers);
        change(&mut arrays);
        encode(&arrays)
    }

    /// The refusal of `bytes`, which must leave the model as it was.
    fn refusal<S: Scalar>(bytes: &[u8]) -> String {
        let mut other = model::<S>(2);
        let before = testing::state(&mut other);
        let text = load_safetensors(&mut other, bytes).unwrap_err().to_string();
        assert_eq!(testing::state(&mut other), before);
        text
    }

    #[test]
    fn a_state_moves_from_model_to_model() {
        let mut other = model::<f64>(2);
        assert_ne!(to_safetensors(&mut other), to_safetensors(&mut model::<f64>(1)));
        load_safetensors(&mut other, &to_safetensors(&mut model::<f64>(1))).unwrap();
        assert_eq!(to_safetensors(&mut other), to_safetensors(&mut model::<f64>(1)));
    }

    /// Single precision fits into double; double is rounded to single.
    #[test]
    fn a_state_of_either_precision_fits() {
        let (mut single, mut double) = (model::<f32>(2), model::<f64>(2));
        load_safetensors(&mut double, &to_safetensors(&mut model::<f32>(1))).unwrap();
        assert_eq!(testing::state(&mut double), testing::state(&mut model::<f32>(1)));
        load_safetensors(&mut single, &to_safetensors(&mut model::<f64>(1))).unwrap();
        let mut rounded = testing::state(&mut model::<f64>(1));
        rounded.iter_mut().flat_map(|e| &mut e.numbers).for_each(|x| *x = f64::from(*x as f32));
        assert_eq!(testing::state(&mut single), rounded);
    }

    #[test]
    fn a_state_without_a_count_keeps_the_models() {
        let bytes = stored::<f64>(|arrays| drop(arrays.remove("bn1.num_batches_tracked")));
        let mut fresh = model::<f64>(2);
        load_safetensors(
            &mut fresh,
            &stored::<f64>(|arrays| {
                arrays.insert("bn1.num_batches_tracked".into(), Array::Count(7));
            }),
        )
        .unwrap();
        load_safetensors(&mut fresh, &bytes).unwrap();
        assert_eq!(testing::numbers(&mut fresh, "bn1.num_batches_tracked"), [7.0]);
        assert_eq!(
            testing::numbers(&mut fresh, "fc.weight"),
            testing::numbers(&mut model::<f64>(1), "fc.weight")
        );
    }

    #[test]
    fn a_refusal_names_everything_at_once() {
        let text = refusal::<f64>(&stored::<f64>(|arrays| {
            let bias = arrays.remove("conv1.bias").unwrap();
            arrays.insert("conv1.bais".into(), bias);
            arrays.insert("zzz".into(), Array::Count(1));
            arrays.remove("bn1.running_var");
            arrays.insert("fc.weight".into(), Array::Values(vec![0.0; 12]));
            arrays.insert("fc.bias".into(), Array::Count(4));
            arrays.insert("bn1.num_batches_tracked".into(), Array::Values(vec![1.0]));
        }));
        let want = "the state is not this model's:\
                    \n  missing `conv1.bias` [3]\
                    \n  missing `bn1.running_var` [3]\
                    \n  unknown array `conv1.bais`; did you mean conv1.bias?\
                    \n  unknown array `zzz`\
                    \n  `bn1.num_batches_tracked` has shape [1], want []\
                    \n  `fc.weight` has shape [12], want [4, 3]\
                    \n  `fc.bias` has shape [], want [4]";
        assert_eq!(text, want);
    }

    #[test]
    fn kinds_and_numbers_that_do_not_fit_are_refused() {
        let text = refusal::<f64>(&stored::<f64>(|arrays| {
            arrays.insert("bn1.num_batches_tracked".into(), Array::Tensor(autograd::Tensor::scalar(1.0)));
        }));
        assert!(text.ends_with("`bn1.num_batches_tracked` is stored as F64, want I64"), "{text}");
        // As an I64 this is -1.
        let text = refusal::<f64>(&stored::<f64>(|arrays| {
            arrays.insert("bn1.num_batches_tracked".into(), Array::Count(u64::MAX));
        }));
        assert!(text.ends_with("`bn1.num_batches_tracked` holds -1 at position 0, want a count, at least 0"));
        let text = refusal::<f32>(&stored::<f64>(|arrays| {
            let bias = autograd::Tensor::vector(vec![0.0, 1e39, 1.0]);
            arrays.insert("conv1.bias".into(), Array::Tensor(bias));
        }));
        assert!(text.ends_with("`conv1.bias` holds 1e39 at position 1, want a number that an f32 can hold"));
    }

    #[test]
    fn every_beginning_of_a_state_is_refused() {
        let whole = stored::<f32>(|_| ());
        for end in 0..whole.len() {
            assert!(refusal::<f32>(&whole[..end]).starts_with("no whole safetensors file"), "{end}");
        }
    }
}
