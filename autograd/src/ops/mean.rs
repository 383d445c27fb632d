//! Mean over axes.

use crate::check::Case;
use crate::error::{Error, Result};
use crate::kernels::map;
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::ops::AxisSet;
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = (1/n) Σ x over the n elements along `axes`; ∂L/∂x = g/n, repeated along them.
///
/// Shapes: any; the axes vanish from y, or stay with length 1 if `keep`. Nothing saved. Errors: an axis that does not
/// exist; no element to take the mean of, as 0/0 is a mistake rather than a number.
#[derive(Debug, Clone, Copy)]
pub struct Mean {
    /// The axes to average over.
    pub axes: AxisSet,
    /// Whether they stay, with length 1.
    pub keep: bool,
}

impl Mean {
    /// The mean over `axes`.
    ///
    /// # Errors
    /// An axis named twice.
    pub fn new(axes: &[usize], keep: bool) -> Result<Self> {
        Ok(Self { axes: AxisSet::new("mean", axes)?, keep })
    }
}

impl<S: Scalar> Op<S> for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of("mean", inputs, "1")?;
        let n = self.axes.count("mean", x.shape())?;
        if n == 0 {
            return Err(Error::Operand {
                op: "mean",
                what: "input",
                shape: x.shape(),
                legal: format!("at least one element along the axes {:?}", self.axes),
            });
        }
        let (mut y, n) = (self.axes.sum(x, self.keep, |_, x| x), S::from_f64(n as f64));
        y.data_mut().iter_mut().for_each(|y| *y = *y / n);
        Ok(Forward::of(y))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let (g, shape) = (cx.upstream, cx.inputs[0].shape());
        let n = S::from_f64(shape.len() as f64 / g.len().max(1) as f64);
        let g = Tensor::filled(g.shape(), map::map(g.data(), |g| g / n));
        vec![Some(self.axes.expand(&g, shape))]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        inputs[0].samples.reduce(self.axes.contains(0), Samples::Mean)
    }
}

impl<S: Scalar> Var<'_, S> {
    /// Mean over `axes`, which vanish, or stay with length 1 if `keep`.
    ///
    /// # Errors
    /// An axis that does not exist, or is named twice; no element along the axes.
    pub fn mean(self, axes: &[usize], keep: bool) -> Result<Self> {
        self.tape().apply(Mean::new(axes, keep)?, &[self])
    }

    /// Mean of every element, a scalar.
    ///
    /// # Errors
    /// There is no element.
    pub fn mean_all(self) -> Result<Self> {
        self.tape().apply(Mean { axes: AxisSet::all(self.shape().rank()), keep: false }, &[self])
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    let mean = |axes, keep| Mean::new(axes, keep).expect("axes of a case are legal");
    vec![
        Case::op("first axis", mean(&[0], false)).normal([3, 5]).bilinear(),
        Case::op("last axis kept", mean(&[1], true)).normal([3, 5]).bilinear(),
        Case::op("outer and inner axis", mean(&[0, 2], false)).normal([2, 3, 5]).bilinear(),
        Case::op("images", mean(&[2, 3], false)).normal([2, 3, 3, 5]).bilinear(),
        Case::op("everything", mean(&[0, 1], false)).normal([23, 17]).bilinear(),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{Keep, Tape, Tensor};

    /// By hand.
    #[test]
    fn value_and_gradient() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::new([2, 2], vec![1.0, 2.0, 5.0, 6.0]).unwrap());
        let y = x.mean(&[0], true).unwrap();
        assert_eq!(y.value(), Tensor::new([1, 2], vec![3.0, 4.0]).unwrap());
        assert_eq!(x.mean_all().unwrap().value(), Tensor::scalar(3.5));
        let cotangent = Tensor::new([1, 2], vec![1.0, 10.0]).unwrap();
        let gradients = tape.backward_from(y, cotangent, Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(x).unwrap().data(), [0.5, 5.0, 0.5, 5.0]);
    }

    #[test]
    fn a_mean_of_nothing_is_an_error() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::zeros([0, 3]));
        let text = x.mean(&[0], false).unwrap_err().to_string();
        assert_eq!(text, "mean: input has shape [0, 3], want at least one element along the axes [0]");
        assert!(x.mean_all().is_err());
        assert!(x.mean(&[1], false).unwrap().value().is_empty());
    }
}
