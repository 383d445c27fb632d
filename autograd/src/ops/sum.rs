//! Sum over axes.

use crate::check::Case;
use crate::error::Result;
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::ops::AxisSet;
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = Σ x over `axes`; ∂L/∂x = g, repeated along them.
///
/// Shapes: any; the axes vanish from y, or stay with length 1 if `keep`. The sum over no element is 0; over no axes,
/// y = x. Added pairwise in an order that depends on the shape alone. Nothing saved. Errors: an axis that does
/// not exist.
#[derive(Debug, Clone, Copy)]
pub struct Sum {
    /// The axes to sum over.
    pub axes: AxisSet,
    /// Whether they stay, with length 1.
    pub keep: bool,
}

impl Sum {
    /// The sum over `axes`.
    ///
    /// # Errors
    /// An axis named twice.
    pub fn new(axes: &[usize], keep: bool) -> Result<Self> {
        Ok(Self { axes: AxisSet::new("sum", axes)?, keep })
    }
}

impl<S: Scalar> Op<S> for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of("sum", inputs, "1")?;
        self.axes.count("sum", x.shape())?;
        Ok(Forward::of(self.axes.sum(x, self.keep, |_, x| x)))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        vec![Some(self.axes.expand(cx.upstream, cx.inputs[0].shape()))]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        inputs[0].samples.reduce(self.axes.contains(0), Samples::Sum)
    }
}

impl<S: Scalar> Var<'_, S> {
    /// Σ over `axes`, which vanish, or stay with length 1 if `keep`.
    ///
    /// # Errors
    /// An axis that does not exist, or is named twice.
    pub fn sum(self, axes: &[usize], keep: bool) -> Result<Self> {
        self.tape().apply(Sum::new(axes, keep)?, &[self])
    }

    /// Σ of every element, a scalar.
    pub fn sum_all(self) -> Self {
        let sum = Sum { axes: AxisSet::all(self.shape().rank()), keep: false };
        self.tape().apply(sum, &[self]).expect("the axes are the tensor's own")
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    let sum = |axes, keep| Sum::new(axes, keep).expect("axes of a case are legal");
    vec![
        Case::op("first axis", sum(&[0], false)).normal([3, 5]).bilinear(),
        Case::op("last axis kept", sum(&[1], true)).normal([3, 5]).bilinear(),
        Case::op("outer and inner axis", sum(&[0, 2], true)).normal([2, 3, 5]).bilinear(),
        Case::op("images", sum(&[2, 3], false)).normal([2, 3, 3, 5]).bilinear(),
        Case::op("everything", sum(&[0, 1], false)).normal([23, 17]).bilinear(),
        Case::op("no axes", sum(&[], false)).normal([3]).bilinear(),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{Error, Keep, Tape, Tensor};

    /// By hand.
    #[test]
    fn value_and_gradient() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::new([2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap());
        let y = x.sum(&[0], false).unwrap();
        assert_eq!(y.value(), Tensor::vector(vec![5.0, 7.0, 9.0]));
        assert_eq!(x.sum(&[1], true).unwrap().value(), Tensor::new([2, 1], vec![6.0, 15.0]).unwrap());
        assert_eq!(x.sum_all().value(), Tensor::scalar(21.0));
        let gradients = tape.backward_from(y, Tensor::vector(vec![1.0, 10.0, 100.0]), Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(x).unwrap().data(), [1.0, 10.0, 100.0, 1.0, 10.0, 100.0]);
    }

    #[test]
    fn nothing_sums_to_zero_and_no_axes_to_the_input() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::zeros([2, 0]));
        assert_eq!(x.sum(&[1], false).unwrap().value(), Tensor::zeros([2]));
        assert_eq!(x.sum(&[0], false).unwrap().value(), Tensor::zeros([0]));
        assert_eq!(x.sum(&[], false).unwrap().value(), x.value());
        assert!(matches!(x.sum(&[2], false), Err(Error::Axis { op: "sum", axis: 2, .. })));
        assert!(x.sum(&[1, 1], false).is_err());
    }
}
