//! Functions whose second derivatives are known.

use autograd::ops::{self, activation};
use autograd::{Program, Result, Scalar, Tape, Tensor, Var};

/// xᵀAx of x in any shape; H = A + Aᵀ.
pub(crate) struct Quadratic {
    pub(crate) matrix: Tensor<f64>,
}

impl Quadratic {
    /// A row-major n × n matrix.
    pub(crate) fn new(n: usize, entry: impl Fn(usize, usize) -> f64) -> Self {
        let entries = (0..n * n).map(|at| entry(at / n, at % n)).collect();
        Self { matrix: Tensor::new([n, n], entries).unwrap() }
    }

    /// H, row-major.
    pub(crate) fn hessian(&self) -> Vec<f64> {
        let (n, a) = (self.matrix.dims()[0], self.matrix.data());
        (0..n * n).map(|at| a[at] + a[at % n * n + at / n]).collect()
    }
}

impl Program for Quadratic {
    fn run<'t, S: Scalar>(&self, tape: &'t Tape<S>, x: &[Var<'t, S>]) -> Result<Var<'t, S>> {
        let n = x[0].shape().len();
        let row = x[0].reshape([1, n])?;
        row.matmul(tape.constant(self.matrix.cast()))?.matmul_transposed(row)
    }
}

/// (1 − a)² + c·(b − a²)².
pub(crate) struct Rosenbrock {
    pub(crate) c: f64,
}

impl Program for Rosenbrock {
    fn run<'t, S: Scalar>(&self, tape: &'t Tape<S>, x: &[Var<'t, S>]) -> Result<Var<'t, S>> {
        let (a, b, one) = (x[0], x[1], tape.constant(Tensor::scalar(S::ONE)));
        let (slope, valley) = (one - a, b - a * a);
        Ok(slope * slope + (valley * valley).scale(self.c))
    }
}

/// Logistic regression on rows of `inputs` \[N, d\] with labels 0 or 1 \[N, 1\]: mean softplus(Xw) − y·Xw of w \[d, 1\].
pub(crate) struct Logistic {
    pub(crate) inputs: Tensor<f64>,
    pub(crate) labels: Tensor<f64>,
}

impl Program for Logistic {
    fn run<'t, S: Scalar>(&self, tape: &'t Tape<S>, w: &[Var<'t, S>]) -> Result<Var<'t, S>> {
        let z = tape.constant(self.inputs.cast()).matmul(w[0])?;
        let labels = tape.constant(self.labels.cast());
        (z.map(activation::Softplus) - labels * z).mean_all()
    }
}

/// x / ‖x‖, a function of several values.
pub(crate) struct Direction;

impl Program for Direction {
    fn run<'t, S: Scalar>(&self, _tape: &'t Tape<S>, x: &[Var<'t, S>]) -> Result<Var<'t, S>> {
        Ok(x[0] / (x[0] * x[0]).sum_all().sqrt())
    }
}

/// Σ x⁴.
pub(crate) struct Quartic;

impl Program for Quartic {
    fn run<'t, S: Scalar>(&self, _tape: &'t Tape<S>, x: &[Var<'t, S>]) -> Result<Var<'t, S>> {
        let square = x[0] * x[0];
        Ok((square * square).sum_all())
    }
}

/// Σ 1/x.
pub(crate) struct Inverse;

impl Program for Inverse {
    fn run<'t, S: Scalar>(&self, tape: &'t Tape<S>, x: &[Var<'t, S>]) -> Result<Var<'t, S>> {
        Ok((tape.constant(Tensor::scalar(S::ONE)) / x[0]).sum_all())
    }
}

/// The sum of the first input, whatever else is given; H = 0.
pub(crate) struct FirstSum;

impl Program for FirstSum {
    fn run<'t, S: Scalar>(&self, _tape: &'t Tape<S>, x: &[Var<'t, S>]) -> Result<Var<'t, S>> {
        Ok(x[0].sum_all())
    }
}

/// A number that depends on no input.
pub(crate) struct Constant;

impl Program for Constant {
    fn run<'t, S: Scalar>(&self, tape: &'t Tape<S>, _x: &[Var<'t, S>]) -> Result<Var<'t, S>> {
        Ok(tape.constant(Tensor::scalar(S::ONE)))
    }
}

/// Convolution, batch normalization with the batch's statistics, Swish, mean pooling, a dense layer and cross-entropy;
/// inputs: kernels \[4, 2, 3, 3\], γ \[4\], β \[4\], weights \[3, 4\].
pub(crate) struct SmallNet {
    pub(crate) images: Tensor<f64>,
}

impl Program for SmallNet {
    fn run<'t, S: Scalar>(&self, tape: &'t Tape<S>, w: &[Var<'t, S>]) -> Result<Var<'t, S>> {
        let conv = ops::Conv2d { padding: [1, 1], ..ops::Conv2d::default() };
        let images = tape.constant(self.images.cast());
        let labels: Vec<usize> = (0..self.images.dims()[0]).map(|i| i % 3).collect();
        images
            .conv2d(w[0], None, conv)?
            .batch_norm(w[1], w[2], ops::BatchNorm::default())?
            .map(activation::Swish::default())
            .global_avg_pool()?
            .matmul_transposed(w[3])?
            .cross_entropy(&labels, 0.1)
    }
}
