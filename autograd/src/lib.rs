//! Reverse-mode automatic differentiation whose every value and gradient can be looked at.
//!
//! Modules in reading order: a [`Scalar`] is what tensors hold; a [`Shape`] says how many; a [`Tensor`] is an
//! array of them; an [`Op`] is a named function of tensors with its derivative; a [`Tape`] records ops and runs
//! them backwards, as a [`Pass`] says; [`inspect`] looks at what is on it; [`check`] proves an op's derivative right, to
//! rounding error; [`higher`] takes derivatives of derivatives; [`per_sample`] takes gradients apart by sample.
//!
//! ```
//! use autograd::{Keep, Tape, Tensor};
//!
//! let tape = Tape::<f64>::new();
//! let x = tape.variable(Tensor::vector(vec![1.0, 2.0, 3.0]));
//! let loss = (x * x).sum_all();
//! let gradients = tape.backward(loss, Keep::Leaves)?;
//! assert_eq!(gradients.wrt(x)?.data(), [2.0, 4.0, 6.0]);
//! # Ok::<(), autograd::Error>(())
//! ```

mod backward;
pub mod check;
mod checkpoint;
mod elementwise;
mod error;
mod gradients;
pub mod higher;
pub mod inspect;
mod jet;
pub mod kernels;
mod node;
mod op;
pub mod ops;
mod pass;
pub mod per_sample;
mod piece;
mod program;
pub mod random;
mod samples;
mod scalar;
mod shape;
mod slices;
mod storage;
mod tape;
mod tensor;

pub use elementwise::{Derivative, Elementwise, Map, Parameter, build};
pub use error::{Error, MissingGradient, Result};
pub use gradients::Gradients;
pub use jet::Jet;
pub use op::{Backward, Forward, Op, inputs_of};
pub use pass::{Keep, Pass};
pub use piece::Piece;
pub use program::Program;
pub use samples::{Sample, SampledInput, Samples};
pub use scalar::{Dual, Scalar};
pub use shape::{MAX_RANK, Shape};
pub use slices::Slices;
pub use tape::{NodeId, Scope, Tape, Var};
pub use tensor::Tensor;

/// The pages of `docs/` whose code is run with the documentation's tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../docs/TOUR.md")]
    struct Tour;
    #[doc = include_str!("../../docs/GRADIENT_AT_A_FORK.md")]
    struct GradientAtAFork;
}
