//! Matrix product.

use crate::check::Case;
use crate::error::{Error, Result};
use crate::kernels::Matrix;
use crate::kernels::product::product;
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::samples::{Sample, SampledInput, Samples};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tape::Var;
use crate::tensor::Tensor;

/// Y = A·B: y[i, j] = Σₚ a[i, p]·b[p, j]; ∂L/∂A = G·Bᵀ, ∂L/∂B = Aᵀ·G.
/// With `transpose_b`, Y = A·Bᵀ: ∂L/∂A = G·B, ∂L/∂B = Gᵀ·A.
///
/// Shapes: A is [m, k] and B is [k, n], or [n, k] with `transpose_b`; Y is [m, n]. Any of m, k, n may be 0, and
/// k = 0 gives zeros. No transpose is ever copied. Nothing saved. Errors: an operand without exactly two axes,
/// inner lengths that differ.
#[derive(Debug, Clone, Copy, Default)]
pub struct MatMul {
    /// Whether B is given as its transpose [n, k], the way a linear layer keeps its weight [out, in].
    pub transpose_b: bool,
}

/// A row-major matrix.
fn rows<S: Scalar>(x: &Tensor<S>) -> Matrix<'_, S> {
    Matrix { data: x.data(), row: x.dims()[1], column: 1 }
}

/// Its transpose, read in place.
fn columns<S: Scalar>(x: &Tensor<S>) -> Matrix<'_, S> {
    Matrix { data: x.data(), row: 1, column: x.dims()[1] }
}

impl MatMul {
    /// (m, k, n).
    fn sizes(self, a: Shape, b: Shape) -> Result<(usize, usize, usize)> {
        let wrong = |what, shape| Error::Operand {
            op: "matmul",
            what,
            shape,
            legal: "a matrix, which has two axes".into(),
        };
        let &[m, k] = a.dims() else { return Err(wrong("left operand", a)) };
        let &[first, second] = b.dims() else { return Err(wrong("right operand", b)) };
        let (inner, n) = if self.transpose_b { (second, first) } else { (first, second) };
        if k == inner {
            return Ok((m, k, n));
        }
        let rule = if self.transpose_b {
            "the inner dimensions, axis 1 of the left and axis 1 of the transposed right, must be equal"
        } else {
            "the inner dimensions, axis 1 of the left and axis 0 of the right, must be equal"
        };
        Err(Error::Shapes { op: "matmul", left: a, right: b, rule })
    }
}

impl<S: Scalar> Op<S> for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[a, b] = inputs_of("matmul", inputs, "2")?;
        let (m, k, n) = self.sizes(a.shape(), b.shape())?;
        let shape = Shape::new(&[m, n])?;
        let right = if self.transpose_b { columns(b) } else { rows(b) };
        Ok(Forward::of(Tensor::filled(shape, product((m, k, n), rows(a), right))))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let (a, b, g) = (cx.inputs[0], cx.inputs[1], cx.upstream);
        let (m, k, n) = self.sizes(a.shape(), b.shape()).expect("the forward pass has checked the shapes");
        let left = || {
            let right = if self.transpose_b { rows(b) } else { columns(b) };
            Tensor::filled(a.shape(), product((m, n, k), rows(g), right))
        };
        let right = || {
            let data = if self.transpose_b {
                product((n, m, k), columns(g), rows(a))
            } else {
                product((k, m, n), columns(a), rows(g))
            };
            Tensor::filled(b.shape(), data)
        };
        vec![cx.needs[0].then(left), cx.needs[1].then(right)]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        let [a, b] = [inputs[0], inputs[1]];
        match (a.samples, b.samples) {
            // Y is linear in A, which may be the mean or sum, and row i of Y sees row i of A alone.
            (samples, Samples::Shared) => samples,
            (Samples::Shared, samples @ (Samples::Mean | Samples::Sum)) => samples,
            (_, Samples::Rows) => {
                Samples::Mixed("the right operand has the samples, and each row of the result sees all")
            }
            _ => Samples::row_by_row_with(a, &[b]),
        }
    }

    fn backward_of_sample(&self, cx: &Backward<'_, S>, sample: Sample<'_>) -> Vec<Option<Tensor<S>>> {
        sample.alone(cx, |cx| self.backward(cx))
    }
}

impl<S: Scalar> Var<'_, S> {
    /// The matrix product of [m, k] and [k, n].
    ///
    /// # Errors
    /// An operand is no matrix, or the inner lengths differ.
    pub fn matmul(self, right: Self) -> Result<Self> {
        self.tape().apply(MatMul { transpose_b: false }, &[self, right])
    }

    /// The matrix product of [m, k] and the transpose of [n, k].
    ///
    /// # Errors
    /// An operand is no matrix, or the inner lengths differ.
    pub fn matmul_transposed(self, right: Self) -> Result<Self> {
        self.tape().apply(MatMul { transpose_b: true }, &[self, right])
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    let (plain, transposed) = (MatMul { transpose_b: false }, MatMul { transpose_b: true });
    vec![
        Case::op("odd sizes", plain).normal([3, 5]).normal([5, 7]).bilinear(),
        Case::op("row by column", plain).normal([1, 7]).normal([7, 1]).bilinear(),
        Case::op("column by row", plain).normal([5, 1]).normal([1, 3]).bilinear(),
        Case::op("several blocks of rows", plain).normal([131, 67]).normal([67, 71]).bilinear(),
        Case::op("no inner elements", plain).normal([2, 0]).normal([0, 3]).bilinear(),
        Case::op("odd sizes", transposed).normal([3, 5]).normal([7, 5]).bilinear(),
        Case::op("several blocks of rows", transposed).normal([131, 67]).normal([71, 67]).bilinear(),
    ]
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor};

    /// By hand.
    #[test]
    fn values() {
        let tape = Tape::<f64>::new();
        let a = tape.variable(Tensor::new([2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap());
        let b = tape.variable(Tensor::new([3, 2], vec![7.0, 8.0, 9.0, 10.0, 11.0, 12.0]).unwrap());
        let y = a.matmul(b).unwrap();
        assert_eq!(y.value(), Tensor::new([2, 2], vec![58.0, 64.0, 139.0, 154.0]).unwrap());
        let y = a.matmul_transposed(a).unwrap();
        assert_eq!(y.value(), Tensor::new([2, 2], vec![14.0, 32.0, 32.0, 77.0]).unwrap());
    }

    #[test]
    fn shapes_that_do_not_fit_say_which_axes() {
        let tape = Tape::<f64>::new();
        let (a, v) = (tape.variable(Tensor::zeros([2, 3])), tape.variable(Tensor::zeros([3])));
        let text = a.matmul(a).unwrap_err().to_string();
        assert_eq!(
            text,
            "matmul: shapes [2, 3] and [2, 3] do not fit: the inner dimensions, axis 1 of the left and axis 0 of \
             the right, must be equal"
        );
        let text = a.matmul(v).unwrap_err().to_string();
        assert_eq!(text, "matmul: right operand has shape [3], want a matrix, which has two axes");
    }
}
