//! A tensor with a margin of a constant.

use smallvec::SmallVec;

use crate::check::Case;
use crate::error::{Error, Result};
use crate::kernels::strided::{self, Layout};
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::shape::{MAX_RANK, Shape};
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = x inside a margin of `value`, so many elements before and after along every axis; ∂L/∂x is the part of g that
/// is not margin.
///
/// Shapes: x has as many axes as there are pads; every axis of y is longer by its two pads. Nothing saved. Errors:
/// another number of axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Pad {
    pads: SmallVec<[(usize, usize); 4]>,
    value: f64,
}

impl Pad {
    /// A margin of `pads`, (before, after) for each axis.
    ///
    /// # Errors
    /// More pads than a tensor has axes.
    pub fn new(pads: &[(usize, usize)], value: f64) -> Result<Self> {
        if pads.len() > MAX_RANK {
            return Err(Error::Rank { op: "pad", rank: pads.len(), legal: "at most 6 axes" });
        }
        Ok(Self { pads: pads.into(), value })
    }

    /// (before, after) for each axis.
    pub fn pads(&self) -> &[(usize, usize)] {
        &self.pads
    }

    /// What the margin is filled with.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Where x lies in y: loops, and the offset of its first element.
    fn place(&self, x: Shape, y: Shape) -> (Layout, usize) {
        let strides = y.strides();
        let start = self.pads.iter().zip(strides).map(|(pad, stride)| pad.0 * stride).sum();
        (Layout::new(x.dims().iter().copied().zip(strides)), start)
    }
}

impl<S: Scalar> Op<S> for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of("pad", inputs, "1")?;
        if x.shape().rank() != self.pads.len() {
            return Err(Error::Operand {
                op: "pad",
                what: "input",
                shape: x.shape(),
                legal: format!("one axis for each of the pads {:?}", self.pads()),
            });
        }
        let longer = |(&len, pad): (&usize, &(usize, usize))| len.saturating_add(pad.0).saturating_add(pad.1);
        let dims: SmallVec<[usize; MAX_RANK]> = x.dims().iter().zip(&self.pads).map(longer).collect();
        let shape = Shape::new(&dims)?;
        let mut y = vec![S::from_f64(self.value); shape.len()];
        // An empty tensor may start beyond the end of its margin; it has nothing to write.
        let (layout, start) = self.place(x.shape(), shape);
        strided::scatter(&mut y, layout, start, x.data());
        Ok(Forward::of(Tensor::filled(shape, y)))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let shape = cx.inputs[0].shape();
        let (layout, start) = self.place(shape, cx.output.shape());
        vec![Some(Tensor::filled(shape, strided::gather(cx.upstream.data(), layout, start)))]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        inputs[0].samples.linear(self.pads.first() == Some(&(0, 0)), "rows are added that are no samples")
    }
}

impl<S: Scalar> Var<'_, S> {
    /// A margin of `value`: along axis i, `pads[i]` elements before and after.
    ///
    /// # Errors
    /// Not one pad for each axis.
    pub fn pad(self, pads: &[(usize, usize)], value: f64) -> Result<Self> {
        self.tape().apply(Pad::new(pads, value)?, &[self])
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    let by = |pads, value| Pad::new(pads, value).expect("pads of a case are legal");
    vec![
        Case::op("uneven", by(&[(1, 0), (0, 2)], 0.0)).normal([3, 2]).bilinear(),
        Case::op("another constant", by(&[(0, 1), (2, 1)], 1.5)).normal([3, 2]).bilinear(),
        Case::op("images", by(&[(0, 0), (0, 0), (1, 1), (1, 1)], 0.0)).normal([2, 3, 3, 5]).bilinear(),
        Case::op("channels", by(&[(0, 0), (1, 2), (0, 0)], 0.0)).normal([2, 3, 5]).bilinear(),
        Case::op("around nothing", by(&[(1, 2)], 0.5)).normal([0]).bilinear(),
    ]
}

#[cfg(test)]
mod tests {
    use crate::ops::Pad;
    use crate::{Keep, Tape, Tensor};

    #[test]
    fn its_margin_is_the_one_given() {
        let pad = Pad::new(&[(1, 0), (0, 2)], 9.0).unwrap();
        assert_eq!((pad.pads(), pad.value()), (&[(1, 0), (0, 2)][..], 9.0));
    }

    /// By hand.
    #[test]
    fn value_and_gradient() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::new([1, 2], vec![1.0, 2.0]).unwrap());
        let y = x.pad(&[(1, 0), (0, 1)], 9.0).unwrap();
        assert_eq!(y.value(), Tensor::new([2, 3], vec![9.0, 9.0, 9.0, 1.0, 2.0, 9.0]).unwrap());
        let g = Tensor::new([2, 3], (1..7).map(f64::from).collect()).unwrap();
        let gradients = tape.backward_from(y, g, Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(x).unwrap().data(), [4.0, 5.0]);
        assert!(x.pad(&[(1, 1)], 0.0).unwrap_err().to_string().contains("[(1, 1)]"));
        assert!(x.pad(&[(usize::MAX, 1), (0, 0)], 0.0).is_err());
    }
}
