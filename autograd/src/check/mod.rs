//! Gradient checking, as a public API.
//!
//! Two independent routes. *Dual numbers*: for directions v, the forward pass over `x + v·ε` gives J·v exactly, so
//! ⟨u, J v⟩ must equal ⟨Jᵀu, v⟩ to rounding error. *Finite differences*: the same, with J·v from central
//! differences in f64, of second order or, where these are refused, of fourth; slower to trust, but it shares no code with the
//! first.
//!
//! Second derivatives by two routes as well. Backward over `x + v·ε` gives H·v, the derivative of Jᵀu along v, where H is
//! the Hessian of ⟨u, f(x)⟩. *Symmetry*: ⟨w, H v⟩ must equal ⟨v, H w⟩ to rounding error. *Finite differences*: H·v must
//! be what differences of Jᵀu along v give, of fourth order.
//!
//! Cotangents u are random: the gradient of a plain sum is identically zero through a batch norm and would hide
//! any error. Below [`COORDINATES`] input elements every coordinate is checked, above it random directions.
//!
//! ```
//! use autograd::check::{self, Case};
//! use autograd::ops::Mul;
//!
//! let case = Case::op("broadcast", Mul).normal([2, 3]).normal([3]);
//! let report = check::run(&case)?;
//! assert!(report.failures.is_empty(), "{:?}", report.failures);
//! assert!(report.dual <= check::DUAL_TOLERANCE);
//! # Ok::<(), autograd::Error>(())
//! ```
//!
//! A function of several ops implements [`Program`]; a new op is checked as it is. [`campaign`] has random functions of
//! all registered ops.

pub mod campaign;
mod case;
mod consistency;
mod difference;
mod dual;
mod evaluation;
mod program;
mod sample;
mod samples;
mod second;

pub use crate::program::Program;
pub use case::{Case, elementwise_cases};
pub use evaluation::Evaluation;
pub use program::CheckedOp;
pub use samples::samples;

use crate::error::Result;
use crate::gradients::gradients_of;
use crate::pass::{Keep, Pass};
use crate::random::{Purpose, Stream};
use crate::scalar::Scalar;
use crate::tape::Tape;
use crate::tensor::Tensor;

/// Up to this many input elements, every partial derivative is checked on its own.
pub const COORDINATES: usize = 256;
/// Random directions otherwise, and for second derivatives.
pub const DIRECTIONS: u64 = 3;
/// Largest legal error of the dual-number routes, relative to the largest entry of the derivatives compared.
pub const DUAL_TOLERANCE: f64 = 1e-11;

/// Largest legal distance of a central difference from the derivative, both about as large as `size`.
fn difference_tolerance(size: f64) -> f64 {
    1e-8 + 1e-6 * size
}

/// The same for a bilinear op, whose differences are exact up to the rounding of terms as large as `size`.
fn bilinear_tolerance(size: f64) -> f64 {
    1e-11 * size
}

/// Which random stream of [`Purpose::Probe`] is drawn for what. The inputs of a case draw from the first ones, by
/// position, so these count down from the last.
mod streams {
    use super::DIRECTIONS;

    /// The cotangent.
    pub(super) const COTANGENT: u64 = u64::MAX;
    /// The first of [`DIRECTIONS`] for first derivatives.
    const FIRST: u64 = COTANGENT - 1;
    /// The first of [`DIRECTIONS`] for second derivatives.
    const SECOND: u64 = FIRST - DIRECTIONS;
    /// The upstream gradient of the check of samples.
    pub(super) const SAMPLES: u64 = u64::MAX - 100;

    /// Direction `k` for first derivatives.
    pub(super) fn first(k: u64) -> u64 {
        FIRST - k
    }

    /// Direction `k` for second derivatives.
    pub(super) fn second(k: u64) -> u64 {
        SECOND - k
    }
}

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Worst error of the dual-number route, relative to the largest entry of that gradient.
    pub dual: f64,
    /// Worst error of the finite-difference route, as a share of what is allowed; at most 1 passes.
    pub difference: f64,
    /// Worst asymmetry of second derivatives, |⟨w, H v⟩ − ⟨v, H w⟩| for random v and w of length 1, relative to the largest
    /// entry of H·v, H·w and the gradient, whose terms are those that H·v is the sum of.
    pub second_symmetry: f64,
    /// Worst error of H·v against differences of the gradient, as a share of what is allowed; at most 1 passes.
    pub second_difference: f64,
    /// Worst error of f32 values and gradients against f64, relative to the largest entry.
    pub single: f64,
    /// What was wrong, in words; empty for a correct gradient.
    pub failures: Vec<String>,
}

/// Runs every check on `case`.
///
/// # Errors
/// The case itself cannot be evaluated: its shapes do not fit the op.
pub fn run(case: &Case) -> Result<Report> {
    let mut report = Report::default();
    let reference = Reference::of(case)?;
    dual::check(case, &reference, &mut report)?;
    difference::check(case, &reference, &mut report)?;
    second::check(case, &reference, &mut report)?;
    consistency::check(case, &reference, &mut report)?;
    Ok(report)
}

/// Panics with the failures of `case`, for use in tests.
pub fn assert_case(case: &Case) {
    let report = run(case).unwrap_or_else(|e| panic!("{}: {e}", case.name()));
    assert!(report.failures.is_empty(), "{}:\n  {}", case.name(), report.failures.join("\n  "));
}

/// The f64 evaluation that everything is compared with.
struct Reference {
    output: Tensor<f64>,
    cotangent: Tensor<f64>,
    gradients: Vec<Tensor<f64>>,
}

impl Reference {
    fn of(case: &Case) -> Result<Self> {
        let (output, cotangent) = {
            let tape = Tape::<f64>::new();
            let inputs: Vec<_> = case.inputs().iter().map(|x| tape.variable(x.clone())).collect();
            let output = case.program().run_f64(&tape, &inputs)?.value();
            let mut stream = Stream::new(case.seed(), Purpose::Probe, streams::COTANGENT);
            let cotangent = (0..output.len()).map(|_| stream.normal()).collect();
            (output.clone(), Tensor::filled(output.shape(), cotangent))
        };
        let gradients = gradients_at(case, case.inputs().to_vec(), &cotangent)?;
        Ok(Self { output, cotangent, gradients })
    }
}

/// Jᵀu at `inputs` for every input, computed in the scalar type of `run`. An input on no path has gradient 0.
fn gradients<S: Scalar>(
    inputs: Vec<Tensor<S>>,
    cotangent: &Tensor<f64>,
    run: impl for<'t> Fn(&'t Tape<S>, &[crate::Var<'t, S>]) -> Result<crate::Var<'t, S>>,
) -> Result<Vec<Tensor<S>>> {
    let tape = Tape::<S>::new();
    let inputs: Vec<_> = inputs.into_iter().map(|x| tape.variable(x)).collect();
    let output = run(&tape, &inputs)?;
    gradients_of(Pass::new(Keep::Leaves).with_cotangent(cotangent.cast()), output, &inputs)
}

/// The same in f64.
fn gradients_at(case: &Case, inputs: Vec<Tensor<f64>>, cotangent: &Tensor<f64>) -> Result<Vec<Tensor<f64>>> {
    gradients(inputs, cotangent, |tape, x| case.program().run_f64(tape, x))
}

/// x + h·v for the inputs x of `case`.
fn moved(case: &Case, direction: &[Tensor<f64>], h: f64) -> Vec<Tensor<f64>> {
    let pair = |(x, v): (&Tensor<f64>, &Tensor<f64>)| {
        Tensor::filled(x.shape(), x.data().iter().zip(v.data()).map(|(&x, &v)| x + h * v).collect())
    };
    case.inputs().iter().zip(direction).map(pair).collect()
}

/// The directions along which a derivative is taken: all coordinates of few elements, else random ones.
fn directions(case: &Case) -> Vec<Vec<Tensor<f64>>> {
    let zeros = || case.inputs().iter().map(|x| Tensor::zeros(x.shape())).collect::<Vec<_>>();
    let elements: usize = case.inputs().iter().map(Tensor::len).sum();
    if elements <= COORDINATES {
        let places = case.inputs().iter().enumerate().flat_map(|(i, x)| (0..x.len()).map(move |j| (i, j)));
        return places
            .map(|(i, j)| {
                let mut direction = zeros();
                direction[i].data_mut()[j] = 1.0;
                direction
            })
            .collect();
    }
    (0..DIRECTIONS)
        .map(|k| {
            let mut stream = Stream::new(case.seed(), Purpose::Probe, streams::first(k));
            let mut direction = zeros();
            direction.iter_mut().for_each(|d| d.data_mut().iter_mut().for_each(|d| *d = stream.normal()));
            direction
        })
        .collect()
}

/// ⟨a, b⟩ over lists of tensors.
fn inner(a: &[Tensor<f64>], b: &[Tensor<f64>]) -> f64 {
    a.iter().zip(b).flat_map(|(a, b)| a.data().iter().zip(b.data())).map(|(a, b)| a * b).sum()
}

/// The larger of two errors. A NaN stays, where `f64::max` would drop it.
pub fn worse(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// The largest absolute entry; NaN if there is one.
fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |m, x| worse(m, x.abs()))
}

/// The size to which an error along `direction` is compared: the largest entry of the gradients it touches.
fn scale(reference: &Reference, direction: &[Tensor<f64>]) -> f64 {
    let touched = reference.gradients.iter().zip(direction).filter(|(_, d)| largest(d.data()) > 0.0);
    let (mut size, mut length) = (0.0f64, 0.0f64);
    for (gradient, d) in touched {
        size = worse(size, largest(gradient.data()));
        length += d.data().iter().map(|d| d.abs()).sum::<f64>();
    }
    // A gradient that is zero throughout is compared absolutely.
    if size == 0.0 { 1.0 } else { size * length.sqrt().max(1.0) }
}

#[cfg(test)]
mod tests;
