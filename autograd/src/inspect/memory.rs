//! How many bytes a forward and a backward pass hold, node by node.

use std::collections::HashMap;

use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::node::Node;
use crate::scalar::Scalar;
use crate::tensor::Tensor;

/// What one node needs, in bytes. A buffer that several tensors share counts once, for the first of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryRow {
    /// The node's path.
    pub path: String,
    /// The op's name, or `leaf`.
    pub op: &'static str,
    /// Of its value.
    pub value: usize,
    /// Of what its op saved for backward.
    pub saved: usize,
    /// Of its complete gradient; 0 if none reached it.
    pub gradient: usize,
    /// All that is held right after it was recorded.
    pub after_forward: usize,
    /// The most that is held while its op runs backward; 0 if it did not.
    pub in_backward: usize,
}

/// The bytes of all tensors of a step: values, saved tensors and gradients. Not counted are the working space of
/// kernels, the optimiser, and the few hundred bytes that each node itself takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// Every node, oldest first.
    pub rows: Vec<MemoryRow>,
}

impl Memory {
    /// What is held when the forward pass ends.
    pub fn forward(&self) -> usize {
        self.rows.last().map_or(0, |r| r.after_forward)
    }

    /// The most that is held at any time.
    pub fn peak(&self) -> usize {
        self.rows.iter().map(|r| r.after_forward.max(r.in_backward)).max().unwrap_or(0)
    }

    /// The node at which it is held.
    pub fn peak_row(&self) -> Option<&MemoryRow> {
        self.rows.iter().max_by_key(|r| r.after_forward.max(r.in_backward))
    }

    /// The same for a batch of `batch` samples, from recordings with two other numbers of samples.
    ///
    /// Every tensor of a step has a fixed size or one proportional to the batch, so each number is the straight line
    /// through two small recordings. That is how a step is planned before it is run. [`MemoryRow::in_backward`] is the
    /// largest of several such sums; where another one becomes the largest in a large batch, the plan falls short of it.
    /// In all models of this workspace it is exact.
    ///
    /// # Errors
    /// Recordings of different networks, or of the same batch.
    pub fn extrapolated(a: (usize, &Self), b: (usize, &Self), batch: usize) -> Result<Self> {
        let refuse = |what: String| Error::Argument {
            op: "memory plan",
            what,
            legal: "two recordings of the same network with different batches".into(),
        };
        if a.0 == b.0 {
            return Err(refuse(format!("two recordings with {} samples", a.0)));
        }
        if a.1.rows.len() != b.1.rows.len() || a.1.rows.iter().zip(&b.1.rows).any(|(a, b)| a.path != b.path) {
            return Err(refuse("recordings with different nodes".into()));
        }
        let line = |at_a: usize, at_b: usize| {
            let slope = (at_b as f64 - at_a as f64) / (b.0 as f64 - a.0 as f64);
            (at_a as f64 + slope * (batch as f64 - a.0 as f64)).max(0.0).round() as usize
        };
        let rows = a.1.rows.iter().zip(&b.1.rows).map(|(a, b)| MemoryRow {
            path: a.path.clone(),
            op: a.op,
            value: line(a.value, b.value),
            saved: line(a.saved, b.saved),
            gradient: line(a.gradient, b.gradient),
            after_forward: line(a.after_forward, b.after_forward),
            in_backward: line(a.in_backward, b.in_backward),
        });
        Ok(Self { rows: rows.collect() })
    }
}

/// Counts bytes while a backward pass runs, if the pass was told to. Its methods say what happened to which tensor.
#[derive(Debug)]
pub(crate) struct Meter(Option<(Ledger, Vec<MemoryRow>)>);

impl Meter {
    pub(crate) fn new(measures: bool) -> Self {
        Self(measures.then(Default::default))
    }

    /// What the forward pass has left.
    pub(crate) fn recorded<S: Scalar>(&mut self, nodes: &[Node<S>], paths: &[String]) {
        let Some((ledger, rows)) = &mut self.0 else { return };
        rows.extend(nodes.iter().zip(paths).map(|(node, path)| {
            let value = if node.has_value() { ledger.hold(&node.value) } else { 0 };
            let saved = node.saved.iter().map(|t| ledger.hold(t)).sum();
            MemoryRow {
                path: path.clone(),
                op: node.op_name(),
                value,
                saved,
                gradient: 0,
                after_forward: ledger.live(),
                in_backward: 0,
            }
        }));
    }

    /// A contribution to a gradient was made, or one is kept as an edge's.
    pub(crate) fn sent<S: Scalar>(&mut self, contribution: &Tensor<S>) {
        if let Some((ledger, _)) = &mut self.0 {
            ledger.hold(contribution);
        }
    }

    /// A contribution was added to a sum, which has taken the place of `replaced` if that was held by others.
    pub(crate) fn accumulated<S: Scalar>(
        &mut self,
        sum: &Tensor<S>,
        replaced: Option<&Tensor<S>>,
        contribution: &Tensor<S>,
    ) {
        let Some((ledger, _)) = &mut self.0 else { return };
        if let Some(replaced) = replaced {
            ledger.hold(sum);
            ledger.drop(replaced);
        }
        ledger.drop(contribution);
    }

    /// The gradient of the node at `at` is complete: what is held from here on is held while its op runs backward.
    pub(crate) fn complete<S: Scalar>(&mut self, at: usize, gradient: &Tensor<S>) {
        if let Some((ledger, rows)) = &mut self.0 {
            ledger.take_highest();
            rows[at].gradient = gradient.bytes();
        }
    }

    /// The op of the node at `at` has run backward.
    pub(crate) fn propagated(&mut self, at: usize) {
        if let Some((ledger, rows)) = &mut self.0 {
            rows[at].in_backward = ledger.take_highest();
        }
    }

    /// A gradient was passed on and is not kept.
    pub(crate) fn passed_on<S: Scalar>(&mut self, gradient: &Tensor<S>) {
        if let Some((ledger, _)) = &mut self.0 {
            ledger.drop(gradient);
        }
    }

    /// A node's value and saved tensors are freed.
    pub(crate) fn released<S: Scalar>(&mut self, node: &Node<S>) {
        if let Some((ledger, _)) = &mut self.0 {
            if node.has_value() {
                ledger.drop(&node.value);
            }
            node.saved.iter().for_each(|t| ledger.drop(t));
        }
    }

    /// A checkpoint was computed once more; its result's value was there.
    pub(crate) fn recalled<S: Scalar>(&mut self, nodes: &[Node<S>], checkpoint: &Checkpoint) {
        self.again(nodes, checkpoint, |ledger, tensor| {
            ledger.hold(tensor);
        });
    }

    /// The same is about to be forgotten.
    pub(crate) fn forgotten<S: Scalar>(&mut self, nodes: &[Node<S>], checkpoint: &Checkpoint) {
        self.again(nodes, checkpoint, Ledger::drop);
    }

    fn again<S: Scalar>(
        &mut self,
        nodes: &[Node<S>],
        checkpoint: &Checkpoint,
        each: fn(&mut Ledger, &Tensor<S>),
    ) {
        let Some((ledger, _)) = &mut self.0 else { return };
        for at in checkpoint.nodes.clone().filter(|&at| nodes[at].op.is_some()) {
            if at != checkpoint.output {
                each(ledger, &nodes[at].value);
            }
            nodes[at].saved.iter().for_each(|t| each(ledger, t));
        }
    }

    pub(crate) fn finish(self) -> Option<Memory> {
        self.0.map(|(_, rows)| Memory { rows })
    }
}

/// Counts the bytes of the tensors held now; a buffer held several times counts once.
#[derive(Debug, Default)]
struct Ledger {
    holders: HashMap<usize, usize>,
    live: usize,
    highest: usize,
}

impl Ledger {
    /// A tensor is held once more. Answers the bytes that this added.
    fn hold<S: Scalar>(&mut self, tensor: &Tensor<S>) -> usize {
        let holders = self.holders.entry(tensor.address()).or_insert(0);
        *holders += 1;
        let added = if *holders == 1 { tensor.bytes() } else { 0 };
        self.live += added;
        self.highest = self.highest.max(self.live);
        added
    }

    /// A tensor is held once less.
    fn drop<S: Scalar>(&mut self, tensor: &Tensor<S>) {
        if let Some(holders) = self.holders.get_mut(&tensor.address()) {
            *holders -= 1;
            if *holders == 0 {
                self.holders.remove(&tensor.address());
                self.live -= tensor.bytes();
            }
        }
    }

    /// The bytes held now.
    fn live(&self) -> usize {
        self.live
    }

    /// The most held since this was last asked.
    fn take_highest(&mut self) -> usize {
        std::mem::replace(&mut self.highest, self.live)
    }
}
