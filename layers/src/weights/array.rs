//! Arrays on their way into a safetensors file.

use std::borrow::Cow;
use std::collections::BTreeMap;

use autograd::{Scalar, Tensor};
use safetensors::tensor::{Dtype, View};

/// An array to be stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Array<S> {
    /// Numbers in their own precision: F32 for f32, F64 for any other scalar.
    Tensor(Tensor<S>),
    /// One axis of numbers that are always kept in f64.
    Values(Vec<f64>),
    /// A count, a single I64.
    Count(u64),
}

/// A view by the shape's lengths; the bytes are made when they are written, so that a large collection is never
/// there twice.
struct Stored<'a, S> {
    array: &'a Array<S>,
    shape: Vec<usize>,
}

impl<'a, S: Scalar> Stored<'a, S> {
    fn new(array: &'a Array<S>) -> Self {
        let shape = match array {
            Array::Tensor(t) => t.dims().to_vec(),
            Array::Values(v) => vec![v.len()],
            Array::Count(_) => vec![],
        };
        Self { array, shape }
    }
}

impl<S: Scalar> View for Stored<'_, S> {
    fn dtype(&self) -> Dtype {
        match self.array {
            Array::Tensor(_) if size_of::<S>() == size_of::<f32>() => Dtype::F32,
            Array::Tensor(_) | Array::Values(_) => Dtype::F64,
            Array::Count(_) => Dtype::I64,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Little-endian and row-major, as the format wants.
    fn data(&self) -> Cow<'_, [u8]> {
        let bytes = match self.array {
            Array::Tensor(t) if self.dtype() == Dtype::F32 => {
                t.data().iter().flat_map(|x| (x.to_f64() as f32).to_le_bytes()).collect()
            }
            Array::Tensor(t) => t.data().iter().flat_map(|x| x.to_f64().to_le_bytes()).collect(),
            Array::Values(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Array::Count(n) => n.to_le_bytes().to_vec(),
        };
        Cow::Owned(bytes)
    }

    fn data_len(&self) -> usize {
        self.shape.iter().product::<usize>() * (self.dtype().bitsize() / 8)
    }
}

/// The bytes of a safetensors file with `arrays`. Equal arrays give equal bytes.
pub fn encode<S: Scalar>(arrays: &BTreeMap<String, Array<S>>) -> Vec<u8> {
    let views = arrays.iter().map(|(name, array)| (name.as_str(), Stored::new(array)));
    safetensors::serialize(views, None).expect("names are unique and arrays fill their shapes")
}
