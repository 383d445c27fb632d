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
            BufferMut::Values(v) => self.take(name, &[v.len()], |file| {
                Ok(Array::Values(file.tensor::<f64>(name)?.data().to_vec()))
            }),
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
