//! Tensors joined along an axis.

use crate::check::Case;
use crate::error::{Error, Result};
use crate::kernels::buffer;
use crate::kernels::strided::{self, Layout};
use crate::op::{Backward, Forward, Op};
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = the inputs one after the other along `axis`; ∂L/∂xᵢ is the part of g where xᵢ went.
///
/// Shapes: one or more inputs that agree in every other axis; along `axis` their lengths, which may be 0, are added.
/// Nothing saved. Errors: no input; the axis does not exist; other axes differ.
#[derive(Debug, Clone, Copy)]
pub struct Concat {
    /// The axis along which to join.
    pub axis: usize,
}

impl Concat {
    /// The shape of the whole.
    fn joined<S: Scalar>(self, inputs: &[&Tensor<S>]) -> Result<Shape> {
        let wrong_count = Error::Inputs { op: "concat", given: 0, legal: "at least 1" };
        let first = inputs.first().ok_or(wrong_count)?.shape();
        let axis = first.axis("concat", self.axis)?;
        let mut length = 0usize;
        for x in inputs {
            let fits = x.shape().rank() == first.rank()
                && (0..first.rank()).all(|i| i == axis || x.dims()[i] == first.dims()[i]);
            if !fits {
                return Err(Error::Shapes {
                    op: "concat",
                    left: first,
                    right: x.shape(),
                    rule: "every axis but the one they are joined along must be equal",
                });
            }
            // What cannot be counted is refused as a shape.
            length = x.dims()[axis].saturating_add(length);
        }
        let mut dims = [0; crate::MAX_RANK];
        dims[..first.rank()].copy_from_slice(first.dims());
        dims[axis] = length;
        Shape::new(&dims[..first.rank()])
    }

    /// For each input, its place in the whole: its shape read with the whole's strides, from an offset on.
    fn places<S: Scalar>(self, inputs: &[&Tensor<S>], whole: Shape) -> impl Iterator<Item = (Layout, usize)> {
        let (strides, mut start) = (whole.strides(), 0);
        inputs.iter().map(move |x| {
            let layout = Layout::new(x.dims().iter().copied().zip(strides));
            let at = start;
            start += x.dims()[self.axis] * strides[self.axis];
            (layout, at)
        })
    }
}

impl<S: Scalar> Op<S> for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let shape = self.joined(inputs)?;
        let mut y = buffer::to_overwrite(shape.len());
        for (x, (layout, start)) in inputs.iter().zip(self.places(inputs, shape)) {
            strided::scatter(&mut y, layout, start, x.data());
        }
        Ok(Forward::of(Tensor::filled(shape, y)))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let places = self.places(cx.inputs, cx.output.shape());
        let part = |((x, (layout, start)), &needed): ((&&Tensor<S>, (Layout, usize)), &bool)| {
            needed.then(|| Tensor::filled(x.shape(), strided::gather(cx.upstream.data(), layout, start)))
        };
        cx.inputs.iter().zip(places).zip(cx.needs).map(part).collect()
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        if self.axis == 0 && inputs.len() > 1 && inputs.iter().any(|x| x.samples == Samples::Rows) {
            return Samples::Mixed("it is joined with other rows along the axis of the samples");
        }
        Samples::aligned(inputs, inputs[0].shape, Samples::affine_totals)
    }
}

impl<S: Scalar> Var<'_, S> {
    /// `parts` one after the other along `axis`.
    ///
    /// # Errors
    /// No parts; the axis does not exist; other axes differ.
    pub fn concat(parts: &[Self], axis: usize) -> Result<Self> {
        let wrong_count = Error::Inputs { op: "concat", given: 0, legal: "at least 1" };
        let first = parts.first().ok_or(wrong_count)?;
        first.tape().apply(Concat { axis }, parts)
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    let along = |axis| Concat { axis };
    vec![
        Case::op("rows", along(0)).normal([1, 3]).normal([2, 3]).normal([3, 3]).bilinear(),
        Case::op("columns", along(1)).normal([3, 2]).normal([3, 5]).bilinear(),
        Case::op("channels", along(1)).normal([2, 1, 3, 2]).normal([2, 4, 3, 2]).bilinear(),
        Case::op("one input, and an empty one", along(0)).normal([3]).normal([0]).bilinear(),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    /// By hand; one input is used twice and gets both parts.
    #[test]
    fn value_and_gradient() {
        let tape = Tape::<f64>::new();
        let a = tape.variable(Tensor::new([2, 1], vec![1.0, 2.0]).unwrap());
        let b = tape.variable(Tensor::new([2, 2], vec![3.0, 4.0, 5.0, 6.0]).unwrap());
        let y = Var::concat(&[a, b, a], 1).unwrap();
        assert_eq!(y.value(), Tensor::new([2, 4], vec![1.0, 3.0, 4.0, 1.0, 2.0, 5.0, 6.0, 2.0]).unwrap());
        let g = Tensor::new([2, 4], (1..9).map(f64::from).collect()).unwrap();
        let gradients = tape.backward_from(y, g, crate::Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(a).unwrap().data(), [5.0, 13.0]);
        assert_eq!(gradients.wrt(b).unwrap().data(), [2.0, 3.0, 6.0, 7.0]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let tape = Tape::<f64>::new();
        let (a, b) = (tape.variable(Tensor::zeros([2, 3])), tape.variable(Tensor::zeros([2, 4])));
        assert!(Var::concat(&[a, b], 0).unwrap_err().to_string().contains("[2, 3] and [2, 4]"));
        assert!(Var::concat(&[a, b], 2).is_err());
        assert!(Var::<f64>::concat(&[], 0).unwrap_err().to_string().contains("at least 1"));
    }
}
