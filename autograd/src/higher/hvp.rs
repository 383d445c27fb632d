//! Forward over reverse.

use super::direction::{along, flat, split, unflat_as};
use super::gradient::backward;
use crate::error::{Error, Result};
use crate::program::Program;
use crate::scalar::Scalar;
use crate::tape::Tape;
use crate::tensor::Tensor;

/// What one backward pass over dual numbers finds.
#[derive(Debug, Clone, PartialEq)]
pub struct HessianProduct<S> {
    /// f(x).
    pub value: S,
    /// ∇f(x), one tensor for each input.
    pub gradient: Vec<Tensor<S>>,
    /// H·v, the derivative of ∇f along v, one tensor for each input.
    pub product: Vec<Tensor<S>>,
}

/// Value, gradient and Hessian-vector product of `f`, whose value is a single number, at `x` along `v`.
///
/// One tape over x + v·ε, and one backward pass over it. Exact to rounding. An input on no path to the value has
/// gradient and product 0. Where `f`'s gradient is not the derivative of its forward pass, see [the module](super).
/// Source: Pearlmutter, *Fast exact multiplication by the Hessian* (1994).
///
/// # Errors
/// The value is not a single number; `v` does not match `x` in number and shapes; whatever `f` refuses.
pub fn hvp<S: Scalar>(f: &impl Program, x: &[Tensor<S>], v: &[Tensor<S>]) -> Result<HessianProduct<S>> {
    let tape = Tape::new();
    let inputs: Vec<_> = along("hvp", x, v)?.into_iter().map(|x| tape.variable(x)).collect();
    let output = f.run(&tape, &inputs)?;
    let (value, gradients) = backward("hvp", output, &inputs)?;
    let (gradient, product) = gradients.iter().map(split).unzip();
    Ok(HessianProduct { value: value.value, gradient, product })
}

/// v ↦ H·v on long vectors of f64, whatever the function and its precision.
pub(super) type Product<'a> = dyn Fn(&[f64]) -> Result<Vec<f64>> + 'a;

/// H at `x` as a linear map, for the caller `name`. It refuses products that are not finite.
pub(super) fn operator<'a, S: Scalar>(
    name: &'static str,
    f: &'a impl Program,
    x: &'a [Tensor<S>],
) -> impl Fn(&[f64]) -> Result<Vec<f64>> + 'a {
    move |v| {
        let product = flat(&hvp(f, x, &unflat_as(x, v))?.product, S::to_f64);
        if product.iter().all(|p| p.is_finite()) {
            return Ok(product);
        }
        Err(Error::Argument {
            op: name,
            what: "the product of the Hessian with a vector of numbers of size 1 is not finite".into(),
            legal: "a point at which the function has finite second derivatives".into(),
        })
    }
}
