//! How many bytes a forward and a backward pass hold, node by node.

use std::collections::HashMap;

use crate::error::{Error, Result};
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
    /// through two small recordings. That is how a step is planned before it is run.
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

/// Counts the bytes of the tensors held now; a buffer held several times counts once.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    holders: HashMap<usize, usize>,
    live: usize,
    highest: usize,
}

impl Ledger {
    /// A tensor is held once more. Answers the bytes that this added.
    pub(crate) fn hold<S: Scalar>(&mut self, tensor: &Tensor<S>) -> usize {
        let holders = self.holders.entry(tensor.address()).or_insert(0);
        *holders += 1;
        let added = if *holders == 1 { tensor.bytes() } else { 0 };
        self.live += added;
        self.highest = self.highest.max(self.live);
        added
    }

    /// A tensor is held once less.
    pub(crate) fn drop<S: Scalar>(&mut self, tensor: &Tensor<S>) {
        if let Some(holders) = self.holders.get_mut(&tensor.address()) {
            *holders -= 1;
            if *holders == 0 {
                self.holders.remove(&tensor.address());
                self.live -= tensor.bytes();
            }
        }
    }

    /// The bytes held now.
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// The most held since this was last asked.
    pub(crate) fn take_highest(&mut self) -> usize {
        std::mem::replace(&mut self.highest, self.live)
    }
}
