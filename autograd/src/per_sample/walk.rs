//! The backward pass of one sample at a time, through what all samples share.

use std::any::Any;

use smallvec::SmallVec;

use super::classify::Classes;
use super::outer::OuterProducts;
use crate::gradients::Gradients;
use crate::node::Node;
use crate::op::Backward;
use crate::ops::MatMul;
use crate::samples::Sample;
use crate::scalar::Scalar;
use crate::tape::{NodeId, Tape};
use crate::tensor::Tensor;

/// A node that sends gradients to values without rows.
struct Step<'a, S> {
    at: usize,
    inputs: SmallVec<[&'a Tensor<S>; 3]>,
    /// Which inputs have rows.
    rows: SmallVec<[bool; 3]>,
    /// Which inputs get a gradient: those without rows that need one.
    needs: SmallVec<[bool; 3]>,
    /// ∂L/∂output, complete, if the output has rows. Without rows, what the sample sent there is passed on.
    upstream: Option<Tensor<S>>,
}

/// The steps of one sample, last node first, and the gradients on their way.
pub(super) struct Walk<'a, S> {
    nodes: &'a [Node<S>],
    steps: Vec<Step<'a, S>>,
    /// By node: what the present sample has sent there so far.
    slots: Vec<Option<Tensor<S>>>,
}

impl<'a, S: Scalar> Walk<'a, S> {
    pub(super) fn new(
        nodes: &'a [Node<S>],
        classes: &Classes,
        gradients: &Gradients<S>,
        tape: &Tape<S>,
    ) -> Self {
        let mut steps: Vec<Step<'a, S>> = Vec::new();
        for (at, var) in tape.vars().enumerate().take(classes.len()) {
            let node = &nodes[at];
            let rows: SmallVec<[bool; 3]> = node.inputs.iter().map(|id| classes.is_row(*id)).collect();
            let needs: SmallVec<[bool; 3]> = node
                .inputs
                .iter()
                .zip(&rows)
                .map(|(id, rows)| !rows && nodes[id.index()].needs_gradient)
                .collect();
            if !needs.contains(&true) {
                continue;
            }
            // Off the path to the loss there is no gradient.
            let Ok(upstream) = gradients.wrt(var) else { continue };
            let inputs = node.inputs.iter().map(|id| &nodes[id.index()].value).collect();
            steps.push(Step { at, inputs, rows, needs, upstream: classes.row_at(at).then_some(upstream) });
        }
        steps.reverse();
        Self { nodes, steps, slots: vec![None; classes.len()] }
    }

    /// Runs sample `n`: its contribution to every leaf is then to be taken.
    pub(super) fn sample(&mut self, n: usize) {
        self.slots.fill(None);
        for step in &self.steps {
            let node = &self.nodes[step.at];
            let op = node.op.as_ref().expect("a node with inputs has an op");
            let sent = self.slots[step.at].take();
            let cx = |upstream| Backward {
                inputs: &step.inputs,
                output: &node.value,
                saved: &node.saved,
                upstream,
                needs: &step.needs,
            };
            let gradients = match (&step.upstream, &sent) {
                (Some(whole), _) => op.backward_of_sample(&cx(whole), Sample { index: n, rows: &step.rows }),
                (None, Some(sent)) => op.backward(&cx(sent)),
                (None, None) => continue,
            };
            for ((id, gradient), &needed) in node.inputs.iter().zip(gradients).zip(&step.needs) {
                let Some(gradient) = gradient.filter(|_| needed) else { continue };
                match &mut self.slots[id.index()] {
                    Some(sum) => drop(sum.accumulate(&gradient)),
                    slot => *slot = Some(gradient),
                }
            }
        }
    }

    /// What the present sample has sent to a leaf; `None` is 0.
    pub(super) fn take(&mut self, leaf: NodeId) -> Option<Tensor<S>> {
        self.slots[leaf.index()].take()
    }

    /// If all that the leaf does is to be the right operand of one matrix product with the batch: its factors.
    pub(super) fn single_product(&self, leaf: NodeId) -> Option<OuterProducts<'_, S>> {
        let uses = |step: &Step<'_, S>| {
            self.nodes[step.at].inputs.iter().zip(&step.needs).filter(|(i, n)| **n && **i == leaf).count()
        };
        let mut users = self.steps.iter().filter(|step| uses(step) > 0);
        let (step, None) = (users.next()?, users.next()) else { return None };
        let op: &dyn Any = self.nodes[step.at].op.as_deref()?;
        let product = op.downcast_ref::<MatMul>()?;
        let is_right_of_rows = step.rows[0] && step.needs[1];
        let upstream = step.upstream.as_ref().filter(|_| is_right_of_rows)?;
        let x = step.inputs[0];
        Some(if product.transpose_b {
            OuterProducts::new(upstream, x)
        } else {
            OuterProducts::new(x, upstream)
        })
    }

    /// Leaves out a leaf that has been dealt with.
    pub(super) fn skip(&mut self, leaf: NodeId) {
        for step in &mut self.steps {
            let inputs = self.nodes[step.at].inputs.iter();
            inputs
                .zip(&mut step.needs)
                .filter(|(id, _)| **id == leaf)
                .for_each(|(_, needed)| *needed = false);
        }
        self.steps.retain(|step| step.needs.contains(&true));
    }
}
