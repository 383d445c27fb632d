//! A model's state in the safetensors format, under torchvision's names.
//!
//! Parameters and buffers are stored in the model's precision, f64 values as F64 and counts as I64, so that the
//! file opens in any framework that reads safetensors.

use std::collections::BTreeMap;

use autograd::Scalar;
use safetensors::tensor::{Dtype, TensorView};

use crate::layer::{BufferMut, Layer, Visitor, Walk};
use crate::parameter::Parameter;

/// One stored array.
#[derive(Debug)]
struct Entry {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// Numbers as little-endian f32 if they all are f32, which f32 models' are, else as f64.
fn entry<S: Scalar>(shape: &[usize], numbers: &[S]) -> Entry {
    let is_single = size_of::<S>() == size_of::<f32>();
    let bytes = if is_single {
        numbers.iter().flat_map(|x| (x.to_f64() as f32).to_le_bytes()).collect()
    } else {
        numbers.iter().flat_map(|x| x.to_f64().to_le_bytes()).collect()
    };
    Entry { dtype: if is_single { Dtype::F32 } else { Dtype::F64 }, shape: shape.to_vec(), bytes }
}

struct Collect(BTreeMap<String, Entry>);

impl<S: Scalar> Visitor<S> for Collect {
    fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
        self.0.insert(name.to_string(), entry(parameter.value.dims(), parameter.value.data()));
    }

    fn buffer(&mut self, name: &str, buffer: BufferMut<'_, S>) {
        let stored = match buffer {
            BufferMut::Tensor(t) => entry(t.dims(), t.data()),
            BufferMut::Values(v) => entry(&[v.len()], v),
            BufferMut::Count(n) => {
                Entry { dtype: Dtype::I64, shape: vec![], bytes: n.to_le_bytes().to_vec() }
            }
        };
        self.0.insert(name.to_string(), stored);
    }
}

/// The bytes of a safetensors file with every parameter and buffer of `model`. Equal models give equal bytes.
pub fn to_safetensors<S: Scalar>(model: &mut dyn Layer<S>) -> Vec<u8> {
    let mut collect = Collect(BTreeMap::new());
    Walk::over(model, &mut collect);
    let views = collect.0.iter().map(|(name, e)| {
        let view = TensorView::new(e.dtype, e.shape.clone(), &e.bytes).expect("an array fills its shape");
        (name.as_str(), view)
    });
    safetensors::serialize(views, None).expect("names are unique and arrays fill their shapes")
}
