//! The trace of a Hessian that is never formed.

use super::direction::elements;
use super::hvp::operator;
use crate::error::{Error, Result};
use crate::program::Program;
use crate::random::{Purpose, Stream};
use crate::scalar::Scalar;
use crate::tensor::Tensor;

/// An estimate of tr H.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceEstimate {
    /// The mean of the samples: an unbiased estimate of tr H.
    pub mean: f64,
    /// The standard error of the mean: √(Σ (s − mean)² / (k − 1) / k) over k samples.
    pub standard_error: f64,
    /// zᵀHz of every vector z of random signs, in the order drawn.
    pub samples: Vec<f64>,
}

const NAME: &str = "hessian_trace";

/// Hutchinson's estimate of the trace of the Hessian of `f`, whose value is a single number, at `x`.
///
/// E\[zᵀHz\] = tr H for z of independent random signs, and Var\[zᵀHz\] = 2 Σᵢ≠ⱼ H²ᵢⱼ for symmetric H: the smallest
/// variance of all distributions with independent entries, and 0 for a diagonal H. One product per sample. The same
/// `seed` gives the same vectors, sample by sample, whatever the number of samples.
/// Source: Hutchinson, *A stochastic estimator of the trace of the influence matrix* (1989).
///
/// # Errors
/// Less than 2 samples, which have no standard error; a product that is not finite; as [`hvp`](super::hvp).
pub fn hessian_trace<S: Scalar>(
    f: &impl Program,
    x: &[Tensor<S>],
    samples: usize,
    seed: u64,
) -> Result<TraceEstimate> {
    if samples < 2 {
        return Err(Error::Argument {
            op: NAME,
            what: format!("{samples} samples asked for"),
            legal: "at least 2: fewer have no standard error".into(),
        });
    }
    let (n, product) = (elements(x), operator(NAME, f, x));
    let sample = |index| {
        let mut stream = Stream::new(seed, Purpose::Probe, index);
        let z: Vec<f64> = (0..n).map(|_| if stream.below(2) == 0 { 1.0 } else { -1.0 }).collect();
        Ok(product(&z)?.iter().zip(&z).map(|(h, z)| h * z).sum())
    };
    let samples = (0..samples as u64).map(sample).collect::<Result<Vec<f64>>>()?;
    let count = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let variance = samples.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / (count - 1.0);
    Ok(TraceEstimate { mean, standard_error: (variance / count).sqrt(), samples })
}
