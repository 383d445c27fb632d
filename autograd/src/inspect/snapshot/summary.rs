//! The numbers of one tensor, summed up.

use serde::{Deserialize, Serialize};

use super::number::Number;
use crate::inspect::Statistics;
use crate::scalar::Scalar;
use crate::tensor::Tensor;

/// Tensors of at most so many elements are written out whole, beside their statistics.
pub const ELEMENTS: usize = 64;

/// [`Statistics`] of a tensor as plain data. Moments, minimum and maximum are those of the finite elements, and
/// absent where there are none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many elements there are.
    pub count: u64,
    /// How many of them are exactly 0.
    pub zeros: u64,
    /// How many are NaN or infinite.
    pub non_finite: u64,
    /// How many are subnormal in their own precision.
    pub denormals: u64,
    /// The mean.
    pub mean: Option<Number>,
    /// E\[(x − E\[x\])²\].
    pub variance: Option<Number>,
    /// E\[x²\].
    pub second_moment: Option<Number>,
    /// The smallest element.
    pub min: Option<Number>,
    /// The largest element.
    pub max: Option<Number>,
    /// Pairs (e, how many x have 2ᵉ ≤ |x| < 2ᵉ⁺¹), e rising; exponents that do not occur are left out.
    pub histogram: Vec<(i32, u64)>,
    /// The elements themselves in row-major order, if there are at most [`ELEMENTS`].
    pub elements: Option<Vec<Number>>,
}

impl Summary {
    /// That of `tensor`. Tangents of dual numbers are dropped.
    pub fn of<S: Scalar>(tensor: &Tensor<S>) -> Self {
        let s = Statistics::of(tensor);
        let number = |x: Option<f64>| x.map(Number);
        Self {
            count: s.count,
            zeros: s.zeros,
            non_finite: s.non_finite,
            denormals: s.denormals,
            mean: number(s.mean()),
            variance: number(s.variance()),
            second_moment: number(s.second_moment()),
            min: number(s.min()),
            max: number(s.max()),
            histogram: s.histogram.bins().collect(),
            elements: elements(tensor),
        }
    }

    /// log₁₀ of the variance, if that is a positive finite number.
    pub fn log_variance(&self) -> Option<f64> {
        let variance = self.variance?.0;
        (variance > 0.0 && variance.is_finite()).then(|| variance.log10())
    }
}

/// The elements of a small tensor.
pub(super) fn elements<S: Scalar>(tensor: &Tensor<S>) -> Option<Vec<Number>> {
    let is_small = tensor.len() <= ELEMENTS;
    is_small.then(|| tensor.data().iter().map(|x| Number(x.to_f64())).collect())
}
