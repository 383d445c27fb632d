//! One op applied to earlier values, as plain data.

use crate::error::Result;
use crate::ops;
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tape::{Tape, Var};
use crate::tensor::Tensor;

use super::planted::{Bug, PlantedSquare};

/// A step of a graph. Numbers such as `x`, `a` and `b` name values: first the graph's inputs, then the results of
/// its steps, in order.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Add(usize, usize),
    Sub(usize, usize),
    Mul(usize, usize),
    Div(usize, usize),
    Pow(usize, usize),
    Neg(usize),
    Exp(usize),
    Ln(usize),
    Sqrt(usize),
    Scale(usize, f64),
    /// x plus a constant of the tape, which gets no gradient.
    Shift(usize, f64),
    Activation(usize, String),
    PRelu {
        x: usize,
        slope: usize,
    },
    MatMul(usize, usize),
    MatMulTransposed(usize, usize),
    Sum {
        x: usize,
        axes: Vec<usize>,
        keep: bool,
    },
    Mean {
        x: usize,
        axes: Vec<usize>,
        keep: bool,
    },
    Variance {
        x: usize,
        axes: Vec<usize>,
        keep: bool,
        correction: usize,
    },
    Reshape(usize, Vec<usize>),
    Permute(usize, Vec<usize>),
    Concat {
        parts: Vec<usize>,
        axis: usize,
    },
    Slice(usize, Vec<(usize, usize)>),
    Pad(usize, Vec<(usize, usize)>, f64),
    Softmax(usize),
    LogSoftmax(usize),
    CrossEntropy {
        x: usize,
        labels: Vec<usize>,
        smoothing: f64,
    },
    Dropout {
        x: usize,
        probability: f64,
        index: u64,
    },
    StochasticDepth {
        x: usize,
        probability: f64,
        index: u64,
    },
    /// x² with a wrong gradient: the tests of the tester only.
    Planted(usize, Bug),
}

impl Step {
    /// Records the step on `tape`.
    pub(super) fn record<'t, S: Scalar>(&self, tape: &'t Tape<S>, v: &[Var<'t, S>]) -> Result<Var<'t, S>> {
        Ok(match self {
            &Self::Add(a, b) => v[a].try_add(v[b])?,
            &Self::Sub(a, b) => v[a].try_sub(v[b])?,
            &Self::Mul(a, b) => v[a].try_mul(v[b])?,
            &Self::Div(a, b) => v[a].try_div(v[b])?,
            &Self::Pow(a, b) => v[a].pow(v[b])?,
            &Self::Neg(x) => -v[x],
            &Self::Exp(x) => v[x].exp(),
            &Self::Ln(x) => v[x].ln(),
            &Self::Sqrt(x) => v[x].sqrt(),
            &Self::Scale(x, c) => v[x].scale(c),
            &Self::Shift(x, c) => v[x].try_add(tape.constant(Tensor::scalar(S::from_f64(c))))?,
            Self::Activation(x, name) => v[*x].activation(name)?,
            &Self::PRelu { x, slope } => v[x].prelu(v[slope])?,
            &Self::MatMul(a, b) => v[a].matmul(v[b])?,
            &Self::MatMulTransposed(a, b) => v[a].matmul_transposed(v[b])?,
            Self::Sum { x, axes, keep } => v[*x].sum(axes, *keep)?,
            Self::Mean { x, axes, keep } => v[*x].mean(axes, *keep)?,
            Self::Variance { x, axes, keep, correction } => v[*x].var(axes, *keep, *correction)?,
            Self::Reshape(x, dims) => v[*x].reshape(Shape::new(dims)?)?,
            Self::Permute(x, axes) => v[*x].permute(axes)?,
            Self::Concat { parts, axis } => {
                let parts: Vec<_> = parts.iter().map(|&p| v[p]).collect();
                Var::concat(&parts, *axis)?
            }
            Self::Slice(x, ranges) => {
                let ranges: Vec<_> = ranges.iter().map(|&(start, end)| start..end).collect();
                v[*x].slice(&ranges)?
            }
            Self::Pad(x, pads, value) => v[*x].pad(pads, *value)?,
            &Self::Softmax(x) => v[x].softmax()?,
            &Self::LogSoftmax(x) => v[x].log_softmax()?,
            Self::CrossEntropy { x, labels, smoothing } => v[*x].cross_entropy(labels, *smoothing)?,
            &Self::Dropout { x, probability, index } => {
                tape.apply(ops::Dropout::new(probability, 1, index)?, &[v[x]])?
            }
            &Self::StochasticDepth { x, probability, index } => {
                v[x].stochastic_depth(probability, 1, index)?
            }
            &Self::Planted(x, bug) => tape.apply(PlantedSquare(bug), &[v[x]])?,
        })
    }

    /// The values it uses.
    pub(super) fn inputs(&self) -> Vec<usize> {
        match self {
            &(Self::Add(a, b)
            | Self::Sub(a, b)
            | Self::Mul(a, b)
            | Self::Div(a, b)
            | Self::Pow(a, b)
            | Self::MatMul(a, b)
            | Self::MatMulTransposed(a, b)
            | Self::PRelu { x: a, slope: b }) => vec![a, b],
            Self::Concat { parts, .. } => parts.clone(),
            &(Self::Neg(x)
            | Self::Exp(x)
            | Self::Ln(x)
            | Self::Sqrt(x)
            | Self::Scale(x, _)
            | Self::Shift(x, _)) => vec![x],
            Self::Activation(x, _) | Self::Reshape(x, _) | Self::Permute(x, _) | Self::Slice(x, _) => {
                vec![*x]
            }
            Self::Sum { x, .. } | Self::Mean { x, .. } | Self::Variance { x, .. } | Self::Pad(x, _, _) => {
                vec![*x]
            }
            Self::Softmax(x) | Self::LogSoftmax(x) | Self::CrossEntropy { x, .. } => vec![*x],
            Self::Dropout { x, .. } | Self::StochasticDepth { x, .. } | Self::Planted(x, _) => vec![*x],
        }
    }
}
