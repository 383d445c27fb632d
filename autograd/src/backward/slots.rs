//! The gradients on their way through a backward pass.

use std::collections::HashMap;

use crate::inspect::Meter;
use crate::scalar::Scalar;
use crate::tape::NodeId;
use crate::tensor::Tensor;

/// Gradients by node. Few are alive at a time, so a node costs an index and not a tensor.
pub(super) struct Slots<S> {
    /// Position in `tensors` plus 1; 0 for none.
    index: Vec<u32>,
    tensors: Vec<Option<Tensor<S>>>,
    free: Vec<u32>,
}

impl<S: Scalar> Slots<S> {
    pub(super) fn new(nodes: usize) -> Self {
        Self { index: vec![0; nodes], tensors: Vec::new(), free: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) fn put(&mut self, at: usize, tensor: Tensor<S>) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.tensors.push(None);
            self.tensors.len() as u32
        });
        self.tensors[place as usize - 1] = Some(tensor);
        self.index[at] = place;
    }

    pub(super) fn take(&mut self, at: usize) -> Option<Tensor<S>> {
        let place = std::mem::take(&mut self.index[at]);
        if place == 0 {
            return None;
        }
        self.free.push(place);
        self.tensors[place as usize - 1].take()
    }

    /// The first contribution is moved into its slot, later ones are added to it.
    pub(super) fn add(&mut self, at: usize, contribution: Tensor<S>, meter: &mut Meter) {
        let place = self.index[at];
        if place == 0 {
            return self.put(at, contribution);
        }
        let Some(sum) = &mut self.tensors[place as usize - 1] else { return };
        let replaced = sum.accumulate(&contribution);
        meter.accumulated(sum, replaced.as_ref(), &contribution);
    }

    /// What is left: the gradients that are kept.
    pub(super) fn into_kept(mut self) -> HashMap<NodeId, Tensor<S>> {
        let kept = (0..self.index.len()).filter(|&at| self.index[at] != 0).collect::<Vec<_>>();
        kept.into_iter().filter_map(|at| self.take(at).map(|g| (NodeId::at(at), g))).collect()
    }
}
