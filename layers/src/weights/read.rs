//! Arrays on their way out of a safetensors file.

use std::collections::BTreeMap;

use autograd::{MAX_RANK, Scalar, Shape, Tensor};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use super::array::Array;
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
        let shape = Shape::new(view.shape()).map_err(|_| WeightsError::Shape {
            name: name.to_string(),
            found: view.shape().to_vec(),
            legal: format!("at most {MAX_RANK} axes"),
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

    /// All arrays, as [`encode`](super::encode) takes them: numbers become tensors of `S`, a single I64 a count.
    ///
    /// # Errors
    /// An array of another kind or with too many axes, a number that is no `S`, a count below 0.
    pub fn arrays<S: Scalar>(&self) -> Result<BTreeMap<String, Array<S>>, WeightsError> {
        let array = |name: &str| {
            let view = self.view(name)?;
            if view.dtype() != Dtype::I64 || !view.shape().is_empty() {
                return Ok(Array::Tensor(self.tensor(name)?));
            }
            let stored = self.integers(name)?[0];
            let count = u64::try_from(stored).map_err(|_| WeightsError::Number {
                name: name.to_string(),
                found: stored.to_string(),
                position: 0,
                legal: "a count, at least 0".into(),
            })?;
            Ok(Array::Count(count))
        };
        self.names().into_iter().map(|name| Ok((name.to_string(), array(name)?))).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of one array `x`.
    fn file(dtype: Dtype, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
        let view = TensorView::new(dtype, shape.to_vec(), bytes).unwrap();
        safetensors::serialize([("x", view)], None).unwrap()
    }

    fn read<S: Scalar>(bytes: &[u8]) -> Result<Vec<S>, WeightsError> {
        Ok(StoredArrays::parse(bytes)?.tensor::<S>("x")?.data().to_vec())
    }

    /// Values of `torch.tensor(bits).view(dtype).to(torch.float64)`, version 2.15.
    #[test]
    fn half_precision_is_that_of_torch() {
        let rows: &[(Dtype, u16, f64)] = &[
            (Dtype::F16, 0x0000, 0.0),
            (Dtype::F16, 0x0001, 5.960464477539063e-8),
            (Dtype::F16, 0x8001, -5.960464477539063e-8),
            (Dtype::F16, 0x03ff, 6.097555160522461e-5),
            (Dtype::F16, 0x0400, 6.103515625e-5),
            (Dtype::F16, 0x3c00, 1.0),
            (Dtype::F16, 0x3555, 0.333251953125),
            (Dtype::F16, 0xc000, -2.0),
            (Dtype::F16, 0x7bff, 65504.0),
            (Dtype::F16, 0xfc00, f64::NEG_INFINITY),
            (Dtype::BF16, 0x0001, 9.183549615799121e-41),
            (Dtype::BF16, 0x3f80, 1.0),
            (Dtype::BF16, 0x3555, 7.934868335723877e-7),
            (Dtype::BF16, 0xfc00, -2.658455991569832e36),
        ];
        for &(dtype, bits, want) in rows {
            let got = read::<f64>(&file(dtype, &[1], &bits.to_le_bytes())).unwrap();
            assert_eq!(got, [want], "{dtype} {bits:#06x}");
        }
        assert!(read::<f64>(&file(Dtype::F16, &[1], &0x7e00u16.to_le_bytes())).unwrap()[0].is_nan());
        assert!(
            read::<f64>(&file(Dtype::F16, &[1], &0x8000u16.to_le_bytes())).unwrap()[0].is_sign_negative()
        );
    }

    #[test]
    fn numbers_are_rounded_once_and_never_become_infinite() {
        let bytes = |numbers: &[f64]| numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>();
        let third = file(Dtype::F64, &[1], &bytes(&[1.0 / 3.0]));
        assert_eq!(read::<f32>(&third).unwrap(), [1.0f32 / 3.0]);
        assert_eq!(read::<f64>(&third).unwrap(), [1.0 / 3.0]);
        let special = file(Dtype::F64, &[2], &bytes(&[f64::INFINITY, f64::NAN]));
        let special = read::<f32>(&special).unwrap();
        assert!(special[0] == f32::INFINITY && special[1].is_nan());
        let huge = file(Dtype::F64, &[3], &bytes(&[f64::NAN, 1.0, -1e300]));
        let text = read::<f32>(&huge).unwrap_err().to_string();
        assert_eq!(text, "`x` holds -1e300 at position 2, want a number that an f32 can hold");
        assert_eq!(read::<f64>(&huge).unwrap()[2], -1e300);
        assert!(read::<f32>(&file(Dtype::F64, &[0, 3], &[])).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_tensor_is_refused() {
        let text = |bytes: &[u8]| read::<f32>(bytes).unwrap_err().to_string();
        let integers = file(Dtype::I64, &[1], &[0; 8]);
        assert_eq!(text(&integers), "`x` is stored as I64, want F64, F32, BF16 or F16");
        let deep = text(&file(Dtype::F32, &[1; 7], &[0; 4]));
        assert!(deep.contains("`x` has shape [1, 1, 1, 1, 1, 1, 1]") && deep.contains("at most 6"), "{deep}");
        let arrays = StoredArrays::parse(&integers).unwrap();
        assert_eq!(arrays.integers("x").unwrap(), [0]);
        let text = arrays.tensor::<f32>("y").unwrap_err().to_string();
        assert_eq!(text, "no array `y`; it holds x");
        let single = file(Dtype::F32, &[1], &[0; 4]);
        let text = StoredArrays::parse(&single).unwrap().integers("x").unwrap_err().to_string();
        assert_eq!(text, "`x` is stored as F32, want I64");
    }

    /// Every beginning of a file, every file with one byte too many, and every byte of the header turned into others.
    #[test]
    fn damaged_files_are_refused_and_never_panic() {
        let whole = file(Dtype::F32, &[2, 2], &[1; 16]);
        for end in 0..whole.len() {
            assert!(matches!(read::<f32>(&whole[..end]), Err(WeightsError::Format(_))), "{end}");
        }
        let longer = [&whole[..], &[0]].concat();
        assert!(matches!(read::<f32>(&longer), Err(WeightsError::Format(_))));
        for place in 0..whole.len() - 16 {
            for byte in 0..=255 {
                let mut damaged = whole.clone();
                damaged[place] = byte;
                // Some stay legal, such as another name; none may panic or give another number of elements.
                if let Ok(numbers) = read::<f32>(&damaged) {
                    assert!(numbers.len() <= 8, "{place} {byte}");
                }
            }
        }
        for garbage in [&[0xff; 64][..], &[0; 64], b"{\"x\":1}"] {
            assert!(matches!(read::<f64>(garbage), Err(WeightsError::Format(_))));
        }
    }
}
