//! Variance over axes.

use crate::check::Case;
use crate::error::{Error, Result};
use crate::kernels::map;
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::ops::AxisSet;
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = Σ (x − m)² / (n − c) over the n elements along `axes`, with their mean m;
/// ∂L/∂x = g · 2 (x − m) / (n − c), because Σ (x − m) = 0 makes the path through m vanish.
///
/// Shapes: any; the axes vanish from y, or stay with length 1 if `keep`. Two passes: the mean first. Saved: m, with
/// the axes kept. A spread whose square is beyond the scalar's range gives ∞, and one whose square is below it 0, with a
/// finite gradient. Errors: an axis that does not exist; n ≤ c. Source: own derivation; the name `correction` is
/// PyTorch's.
#[derive(Debug, Clone, Copy)]
pub struct Variance {
    /// The axes to take the variance over.
    pub axes: AxisSet,
    /// Whether they stay, with length 1.
    pub keep: bool,
    /// c: 0 for the biased variance, 1 for the unbiased one.
    pub correction: usize,
}

impl Variance {
    /// The variance over `axes`.
    ///
    /// # Errors
    /// An axis named twice.
    pub fn new(axes: &[usize], keep: bool, correction: usize) -> Result<Self> {
        Ok(Self { axes: AxisSet::new("var", axes)?, keep, correction })
    }
}

impl<S: Scalar> Op<S> for Variance {
    fn name(&self) -> &'static str {
        "var"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of("var", inputs, "1")?;
        let (axes, n) = (self.axes, self.axes.count("var", x.shape())?);
        if n <= self.correction {
            return Err(Error::Operand {
                op: "var",
                what: "input",
                shape: x.shape(),
                legal: format!(
                    "more elements along the axes {axes:?} than the correction, {}",
                    self.correction
                ),
            });
        }
        let divide = |mut sum: Tensor<S>, by: usize| {
            sum.data_mut().iter_mut().for_each(|y| *y = *y / S::from_f64(by as f64));
            sum
        };
        let mean = divide(axes.sum(x, true, |_, x| x), n);
        let m = mean.data();
        let squares = axes.sum(x, self.keep, |o, x| (x - m[o]) * (x - m[o]));
        Ok(Forward { output: divide(squares, n - self.correction), saved: vec![mean] })
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let (x, g) = (cx.inputs[0], cx.upstream);
        let n = x.len() / g.len().max(1);
        let slope = S::from_f64(2.0 / (n as f64 - self.correction as f64));
        let g = Tensor::filled(g.shape(), map::map(g.data(), |g| g * slope));
        let (g, mean) = (self.axes.expand(&g, x.shape()), self.axes.expand(&cx.saved[0], x.shape()));
        let data = map::map3(g.data(), x.data(), mean.data(), |g, x, m| g * (x - m));
        vec![Some(Tensor::filled(x.shape(), data))]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        match inputs[0].samples {
            Samples::Rows if self.axes.contains(0) => Samples::Mixed("the variance runs over the samples"),
            samples => samples.row_by_row(),
        }
    }
}

impl<S: Scalar> Var<'_, S> {
    /// Variance over `axes`, which vanish, or stay with length 1 if `keep`; divides by the count minus `correction`.
    ///
    /// # Errors
    /// An axis that does not exist, or is named twice; no more elements along the axes than `correction`.
    pub fn var(self, axes: &[usize], keep: bool, correction: usize) -> Result<Self> {
        self.tape().apply(Variance::new(axes, keep, correction)?, &[self])
    }

    /// Variance of all elements, a scalar; divides by the count minus `correction`.
    ///
    /// # Errors
    /// There are no more elements than `correction`.
    pub fn var_all(self, correction: usize) -> Result<Self> {
        let axes = AxisSet::all(self.shape().rank());
        self.tape().apply(Variance { axes, keep: false, correction }, &[self])
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    let var = |axes, keep, c| Variance::new(axes, keep, c).expect("axes of a case are legal");
    vec![
        Case::op("first axis", var(&[0], false, 0)).normal([3, 5]),
        Case::op("last axis kept", var(&[1], true, 1)).normal([3, 5]),
        Case::op("outer and inner axis", var(&[0, 2], false, 1)).normal([2, 3, 5]),
        Case::op("batch statistics", var(&[0, 2, 3], true, 0)).normal([2, 3, 3, 5]),
        Case::op("everything", var(&[0, 1], false, 1)).normal([23, 17]),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{Keep, Tape, Tensor};

    /// By hand: 1, 2, 6 have mean 3 and squares 4, 1, 9.
    #[test]
    fn value_and_gradient() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::vector(vec![1.0, 2.0, 6.0]));
        assert_eq!(x.var(&[0], true, 1).unwrap().value(), Tensor::vector(vec![7.0]));
        let y = x.var_all(1).unwrap();
        assert_eq!(y.value(), Tensor::scalar(7.0));
        assert_eq!(y.saved()[0].data(), [3.0]);
        let gradients = tape.backward(y, Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(x).unwrap().data(), [-2.0, -1.0, 3.0]);
        assert!((x.var_all(0).unwrap().value().item().unwrap() - 14.0 / 3.0).abs() < 1e-15);
    }

    /// Σx²/n − m² would lose every digit here; 16 777 216 ± 2 are f32 numbers, so the answer is exactly 4.
    #[test]
    fn two_passes_survive_a_large_mean() {
        let tape = Tape::<f32>::new();
        let x = (0..4096).map(|i| 16_777_216.0 + if i % 2 == 0 { 2.0 } else { -2.0 }).collect();
        assert_eq!(tape.variable(Tensor::vector(x)).var_all(0).unwrap().value().data(), [4.0]);
    }

    #[test]
    fn too_few_elements_are_an_error() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::zeros([1, 3]));
        let text = x.var(&[0], false, 1).unwrap_err().to_string();
        assert_eq!(
            text,
            "var: input has shape [1, 3], want more elements along the axes [0] than the correction, 1"
        );
        assert_eq!(x.var(&[0], false, 0).unwrap().value(), Tensor::zeros([3]));
        assert!(tape.variable(Tensor::zeros([0])).var_all(0).is_err());
    }
}
