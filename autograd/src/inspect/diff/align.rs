//! Which nodes of two tapes belong together.

use std::collections::HashMap;

use super::{NodeName, StructuralDifference, Which};
use crate::scalar::Scalar;
use crate::tape::Tape;

/// A node without its numbers, so that the rest is compiled once for all precisions.
#[derive(Debug)]
struct Outline {
    path: String,
    op: String,
    scope: String,
    is_leaf: bool,
    shape: Vec<usize>,
    inputs: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct Alignment {
    a: Vec<Outline>,
    b: Vec<Outline>,
    /// In the order of the first tape.
    pub(super) pairs: Vec<(usize, usize)>,
}

impl Alignment {
    pub(super) fn of<A: Scalar, B: Scalar>(a: &Tape<A>, b: &Tape<B>) -> Self {
        let (a, b) = (outlines(a), outlines(b));
        let pairs = pairs(&a, &b);
        Self { a, b, pairs }
    }

    pub(super) fn names(&self, i: usize, j: usize) -> [NodeName; 2] {
        [name(&self.a, i), name(&self.b, j)]
    }

    pub(super) fn has_equal_shapes(&self, i: usize, j: usize) -> bool {
        self.a[i].shape == self.b[j].shape
    }

    pub(super) fn structure(&self) -> Vec<StructuralDifference> {
        let mut partner = vec![None; self.a.len()];
        let mut is_paired = vec![false; self.b.len()];
        for &(i, j) in &self.pairs {
            (partner[i], is_paired[j]) = (Some(j), true);
        }
        let mut found = Vec::new();
        for (i, node) in self.a.iter().enumerate() {
            let Some(j) = partner[i] else {
                let shape = node.shape.clone();
                found.push(StructuralDifference::OnlyIn(Which::First, name(&self.a, i), shape));
                continue;
            };
            let other = &self.b[j];
            if node.op != other.op || node.is_leaf && node.path != other.path {
                found.push(StructuralDifference::Op(self.names(i, j)));
            }
            // Inputs that one tape alone has are reported as such, at their own place.
            let here = node.inputs.iter().filter_map(|&at| partner[at]);
            if !here.eq(other.inputs.iter().copied().filter(|&at| is_paired[at])) {
                found.push(StructuralDifference::Inputs(self.names(i, j)));
            }
            if node.shape != other.shape {
                let shapes = [node.shape.clone(), other.shape.clone()];
                found.push(StructuralDifference::Shape(self.names(i, j), shapes));
            }
        }
        let alone = (0..self.b.len()).filter(|&j| !is_paired[j]);
        found.extend(
            alone.map(|j| {
                StructuralDifference::OnlyIn(Which::Second, name(&self.b, j), self.b[j].shape.clone())
            }),
        );
        found
    }
}

fn name(side: &[Outline], index: usize) -> NodeName {
    NodeName { index, path: side[index].path.clone(), op: side[index].op.clone() }
}

fn outlines<S: Scalar>(tape: &Tape<S>) -> Vec<Outline> {
    let outline = |(var, path): (crate::tape::Var<'_, S>, String)| Outline {
        path,
        op: var.op_text(),
        scope: var.scope(),
        is_leaf: var.is_leaf(),
        shape: var.shape().dims().to_vec(),
        inputs: var.inputs().iter().map(|i| i.id().index()).collect(),
    };
    tape.vars().zip(tape.paths()).map(outline).collect()
}

/// First by path, then in turn within a scope: ops with ops, leaves with leaves of their shape.
fn pairs(a: &[Outline], b: &[Outline]) -> Vec<(usize, usize)> {
    let by_path: HashMap<&str, usize> = b.iter().enumerate().map(|(j, n)| (n.path.as_str(), j)).collect();
    let mut partner: Vec<Option<usize>> = a
        .iter()
        .map(|n| by_path.get(n.path.as_str()).copied().filter(|&j| b[j].is_leaf == n.is_leaf))
        .collect();
    let mut is_taken = vec![false; b.len()];
    partner.iter().flatten().for_each(|&j| is_taken[j] = true);
    let kind = |n: &Outline| {
        let shape = n.is_leaf.then(|| n.shape.clone());
        (n.scope.clone(), shape)
    };
    let mut left: HashMap<_, std::collections::VecDeque<usize>> = HashMap::new();
    for (j, n) in b.iter().enumerate().filter(|&(j, _)| !is_taken[j]) {
        left.entry(kind(n)).or_default().push_back(j);
    }
    for (i, n) in a.iter().enumerate() {
        if partner[i].is_none() {
            partner[i] = left.get_mut(&kind(n)).and_then(std::collections::VecDeque::pop_front);
        }
    }
    partner.iter().enumerate().filter_map(|(i, j)| Some((i, (*j)?))).collect()
}
