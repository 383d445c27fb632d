//! Two recordings of one model side by side: where their numbers part, and where their structure does.

mod align;
mod compare;
mod display;
#[cfg(test)]
mod tests;

use crate::error::{Error, Result};
use crate::gradients::Gradients;
use crate::scalar::Scalar;
use crate::tape::Tape;
use crate::tensor::Tensor;
use align::Alignment;

/// What [`diff`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct TapeDiff {
    /// The relative difference above which two nodes differ.
    pub epsilon: f64,
    /// The values, in the order of recording.
    pub values: Compared,
    /// The gradients, if they were asked for, in the order in which backward comes to them: from the last node to the
    /// first.
    pub gradients: Option<Compared>,
    /// Differences that are not of numbers, in the first tape's order.
    pub structure: Vec<StructuralDifference>,
}

/// A comparison of the values, or of the gradients, of all nodes that belong together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compared {
    /// How many pairs of nodes were compared: those of the same shape where both have a value, or a gradient.
    pub nodes: usize,
    /// How many differ.
    pub differing: usize,
    /// The first that differs.
    pub first: Option<NodeDifference>,
    /// The one with the largest relative difference; the first of several.
    pub largest: Option<NodeDifference>,
}

/// Two tensors that differ, and where most.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeDifference {
    /// The nodes on the first and the second tape.
    pub nodes: [NodeName; 2],
    /// Their shape.
    pub shape: Vec<usize>,
    /// The place of the largest difference; NaN on one side only, or an infinity that the other side has not, counts as
    /// larger than any number.
    pub index: Vec<usize>,
    /// The numbers there.
    pub numbers: [f64; 2],
    /// |a − b| there, relative to the largest finite |entry| of both tensors.
    pub relative: f64,
}

/// A node as a difference names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeName {
    /// Its position on its tape.
    pub index: usize,
    /// Its path.
    pub path: String,
    /// Its op with the settings.
    pub op: String,
}

/// One of the two tapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The first.
    First,
    /// The second.
    Second,
}

/// A difference that is not of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StructuralDifference {
    /// Another op, another setting of it, or a leaf of another name, at one place.
    Op([NodeName; 2]),
    /// Another shape at one place; the numbers are not compared.
    Shape([NodeName; 2], [Vec<usize>; 2]),
    /// Other inputs at one place: those that both tapes have are not each other's partners, in this order.
    Inputs([NodeName; 2]),
    /// A node that the other tape has not.
    OnlyIn(Which, NodeName, Vec<usize>),
    /// A gradient that only this tape's node has.
    GradientOnlyIn(Which, [NodeName; 2]),
}

impl TapeDiff {
    /// Whether nothing differs: no structure, and no number by more than ε.
    pub fn is_empty(&self) -> bool {
        let gradients = self.gradients.as_ref().map_or(0, |g| g.differing);
        self.structure.is_empty() && self.values.differing == 0 && gradients == 0
    }
}

/// Compares the values on two tapes, which may be of different precision.
///
/// Nodes belong together if they have the same path. What is left over is paired within its scope: the k-th op with the
/// k-th op, the k-th leaf with the k-th leaf of the same shape, so that `act1.relu` meets `act1.swish`; the rest is on one
/// tape only. Two tensors differ if some |a − b| > ε·(the largest finite |entry| of both), or if one is NaN, or infinite,
/// where the other is not equally so. Tangents of dual numbers and values that a backward pass has freed are not compared.
///
/// ```
/// use autograd::{Tape, Tensor, inspect};
///
/// let record = |x: f64| {
///     let tape = Tape::<f64>::new();
///     let x = tape.variable(Tensor::vector(vec![1.0, x]));
///     let _ = x.exp().sum_all();
///     tape
/// };
/// let diff = inspect::diff(&record(2.0), &record(2.5), 1e-3)?;
/// let first = diff.values.first.expect("the second element differs");
/// assert_eq!((first.nodes[0].path.as_str(), first.numbers), ("variable", [2.0, 2.5]));
/// assert_eq!(diff.values.differing, 3);
/// # Ok::<(), autograd::Error>(())
/// ```
///
/// # Errors
/// ε is negative or no number.
pub fn diff<A: Scalar, B: Scalar>(a: &Tape<A>, b: &Tape<B>, epsilon: f64) -> Result<TapeDiff> {
    if !(epsilon >= 0.0) {
        return Err(Error::Argument {
            op: "diff",
            what: format!("ε is {epsilon}"),
            legal: "a relative difference of at least 0".into(),
        });
    }
    let alignment = Alignment::of(a, b);
    let (a, b): (Vec<_>, Vec<_>) = (a.vars().collect(), b.vars().collect());
    let of = |i: usize, j: usize| {
        let is_there = !a[i].is_released() && !b[j].is_released();
        is_there.then(|| (a[i].value(), b[j].value()))
    };
    let values = alignment.compare(alignment.pairs.iter(), of, epsilon);
    Ok(TapeDiff { epsilon, values, gradients: None, structure: alignment.structure() })
}

/// [`diff`], and the same for the gradients.
///
/// # Errors
/// As [`diff`], and gradients of another tape.
pub fn diff_with_gradients<A: Scalar, B: Scalar>(
    (a, a_gradients): (&Tape<A>, &Gradients<A>),
    (b, b_gradients): (&Tape<B>, &Gradients<B>),
    epsilon: f64,
) -> Result<TapeDiff> {
    let mut diff = diff(a, b, epsilon)?;
    let alignment = Alignment::of(a, b);
    let (a, b) = (gradients(a, a_gradients)?, gradients(b, b_gradients)?);
    let of = |i: usize, j: usize| Some((a[i].clone()?, b[j].clone()?));
    diff.gradients = Some(alignment.compare(alignment.pairs.iter().rev(), of, epsilon));
    for &(i, j) in &alignment.pairs {
        let side = match (&a[i], &b[j]) {
            (Some(_), None) => Which::First,
            (None, Some(_)) => Which::Second,
            _ => continue,
        };
        diff.structure.push(StructuralDifference::GradientOnlyIn(side, alignment.names(i, j)));
    }
    Ok(diff)
}

/// The gradient of every node that has one.
fn gradients<S: Scalar>(tape: &Tape<S>, gradients: &Gradients<S>) -> Result<Vec<Option<Tensor<S>>>> {
    gradients.check_tape(tape)?;
    Ok(tape.vars().map(|var| gradients.wrt(var).ok()).collect())
}
