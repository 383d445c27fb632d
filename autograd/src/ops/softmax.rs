//! Softmax along the last axis.

use crate::check::Case;
use crate::error::{Error, Result};
use crate::kernels::{buffer, reduce, rows};
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tape::Var;
use crate::tensor::Tensor;

/// yᵢ = e^xᵢ / Σⱼ e^xⱼ along the last axis; ∂L/∂xᵢ = yᵢ (gᵢ − Σⱼ gⱼ yⱼ).
///
/// Shapes: at least one axis; y as x. The largest element is subtracted first, so nothing overflows. A row of −∞
/// only, or with +∞ or NaN, gives NaN. Nothing saved. Errors: a scalar. Source: own derivation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Softmax;

/// The length of the last axis.
pub(super) fn last(op: &'static str, shape: Shape) -> Result<usize> {
    shape.dims().last().copied().ok_or(Error::Rank { op, rank: 0, legal: "at least 1 axis" })
}

impl<S: Scalar> Op<S> for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of("softmax", inputs, "1")?;
        let width = last("softmax", x.shape())?;
        Ok(Forward::of(Tensor::filled(x.shape(), rows::softmax(x.data(), width))))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let (y, g, shape) = (cx.output.data(), cx.upstream.data(), cx.output.shape());
        let width = last("softmax", shape).expect("the forward pass has checked the shape");
        let mut dx = buffer::to_overwrite(y.len());
        rows::for_each_row(&mut dx, width, |i, dx| {
            let (y, g) = (&y[i * width..][..width], &g[i * width..][..width]);
            let mean = reduce::dot(y, g);
            dx.iter_mut().zip(y).zip(g).for_each(|((dx, &y), &g)| *dx = y * (g - mean));
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
    /// Softmax along the last axis.
    ///
    /// # Errors
    /// The value has no axis.
    pub fn softmax(self) -> Result<Self> {
        self.tape().apply(Softmax, &[self])
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::op("matrix", Softmax).normal([3, 5]),
        Case::op("vector", Softmax).normal([7]),
        Case::op("three axes", Softmax).normal([2, 3, 5]),
        Case::op("one class", Softmax).normal([3, 1]),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor};

    /// Closed form: logits ln 1, ln 2, ln 5 have the softmax 1/8, 2/8, 5/8; a shift by 1000 changes nothing.
    #[test]
    fn value() {
        let tape = Tape::<f64>::new();
        for (shift, tolerance) in [(0.0, 1e-15), (1000.0, 1e-13), (-1000.0, 1e-13)] {
            let logits = [1.0f64, 2.0, 5.0].map(|p| p.ln() + shift);
            let y = tape.variable(Tensor::vector(logits.to_vec())).softmax().unwrap().value();
            for (y, want) in y.data().iter().zip([0.125, 0.25, 0.625]) {
                assert!((y - want).abs() < tolerance, "{y} {want}");
            }
        }
        assert!(tape.variable(Tensor::scalar(1.0)).softmax().is_err());
    }
}
