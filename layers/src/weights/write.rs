//! A model's state on its way out.

use std::collections::BTreeMap;

use autograd::Scalar;

use super::array::{Array, encode};
use crate::layer::{BufferMut, Layer, Visitor, Walk};
use crate::parameter::Parameter;

/// What a model owns, by torchvision's names.
#[derive(Debug, Clone, PartialEq)]
pub struct State<S> {
    /// What is learnt.
    pub parameters: BTreeMap<String, Array<S>>,
    /// What is not, such as running statistics.
    pub buffers: BTreeMap<String, Array<S>>,
}

impl<S: Scalar> Visitor<S> for State<S> {
    fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
        self.parameters.insert(name.to_string(), Array::Tensor(parameter.value.clone()));
    }

    fn buffer(&mut self, name: &str, buffer: BufferMut<'_, S>) {
        let array = match buffer {
            BufferMut::Tensor(t) => Array::Tensor(t.clone()),
            BufferMut::Values(v) => Array::Values(v.clone()),
            BufferMut::Count(n) => Array::Count(*n),
        };
        self.buffers.insert(name.to_string(), array);
    }
}

/// The present state of `model`; tensors share their data with it.
pub fn state<S: Scalar>(model: &mut dyn Layer<S>) -> State<S> {
    let mut state = State { parameters: BTreeMap::new(), buffers: BTreeMap::new() };
    Walk::over(model, &mut state);
    state
}

/// The bytes of a safetensors file with every parameter and buffer of `model`. Equal models give equal bytes.
pub fn to_safetensors<S: Scalar>(model: &mut dyn Layer<S>) -> Vec<u8> {
    let State { mut parameters, buffers } = state(model);
    parameters.extend(buffers);
    encode(&parameters)
}

#[cfg(test)]
mod tests {
    use autograd::{Result, Var};
    use safetensors::SafeTensors;
    use safetensors::tensor::{Dtype, TensorView};

    use super::super::testing::model;
    use super::*;
    use crate::context::Context;
    use crate::init::{Init, Initializer};
    use crate::layer::testing::{set, state};
    use crate::linear::Linear;
    use crate::sequential::Sequential;

    /// The numbers of a stored array, by the format's definition: little-endian, row-major.
    fn decode(view: &TensorView<'_>) -> Vec<f64> {
        let data = view.data();
        match view.dtype() {
            Dtype::F32 => {
                let (words, rest) = data.as_chunks::<4>();
                assert!(rest.is_empty());
                words.iter().map(|&b| f64::from(f32::from_le_bytes(b))).collect()
            }
            Dtype::F64 => data.as_chunks::<8>().0.iter().map(|&b| f64::from_le_bytes(b)).collect(),
            Dtype::I64 => data.as_chunks::<8>().0.iter().map(|&b| i64::from_le_bytes(b) as f64).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn reads_back<S: Scalar>(float: Dtype) {
        let mut model = model::<S>(1);
        let bytes = to_safetensors(&mut model);
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let mut names = file.names();
        names.sort_unstable();
        let want = [
            "bn1.bias",
            "bn1.num_batches_tracked",
            "bn1.running_mean",
            "bn1.running_var",
            "bn1.weight",
            "conv1.bias",
            "conv1.weight",
            "fc.bias",
            "fc.weight",
        ];
        assert_eq!(names, want);
        let state = state(&mut model);
        assert_eq!(state.len(), want.len());
        for entry in state {
            let view = file.tensor(&entry.name).unwrap();
            let is_count = entry.name == "bn1.num_batches_tracked";
            assert_eq!(view.dtype(), if is_count { Dtype::I64 } else { float }, "{}", entry.name);
            assert_eq!(view.shape(), entry.dims, "{}", entry.name);
            assert_eq!(decode(&view), entry.numbers, "{}", entry.name);
        }
        assert_eq!(file.tensor("conv1.weight").unwrap().shape(), [3, 2, 3, 3]);
        assert_eq!(file.tensor("fc.weight").unwrap().shape(), [4, 3]);
        let tracked = file.tensor("bn1.num_batches_tracked").unwrap();
        assert_eq!((tracked.shape(), decode(&tracked)), (&[][..], vec![1.0]));
    }

    #[test]
    fn everything_reads_back_in_the_precision_of_the_model() {
        reads_back::<f32>(Dtype::F32);
        reads_back::<f64>(Dtype::F64);
    }

    #[test]
    fn equal_models_give_equal_bytes() {
        let bytes = to_safetensors(&mut model::<f32>(1));
        assert_eq!(to_safetensors(&mut model::<f32>(1)), bytes);
        assert_ne!(to_safetensors(&mut model::<f32>(2)), bytes);
        let mut other = model::<f32>(1);
        set(&mut other, "bn1.running_mean", &[0.0, 0.0, 1.0]);
        assert_ne!(to_safetensors(&mut other), bytes);
    }

    #[test]
    fn the_order_of_the_walk_does_not_matter() {
        let layer = |seed| Linear::<f64>::new(2, 3, &mut Initializer::new(Init::HeNormal, seed));
        let mut one = Sequential::new().named("a", layer(1)).named("b", layer(2));
        let mut other = Sequential::new().named("b", layer(2)).named("a", layer(1));
        assert_eq!(to_safetensors(&mut one), to_safetensors(&mut other));
    }

    /// Statistics that a layer keeps in f64.
    #[derive(Debug)]
    struct Kept(Vec<f64>);

    impl<S: Scalar> Layer<S> for Kept {
        fn forward<'t>(&mut self, _cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
            Ok(x)
        }

        fn visit(&mut self, walk: &mut Walk<'_, S>) {
            walk.buffer("moments", BufferMut::Values(&mut self.0));
        }
    }

    #[test]
    fn what_is_kept_in_f64_is_stored_so_in_a_model_of_f32() {
        let numbers = vec![0.1, 1.0 / 3.0, f64::MIN_POSITIVE];
        let bytes = to_safetensors::<f32>(&mut Kept(numbers.clone()));
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let view = file.tensor("moments").unwrap();
        assert_eq!((view.dtype(), view.shape(), decode(&view)), (Dtype::F64, &[3][..], numbers));
    }
}
