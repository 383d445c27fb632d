//! A rectangular part of a tensor.

use std::ops::Range;

use smallvec::SmallVec;

use crate::check::Case;
use crate::error::{Error, Result};
use crate::kernels::buffer;
use crate::kernels::strided::{self, Layout};
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::shape::{MAX_RANK, Shape};
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = the elements of x whose index along every axis lies in that axis's range, the end excluded; ∂L/∂x is g there
/// and 0 elsewhere.
///
/// Shapes: x has as many axes as there are ranges, y their lengths, which may be 0. Nothing saved. Errors: another
/// number of axes; a range that ends beyond its axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    ranges: SmallVec<[Range<usize>; 4]>,
}

impl Slice {
    /// The part in `ranges`, one for each axis.
    ///
    /// # Errors
    /// A range that ends before it starts; more ranges than a tensor has axes.
    pub fn new(ranges: &[Range<usize>]) -> Result<Self> {
        if ranges.len() > MAX_RANK {
            return Err(Error::Rank { op: "slice", rank: ranges.len(), legal: "at most 6 axes" });
        }
        if let Some(range) = ranges.iter().find(|r| r.start > r.end) {
            return Err(Error::Argument {
                op: "slice",
                what: format!("range {range:?} ends before it starts"),
                legal: "start ≤ end".into(),
            });
        }
        Ok(Self { ranges: ranges.into() })
    }

    /// The range of each axis.
    pub fn ranges(&self) -> &[Range<usize>] {
        &self.ranges
    }

    /// Where y lies in x: loops, and the offset of its first element.
    fn place(&self, x: Shape) -> (Layout, usize) {
        let axes = || self.ranges.iter().zip(x.strides());
        let layout = Layout::new(axes().map(|(range, stride)| (range.len(), stride)));
        (layout, axes().map(|(range, stride)| range.start * stride).sum())
    }
}

impl<S: Scalar> Op<S> for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of("slice", inputs, "1")?;
        let fits = x.shape().rank() == self.ranges.len()
            && self.ranges.iter().zip(x.dims()).all(|(range, &len)| range.end <= len);
        if !fits {
            return Err(Error::Operand {
                op: "slice",
                what: "input",
                shape: x.shape(),
                legal: format!("one axis for each of the ranges {:?}, long enough for it", self.ranges()),
            });
        }
        let (layout, start) = self.place(x.shape());
        let dims: SmallVec<[usize; MAX_RANK]> = self.ranges.iter().map(ExactSizeIterator::len).collect();
        Ok(Forward::of(Tensor::filled(Shape::new(&dims)?, strided::gather(x.data(), layout, start))))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let shape = cx.inputs[0].shape();
        let (layout, start) = self.place(shape);
        let mut gradient = buffer::zeros(shape.len());
        strided::scatter(&mut gradient, layout, start, cx.upstream.data());
        vec![Some(Tensor::filled(shape, gradient))]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        let whole = 0..inputs[0].shape.dims().first().copied().unwrap_or(0);
        let keeps = self.ranges.first() == Some(&whole);
        inputs[0].samples.linear(keeps, "some of the samples are left out")
    }
}

impl<S: Scalar> Var<'_, S> {
    /// The part whose index along axis i lies in `ranges[i]`, the end excluded.
    ///
    /// # Errors
    /// Not one range for each axis; a range that does not lie in its axis.
    pub fn slice(self, ranges: &[Range<usize>]) -> Result<Self> {
        self.tape().apply(Slice::new(ranges)?, &[self])
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    let part = |ranges: &[Range<usize>]| Slice::new(ranges).expect("ranges of a case are legal");
    vec![
        Case::op("middle of a vector", part(&[2..5; 1])).normal([7]).bilinear(),
        Case::op("corner", part(&[0..3, 1..4])).normal([3, 5]).bilinear(),
        Case::op("image window", part(&[0..2, 1..3, 1..4, 0..2])).normal([2, 3, 4, 5]).bilinear(),
        Case::op("everything", part(&[0..3, 0..5])).normal([3, 5]).bilinear(),
        Case::op("nothing", part(&[1..1, 0..5])).normal([3, 5]).bilinear(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keep, Tape};

    /// By hand.
    #[test]
    fn value_and_gradient() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::new([2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap());
        let y = x.slice(&[1..2, 0..2]).unwrap();
        assert_eq!(y.value(), Tensor::new([1, 2], vec![4.0, 5.0]).unwrap());
        let g = Tensor::new([1, 2], vec![7.0, 8.0]).unwrap();
        let gradients = tape.backward_from(y, g, Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(x).unwrap().data(), [0.0, 0.0, 0.0, 7.0, 8.0, 0.0]);
    }

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "that is the mistake")]
    fn ranges_that_do_not_fit_are_refused() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::zeros([2, 3]));
        let text = x.slice(&[0..2, 1..4]).unwrap_err().to_string();
        assert_eq!(
            text,
            "slice: input has shape [2, 3], want one axis for each of the ranges [0..2, 1..4], long enough for it"
        );
        assert!(x.slice(&[0..2, 2..1]).unwrap_err().to_string().contains("2..1 ends before it starts"));
        assert!(x.slice(&[0..2; 1]).is_err());
    }
}
