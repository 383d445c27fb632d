//! Arrays on their way out of a safetensors file.

use autograd::{Scalar, Shape, Tensor};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use super::error::WeightsError;

/// The named arrays of a safetensors file, read where they lie.
#[derive(Debug)]
pub struct StoredArrays<'a>(SafeTensors<'a>);

impl<'a> StoredArrays<'a> {
    /// Takes the bytes of a whole file. Nothing is allocated that is much larger than they are.
    ///
    /// # Errors
    /// The bytes are cut short, too many, or no safetensors file at all.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WeightsError> {
        SafeTensors::deserialize(bytes).map(Self).map_err(|e| WeightsError::Format(e.to_string()))
    }

    /// The names in alphabetical order.
    pub fn names(&self) -> Vec<&str> {
        let mut names = self.0.names();
        names.sort_unstable();
        names
    }

    /// The shape of the array `name`, if there is one.
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.0.tensor(name).ok().map(|view| view.shape().to_vec())
    }

    /// The array `name` as numbers of the type `S`, whether stored as F64, F32, BF16 or F16.
    ///
    /// # Errors
    /// There is none, it holds another kind of number, it has more axes than a tensor, or one of its numbers is finite
    /// where it is stored but not as an `S`.
    pub fn tensor<S: Scalar>(&self, name: &str) -> Result<Tensor<S>, WeightsError> {
        let view = self.view(name)?;
        let shape = Shape::new(view.shape()).map_err(|e| WeightsError::Shape {
            name: name.to_string(),
            found: view.shape().to_vec(),
            legal: e.to_string(),
        })?;
        let numbers = floats(&view, &S::from_f64).ok_or_else(|| WeightsError::Kind {
            name: name.to_string(),
            found: view.dtype().to_string(),
            legal: "F64, F32, BF16 or F16",
        })?;
        if let Some(position) = numbers.iter().position(|x| !x.is_finite()) {
            self.refuse_overflow(name, &view, &numbers, position)?;
        }
        Ok(Tensor::filled(shape, numbers))
    }

    /// The array `name` as integers, stored as I64, in row-major order.
    ///
    /// # Errors
    /// There is none, or it holds another kind of number.
    pub fn integers(&self, name: &str) -> Result<Vec<i64>, WeightsError> {
        let view = self.view(name)?;
        if view.dtype() != Dtype::I64 {
            let found = view.dtype().to_string();
            return Err(WeightsError::Kind { name: name.to_string(), found, legal: "I64" });
        }
        Ok(view.data().as_chunks::<8>().0.iter().map(|&bytes| i64::from_le_bytes(bytes)).collect())
    }

    fn view(&self, name: &str) -> Result<TensorView<'a>, WeightsError> {
        let held = || self.names().into_iter().map(str::to_string).collect();
        self.0.tensor(name).map_err(|_| WeightsError::Missing { name: name.to_string(), held: held() })
    }

    /// Infinities and NaN are taken as they are stored; a number that only becomes infinite is refused.
    fn refuse_overflow<S: Scalar>(
        &self,
        name: &str,
        view: &TensorView<'_>,
        numbers: &[S],
        first: usize,
    ) -> Result<(), WeightsError> {
        let stored = floats(view, &|x| x).unwrap_or_default();
        let overflows = |i: &usize| stored[*i].is_finite() && !numbers[*i].is_finite();
        match (first..numbers.len()).find(overflows) {
            None => Ok(()),
            Some(position) => Err(WeightsError::Number {
                name: name.to_string(),
                found: format!("{:e}", stored[position]),
                position,
                legal: format!("a number that an {} can hold", std::any::type_name::<S>()),
            }),
        }
    }
}

/// The numbers of a stored array of a floating-point kind, little-endian and row-major.
fn floats<T>(view: &TensorView<'_>, of: &dyn Fn(f64) -> T) -> Option<Vec<T>> {
    let data = view.data();
    let halves = |value: fn(u16) -> f64| {
        data.as_chunks().0.iter().map(move |&bytes| value(u16::from_le_bytes(bytes))).map(of).collect()
    };
    Some(match view.dtype() {
        Dtype::F64 => data.as_chunks().0.iter().map(|&bytes| of(f64::from_le_bytes(bytes))).collect(),
        Dtype::F32 => {
            data.as_chunks().0.iter().map(|&bytes| of(f64::from(f32::from_le_bytes(bytes)))).collect()
        }
        Dtype::BF16 => halves(bfloat16),
        Dtype::F16 => halves(binary16),
        _ => return None,
    })
}

/// bfloat16 is the upper half of an f32.
fn bfloat16(bits: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(bits) << 16))
}

/// IEEE 754 binary16: a sign, 5 bits of exponent with bias 15, 10 bits of fraction.
fn binary16(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => fraction * (-24f64).exp2(),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * f64::from(exponent - 25).exp2(),
    };
    if bits >> 15 == 1 { -size } else { size }
}
