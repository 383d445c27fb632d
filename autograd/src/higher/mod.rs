//! Derivatives along directions, and of second order, by dual numbers.
//!
//! No op has a rule for its second derivative. A [`Program`](crate::Program) that runs over `x + v·ε` returns f(x) and
//! J·v ([`jvp`]); its backward pass over the same numbers returns ∇f(x) and, in the tangents, the derivative of ∇f
//! along v: the Hessian-vector product H·v ([`hvp`], forward over reverse). Both are exact up to rounding; a product
//! costs a small multiple of a gradient, whatever the number of inputs.
//!
//! On products alone stand the rest: the dense [`hessian`] of few numbers, its trace by random signs
//! ([`hessian_trace`]), and the ends of its spectrum by Lanczos' method ([`top_eigenvalue`]).
//!
//! H here is *the derivative of the gradient as the ops return it*. Where an op returns something else than the
//! derivative of its forward pass on purpose (a normalized activation with detached statistics, a detached value), H is
//! the Jacobian matrix of that vector field: it need not be symmetric, and [`top_eigenvalue`], which takes symmetry for granted,
//! means nothing.
//!
//! A function generic over the scalar cannot be a closure in Rust, so it is a small struct:
//!
//! ```
//! use autograd::{Program, Result, Scalar, Tape, Tensor, Var, higher};
//!
//! /// Rosenbrock's (1 − a)² + c·(b − a²)².
//! struct Rosenbrock {
//!     c: f64,
//! }
//!
//! impl Program for Rosenbrock {
//!     fn run<'t, S: Scalar>(&self, tape: &'t Tape<S>, x: &[Var<'t, S>]) -> Result<Var<'t, S>> {
//!         let (a, b, one) = (x[0], x[1], tape.constant(Tensor::scalar(S::ONE)));
//!         let (slope, valley) = (one - a, b - a * a);
//!         Ok(slope * slope + (valley * valley).scale(self.c))
//!     }
//! }
//!
//! let f = Rosenbrock { c: 100.0 };
//! let x = [Tensor::scalar(1.0f64), Tensor::scalar(1.0)];
//! let v = [Tensor::scalar(1.0), Tensor::scalar(0.0)];
//! let at = higher::hvp(&f, &x, &v)?;
//! // At the minimum (1, 1): H = [[802, −400], [−400, 200]].
//! assert_eq!(at.gradient[0].item()?, 0.0);
//! assert_eq!((at.product[0].item()?, at.product[1].item()?), (802.0, -400.0));
//! assert_eq!(higher::hessian(&f, &x)?.data(), [802.0, -400.0, -400.0, 200.0]);
//! # Ok::<(), autograd::Error>(())
//! ```

mod direction;
mod eigenvalue;
mod gradient;
mod hessian;
mod hvp;
mod jvp;
mod lanczos;
mod trace;
mod tridiagonal;

pub(crate) use direction::{along, split};
pub use eigenvalue::{EigenvalueSettings, End, TopEigenvalue, top_eigenvalue};
pub use gradient::gradient;
pub use hessian::{MAX_HESSIAN, hessian};
pub use hvp::{HessianProduct, hvp};
pub use jvp::jvp;
pub use trace::{TraceEstimate, hessian_trace};
