//! The whole matrix, for few numbers.

use super::direction::{elements, flat, unflat};
use super::hvp::hvp;
use crate::error::{Error, Result};
use crate::program::Program;
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The most numbers by which [`hessian`] differentiates: the matrix then has 2²² entries.
pub const MAX_HESSIAN: usize = 2048;

/// The Hessian matrix H of `f`, whose value is a single number, at `x`: \[n, n\], where n counts the elements of all
/// inputs, one input after the other, each row-major. H\[i, j\] = ∂(∇f)ᵢ/∂xⱼ.
///
/// Column j is the product of H with the j-th unit vector, so it costs n products. It is not symmetrised: how far H
/// is from Hᵀ shows rounding, or a gradient that is not the derivative of `f`.
///
/// # Errors
/// More than [`MAX_HESSIAN`] numbers; the value is not a single number; whatever `f` refuses.
pub fn hessian<S: Scalar>(f: &impl Program, x: &[Tensor<S>]) -> Result<Tensor<S>> {
    let n = elements(x);
    if n > MAX_HESSIAN {
        return Err(Error::Argument {
            op: "hessian",
            what: format!("the inputs have {n} elements, the matrix would have {n}²"),
            legal: format!(
                "at most {MAX_HESSIAN} elements; for more, `hvp`, `hessian_trace` or `top_eigenvalue`"
            ),
        });
    }
    let mut matrix = vec![S::ZERO; n * n];
    for j in 0..n {
        let mut unit = vec![S::ZERO; n];
        unit[j] = S::ONE;
        let column = flat(&hvp(f, x, &unflat(x, &unit))?.product, |h| h);
        column.into_iter().enumerate().for_each(|(i, h)| matrix[i * n + j] = h);
    }
    Ok(Tensor::filled(Shape::from([n, n]), matrix))
}
