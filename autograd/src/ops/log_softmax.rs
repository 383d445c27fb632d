//! The logarithm of softmax along the last axis.

use crate::check::Case;
use crate::error::Result;
use crate::kernels::{buffer, reduce, rows};
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::ops::softmax::last;
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::tape::Var;
use crate::tensor::Tensor;

/// yᵢ = xᵢ − ln Σⱼ e^xⱼ along the last axis; ∂L/∂xᵢ = gᵢ − e^yᵢ Σⱼ gⱼ.
///
/// Shapes: at least one axis; y as x. Stable as [`rows::log_softmax`] says; −∞ stays −∞. Nothing saved. Errors: a
/// scalar. Source: own derivation.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogSoftmax;

impl<S: Scalar> Op<S> for LogSoftmax {
    fn name(&self) -> &'static str {
        "log_softmax"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of("log_softmax", inputs, "1")?;
        let width = last("log_softmax", x.shape())?;
        Ok(Forward::of(Tensor::filled(x.shape(), rows::log_softmax(x.data(), width))))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let (y, g, shape) = (cx.output.data(), cx.upstream.data(), cx.output.shape());
        let width = last("log_softmax", shape).expect("the forward pass has checked the shape");
        let mut dx = buffer::to_overwrite(y.len());
        rows::for_each_row(&mut dx, width, |i, dx| {
            let (y, g) = (&y[i * width..][..width], &g[i * width..][..width]);
            let sum = reduce::sum(g);
            dx.iter_mut().zip(y).zip(g).for_each(|((dx, &y), &g)| *dx = g - y.exp() * sum);
        });
        vec![Some(Tensor::filled(shape, dx))]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        match inputs[0].samples {
            Samples::Rows if inputs[0].shape.rank() == 1 => {
                Samples::Mixed("it runs along the axis of the samples")
            }
            samples => samples.row_by_row(),
        }
    }
}

impl<S: Scalar> Var<'_, S> {
    /// The logarithm of softmax along the last axis.
    ///
    /// # Errors
    /// The value has no axis.
    pub fn log_softmax(self) -> Result<Self> {
        self.tape().apply(LogSoftmax, &[self])
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::op("matrix", LogSoftmax).normal([3, 5]),
        Case::op("vector", LogSoftmax).normal([7]),
        Case::op("three axes", LogSoftmax).normal([2, 3, 5]),
        Case::op("one class", LogSoftmax).normal([3, 1]),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor};

    /// Closed form: logits ln 1, ln 2, ln 5 have the softmax 1/8, 2/8, 5/8.
    #[test]
    fn value() {
        let tape = Tape::<f64>::new();
        let logits = [1.0f64, 2.0, 5.0].map(f64::ln);
        let y = tape.variable(Tensor::vector(logits.to_vec())).log_softmax().unwrap().value();
        for (y, want) in y.data().iter().zip([0.125f64, 0.25, 0.625]) {
            assert!((y - want.ln()).abs() < 1e-15, "{y} {want}");
        }
        assert!(tape.variable(Tensor::scalar(1.0)).log_softmax().is_err());
    }
}
