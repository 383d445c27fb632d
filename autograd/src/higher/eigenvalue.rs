//! The ends of the spectrum of a Hessian that is never formed.

use super::direction::{elements, unflat_as};
use super::hvp::{Product, operator};
use super::lanczos;
use crate::error::{Error, Result};
use crate::program::Program;
use crate::random::{Purpose, Stream};
use crate::scalar::Scalar;
use crate::tensor::Tensor;

/// Which end of the spectrum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum End {
    /// The algebraically largest eigenvalue: the sharpness of a loss.
    #[default]
    Largest,
    /// The algebraically smallest.
    Smallest,
    /// The one with the largest magnitude: the spectral norm with its sign.
    Magnitude,
}

/// How [`top_eigenvalue`] looks for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EigenvalueSettings {
    /// Which eigenvalue.
    pub end: End,
    /// The most products of the Krylov space; each keeps one vector of f64 as long as all inputs together.
    pub max_iterations: usize,
    /// The residual ‖Hv − λv‖ at which to stop, relative to the spectral norm of H. The error of λ is far smaller: of
    /// the order of the residual's square over the gap to the next eigenvalue. In f32 a product is right to about
    /// 10⁻⁶ of that norm, and no smaller residual can be met.
    pub tolerance: f64,
    /// The seed of the start vector, which is standard normal.
    pub seed: u64,
}

impl Default for EigenvalueSettings {
    fn default() -> Self {
        Self { end: End::Largest, max_iterations: 100, tolerance: 1e-5, seed: 0 }
    }
}

/// An eigenvalue at an end of the spectrum.
#[derive(Debug, Clone, PartialEq)]
pub struct TopEigenvalue<S> {
    /// λ.
    pub eigenvalue: f64,
    /// v, with ‖v‖ = 1 over all its tensors, one for each input. Its sign is arbitrary.
    pub eigenvector: Vec<Tensor<S>>,
    /// ‖Hv − λv‖, from one more product. Some eigenvalue of a symmetric H is within it of λ.
    pub residual: f64,
    /// The smallest and the largest eigenvalue of H in the Krylov space: bounds from inside on the whole spectrum, the
    /// one that was asked for converged and the other nearly so.
    pub range: [f64; 2],
    /// Products taken, without the one for the residual.
    pub iterations: usize,
    /// Whether the residual is at most the tolerance times the largest magnitude in `range`.
    pub converged: bool,
}

const NAME: &str = "top_eigenvalue";

/// An eigenvalue at one end of the spectrum of the Hessian of `f`, whose value is a single number, at `x`, with its
/// eigenvector.
///
/// Lanczos' method with full reorthogonalisation, in f64 whatever the precision of the products. It stops when the
/// residual is small enough, after `max_iterations` products, or when the Krylov space is invariant, which it is after
/// as many products as H has distinct eigenvalues: then all of them are known. Not converging is no error: `converged`
/// and `residual` say what the result is worth. Everything follows from `seed`. H must be symmetric, see
/// [the module](super).
/// Source: Lanczos (1950); Golub and Van Loan, *Matrix Computations* (4th ed., 2013), sections 10.1 and 10.3.
///
/// # Errors
/// Inputs without elements, no iterations, a tolerance that is negative or not finite, a product that is not finite;
/// as [`hvp`](super::hvp).
pub fn top_eigenvalue<S: Scalar>(
    f: &impl Program,
    x: &[Tensor<S>],
    settings: &EigenvalueSettings,
) -> Result<TopEigenvalue<S>> {
    let found = search(&operator(NAME, f, x), elements(x), settings)?;
    Ok(TopEigenvalue {
        eigenvalue: found.eigenvalue,
        eigenvector: unflat_as(x, found.eigenvector[0].data()),
        residual: found.residual,
        range: found.range,
        iterations: found.iterations,
        converged: found.converged,
    })
}

/// The same of any symmetric n × n matrix, with the eigenvector as one tensor.
fn search(product: &Product<'_>, n: usize, settings: &EigenvalueSettings) -> Result<TopEigenvalue<f64>> {
    let &EigenvalueSettings { end, max_iterations, tolerance, seed } = settings;
    let refuse = |what: String, legal: &str| Err(Error::Argument { op: NAME, what, legal: legal.into() });
    if n == 0 {
        return refuse("the inputs have no elements".into(), "at least one number to differentiate by");
    }
    if max_iterations == 0 {
        return refuse("0 iterations".into(), "at least 1");
    }
    if !(tolerance.is_finite() && tolerance >= 0.0) {
        return refuse(format!("the tolerance is {tolerance}"), "a finite number, at least 0");
    }
    let mut stream = Stream::new(seed, Purpose::Probe, 0);
    let start: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
    let ritz = lanczos::run(product, &start, end, tolerance, max_iterations.min(n))?;
    let mut rest = product(&ritz.vector)?;
    lanczos::subtract(&mut rest, ritz.value, &ritz.vector);
    let residual = lanczos::norm(&rest);
    let reach = ritz.range[0].abs().max(ritz.range[1].abs());
    Ok(TopEigenvalue {
        eigenvalue: ritz.value,
        eigenvector: vec![Tensor::vector(ritz.vector)],
        residual,
        range: ritz.range,
        iterations: ritz.iterations,
        converged: residual <= tolerance * reach,
    })
}
