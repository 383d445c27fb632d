//! Where numbers stopped being finite.

use std::fmt;

use super::Statistics;
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tape::{NodeId, Tape};
use crate::tensor::Tensor;

/// What is not finite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    /// The node's value.
    Value,
    /// The gradient that the backward pass started from, or that reached a node although all contributions are finite:
    /// their sum overflows.
    Upstream,
    /// What the node's op sent back to its input at this position.
    Gradient {
        /// Which input.
        position: usize,
    },
}

/// A tensor that the op at fault was given.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenTensor {
    /// The path of its node, or `upstream` for the gradient of the op's output.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Its numbers.
    pub statistics: Statistics,
}

/// The first number that is NaN or infinite, and what the op that made it was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Anomaly {
    /// The node's path.
    pub path: String,
    /// The op with its settings, or `leaf`.
    pub op: String,
    /// What is not finite.
    pub side: Side,
    /// Its shape.
    pub shape: Shape,
    /// The first such number's place, row-major.
    pub index: usize,
    /// That number.
    pub number: f64,
    /// How many there are.
    pub count: u64,
    /// What the op was given.
    pub operands: Vec<GivenTensor>,
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, op, shape, index, number, count, .. } = self;
        match self.side {
            Side::Value => write!(f, "the value of {path} ({op})")?,
            Side::Upstream => write!(f, "the gradient that reaches {path} ({op})")?,
            Side::Gradient { position } => {
                write!(f, "the gradient that {path} ({op}) sends to its input {position}")?;
                if let Some(operand) = self.operands.get(position) {
                    write!(f, ", {}", operand.name)?;
                }
            }
        }
        // Of a dual number the value may be finite where the tangent is not.
        let tangent = if number.is_finite() { " with a tangent that is not," } else { "" };
        write!(
            f,
            ", shape {shape}, is the first that is not finite: {number}{tangent} at {index}, {count} in all"
        )?;
        for GivenTensor { name, shape, statistics: s } in &self.operands {
            write!(f, "\n  {name} {shape}")?;
            match (s.min(), s.max(), s.mean()) {
                (Some(min), Some(max), Some(mean)) => {
                    write!(f, ": from {min:.6e} to {max:.6e}, mean {mean:.6e}")?;
                }
                _ => write!(f, ": no finite number")?,
            }
            write!(f, ", {} zeros, {} not finite", s.zeros, s.non_finite)?;
        }
        Ok(())
    }
}

impl<S: Scalar> Tape<S> {
    /// The first recorded value that is not finite, with what its op was given.
    ///
    /// Nothing has to be switched on before: values stay on the tape. For gradients see
    /// [`Pass::finding_anomalies`](crate::Pass::finding_anomalies).
    ///
    /// # Errors
    /// A backward pass has freed values ([`Pass::releasing`](crate::Pass::releasing)): which was the first is not known
    /// any more.
    pub fn first_anomaly(&self) -> Result<Option<Anomaly>> {
        if self.has_released.get() {
            return Err(Error::Released);
        }
        let mut recalled = Vec::new();
        for at in 0..self.len() {
            recalled.extend(self.recall_for_backward(NodeId::at(at))?);
            let found = {
                let nodes = self.nodes.borrow();
                let value = &nodes[at].value;
                first_bad(value).map(|_| self.anomaly(at, Side::Value, value, None))
            };
            if found.is_some() {
                return Ok(found);
            }
            // What was computed once more for this is forgotten again: all of it at once may be too much.
            recalled.extract_if(.., |c| c.nodes.end <= at + 1).for_each(|c| self.forget(&c));
        }
        Ok(None)
    }

    /// The report on `bad`, which is known to hold a number that is not finite.
    pub(crate) fn anomaly(
        &self,
        at: usize,
        side: Side,
        bad: &Tensor<S>,
        upstream: Option<&Tensor<S>>,
    ) -> Anomaly {
        let paths = self.paths();
        let nodes = self.nodes.borrow();
        let node = &nodes[at];
        let operand = |name: &str, tensor: &Tensor<S>| GivenTensor {
            name: name.to_string(),
            shape: tensor.shape(),
            statistics: Statistics::of(tensor),
        };
        let inputs = node.inputs.iter().map(|i| operand(&paths[i.index()], &nodes[i.index()].value));
        let operands = inputs.chain(upstream.map(|g| operand("upstream", g))).collect();
        let index = first_bad(bad).unwrap_or(0);
        Anomaly {
            path: paths[at].clone(),
            op: node.op_text(),
            side,
            shape: bad.shape(),
            index,
            number: bad.data().get(index).map_or(f64::NAN, |x| x.to_f64()),
            count: bad.data().iter().filter(|x| !x.is_finite()).count() as u64,
            operands,
        }
    }
}

/// The place of the first number that is not finite.
pub(crate) fn first_bad<S: Scalar>(tensor: &Tensor<S>) -> Option<usize> {
    tensor.data().iter().position(|x| !x.is_finite())
}

/// The position of the first tensor that holds one.
pub(crate) fn first_bad_of<S: Scalar>(tensors: &[Option<Tensor<S>>]) -> Option<usize> {
    tensors.iter().position(|t| t.as_ref().is_some_and(|t| first_bad(t).is_some()))
}
