//! The same elements under another shape.

use crate::check::Case;
use crate::error::{Error, Result};
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = x in row-major order with the axis lengths `shape`; ∂L/∂x = g with the shape of x.
///
/// Shapes: any two with equally many elements; none is inferred. Values and gradients share their data. Nothing
/// saved. Errors: the element counts differ.
#[derive(Debug, Clone, Copy)]
pub struct Reshape {
    /// The shape of y.
    pub shape: Shape,
}

impl<S: Scalar> Op<S> for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of("reshape", inputs, "1")?;
        if x.len() != self.shape.len() {
            return Err(Error::Shapes {
                op: "reshape",
                left: x.shape(),
                right: self.shape,
                rule: "both must hold equally many elements",
            });
        }
        Ok(Forward::of(x.with_shape(self.shape)))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        vec![Some(cx.upstream.with_shape(cx.inputs[0].shape()))]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        let keeps = inputs[0].shape.dims().first() == self.shape.dims().first();
        inputs[0].samples.linear(keeps, "the samples are no longer along axis 0")
    }
}

impl<S: Scalar> Var<'_, S> {
    /// The same elements with the axis lengths `shape`.
    ///
    /// # Errors
    /// The element counts differ.
    pub fn reshape(self, shape: impl Into<Shape>) -> Result<Self> {
        self.tape().apply(Reshape { shape: shape.into() }, &[self])
    }

    /// `axis` and all axes after it made into one: (N, C, H, W) from axis 1 becomes (N, C·H·W).
    ///
    /// # Errors
    /// `axis` does not exist.
    pub fn flatten_from(self, axis: usize) -> Result<Self> {
        let shape = self.shape();
        let (outer, inner) = shape.dims().split_at(shape.axis("flatten_from", axis)?);
        let dims: smallvec::SmallVec<[usize; crate::MAX_RANK]> =
            outer.iter().copied().chain([inner.iter().product()]).collect();
        self.reshape(Shape::new(&dims)?)
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    let to = |shape| Reshape { shape };
    vec![
        Case::op("split", to(Shape::from([3, 1, 5]))).normal([15]).bilinear(),
        Case::op("join", to(Shape::from([2, 15]))).normal([2, 3, 5]).bilinear(),
        Case::op("to a scalar", to(Shape::SCALAR)).normal([1, 1]).bilinear(),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{Shape, Tape, Tensor};

    #[test]
    fn shapes_change_and_data_is_shared() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::zeros([2, 3, 1, 5]));
        let y = x.flatten_from(1).unwrap();
        assert_eq!(y.shape(), Shape::from([2, 15]));
        assert!(y.value().shares_data_with(&x.value()));
        assert_eq!(x.flatten_from(0).unwrap().shape(), Shape::from([30]));
        assert!(x.flatten_from(4).is_err());
        let text = x.reshape([7]).unwrap_err().to_string();
        assert_eq!(
            text,
            "reshape: shapes [2, 3, 1, 5] and [7] do not fit: both must hold equally many elements"
        );
    }
}
