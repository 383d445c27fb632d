//! Axes in another order.

use std::fmt;

use crate::check::Case;
use crate::error::{Error, Result};
use crate::kernels::strided::{self, Layout};
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::shape::{MAX_RANK, Shape};
use crate::tape::Var;
use crate::tensor::Tensor;

/// Axis i of y is axis `axes[i]` of x; ∂L/∂x is g with the inverse permutation.
///
/// Shapes: any with as many axes as the permutation; NumPy's and PyTorch's order of arguments. Nothing saved.
/// Errors: another number of axes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Permute {
    // Inline: an op on the tape costs one allocation.
    axes: [usize; MAX_RANK],
    rank: usize,
}

impl fmt::Debug for Permute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permute").field("axes", &self.axes()).finish()
    }
}

impl Permute {
    /// The permutation that puts axis `axes[i]` in place i.
    ///
    /// # Errors
    /// `axes` does not hold each of 0, 1, … once.
    pub fn new(axes: &[usize]) -> Result<Self> {
        let is_permutation = (0..axes.len()).all(|axis| axes.contains(&axis));
        if axes.len() > MAX_RANK || !is_permutation {
            return Err(Error::Argument {
                op: "permute",
                what: format!("{axes:?} is no permutation of the axes"),
                legal: "each axis from 0 on once, at most 6".into(),
            });
        }
        let mut permute = Self { axes: [0; MAX_RANK], rank: axes.len() };
        permute.axes[..axes.len()].copy_from_slice(axes);
        Ok(permute)
    }

    /// Which axis of x every axis of y is.
    pub fn axes(&self) -> &[usize] {
        &self.axes[..self.rank]
    }

    /// The permutation that undoes this one.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let mut inverse = *self;
        for (place, &axis) in self.axes().iter().enumerate() {
            inverse.axes[axis] = place;
        }
        inverse
    }

    fn apply<S: Scalar>(&self, x: &Tensor<S>) -> Result<Tensor<S>> {
        let strides = x.shape().strides();
        let mut dims = [0; MAX_RANK];
        self.axes().iter().zip(&mut dims).for_each(|(&axis, len)| *len = x.dims()[axis]);
        let layout = Layout::new(self.axes().iter().map(|&axis| (x.dims()[axis], strides[axis])));
        Ok(Tensor::filled(Shape::new(&dims[..self.rank])?, strided::gather(x.data(), layout, 0)))
    }
}

impl<S: Scalar> Op<S> for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of("permute", inputs, "1")?;
        if x.shape().rank() != self.rank {
            return Err(Error::Operand {
                op: "permute",
                what: "input",
                shape: x.shape(),
                legal: format!("{} axes to be put in the order {:?}", self.rank, self.axes()),
            });
        }
        Ok(Forward::of(self.apply(x)?))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        vec![Some(self.inverse().apply(cx.upstream).expect("the input had this shape"))]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        inputs[0].samples.linear(self.axes().first() == Some(&0), "the samples are no longer along axis 0")
    }
}

impl<S: Scalar> Var<'_, S> {
    /// Axis i of the result is axis `axes[i]` of this value.
    ///
    /// # Errors
    /// `axes` is no permutation of this value's axes.
    pub fn permute(self, axes: &[usize]) -> Result<Self> {
        self.tape().apply(Permute::new(axes)?, &[self])
    }

    /// Rows and columns of a matrix exchanged.
    ///
    /// # Errors
    /// The value does not have two axes.
    pub fn transpose(self) -> Result<Self> {
        match self.shape().rank() {
            2 => self.permute(&[1, 0]),
            rank => Err(Error::Rank { op: "transpose", rank, legal: "2 axes" }),
        }
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    let to = |axes| Permute::new(axes).expect("axes of a case are a permutation");
    vec![
        Case::op("matrix", to(&[1, 0])).normal([3, 5]).bilinear(),
        Case::op("a cycle is not its own inverse", to(&[1, 2, 0])).normal([2, 3, 5]).bilinear(),
        Case::op("channels last", to(&[0, 2, 3, 1])).normal([2, 3, 1, 5]).bilinear(),
        Case::op("identity", to(&[0, 1])).normal([3, 5]).bilinear(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;

    /// By hand.
    #[test]
    fn values() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::new([2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap());
        let y = x.transpose().unwrap();
        assert_eq!(y.value(), Tensor::new([3, 2], vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]).unwrap());
        assert_eq!(Permute::new(&[1, 2, 0]).unwrap().inverse(), Permute::new(&[2, 0, 1]).unwrap());
    }

    #[test]
    fn only_permutations_are_taken() {
        assert!(Permute::new(&[0, 0]).is_err() && Permute::new(&[1, 2]).is_err());
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::zeros([2, 3, 4]));
        let text = x.permute(&[1, 0]).unwrap_err().to_string();
        assert_eq!(text, "permute: input has shape [2, 3, 4], want 2 axes to be put in the order [1, 0]");
        assert!(x.transpose().unwrap_err().to_string().contains("2 axes"));
    }
}
