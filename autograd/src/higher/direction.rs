//! Lists of tensors as points and directions: moved along ε, taken apart, and read as one long vector.

use crate::error::{Error, Result};
use crate::scalar::{Dual, Scalar};
use crate::tensor::Tensor;

/// x + v·ε.
///
/// # Errors
/// `v` is not one tensor of the same shape for each of `x`.
pub(crate) fn along<S: Scalar>(
    name: &'static str,
    x: &[Tensor<S>],
    v: &[Tensor<S>],
) -> Result<Vec<Tensor<Dual<S>>>> {
    if x.len() != v.len() {
        return Err(Error::Argument {
            op: name,
            what: format!("a direction of {} tensors given", v.len()),
            legal: format!("{}: one for each input", x.len()),
        });
    }
    let pair = |(x, v): (&Tensor<S>, &Tensor<S>)| {
        if x.shape() != v.shape() {
            let rule = "a direction has the shape of its input";
            return Err(Error::Shapes { op: name, left: x.shape(), right: v.shape(), rule });
        }
        let moving = x.data().iter().zip(v.data()).map(|(&x, &v)| Dual::new(x, v)).collect();
        Ok(Tensor::filled(x.shape(), moving))
    };
    x.iter().zip(v).map(pair).collect()
}

/// Values and tangents.
pub(crate) fn split<S: Scalar>(x: &Tensor<Dual<S>>) -> (Tensor<S>, Tensor<S>) {
    let part = |read: fn(&Dual<S>) -> S| Tensor::filled(x.shape(), x.data().iter().map(read).collect());
    (part(|x| x.value), part(|x| x.tangent))
}

/// The number of elements of all tensors.
pub(super) fn elements<S: Scalar>(x: &[Tensor<S>]) -> usize {
    x.iter().map(Tensor::len).sum()
}

/// One long vector, tensor after tensor.
pub(super) fn flat<S: Scalar, T>(x: &[Tensor<S>], read: impl Fn(S) -> T) -> Vec<T> {
    x.iter().flat_map(Tensor::data).map(|&x| read(x)).collect()
}

/// Tensors in the shapes of `x` with the numbers of `flat`.
pub(super) fn unflat<S: Scalar, T: Scalar>(x: &[Tensor<S>], flat: &[T]) -> Vec<Tensor<T>> {
    let mut rest = flat;
    let take = |x: &Tensor<S>| {
        let (numbers, behind) = rest.split_at(x.len());
        rest = behind;
        Tensor::filled(x.shape(), numbers.to_vec())
    };
    x.iter().map(take).collect()
}

/// The same in the scalar type of `x`.
pub(super) fn unflat_as<S: Scalar>(x: &[Tensor<S>], flat: &[f64]) -> Vec<Tensor<S>> {
    let numbers: Vec<S> = flat.iter().map(|&v| S::from_f64(v)).collect();
    unflat(x, &numbers)
}
