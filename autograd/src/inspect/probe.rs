//! Statistics of values and gradients, folded as they come: memory grows with the nodes looked at, not with their
//! sizes, and not with the number of steps.

use std::collections::BTreeMap;

use super::{Observer, Seen, Statistics};
use crate::scalar::Scalar;

/// What a probe knows of one node.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProbeRow {
    /// Of the values.
    pub value: Statistics,
    /// Of ∂L/∂value. Empty (count 0) if no gradient reached the node.
    pub gradient: Statistics,
}

/// Statistics by node path; see [`Pass::probe`](crate::Pass::probe). Used again in later steps it goes on counting.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Probe {
    rows: BTreeMap<String, ProbeRow>,
}

impl Probe {
    /// A probe that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every node seen, by path.
    pub fn rows(&self) -> &BTreeMap<String, ProbeRow> {
        &self.rows
    }

    fn row(&mut self, path: &str) -> &mut ProbeRow {
        // Paths are allocated once, not in every step.
        if !self.rows.contains_key(path) {
            self.rows.insert(path.to_string(), ProbeRow::default());
        }
        self.rows.get_mut(path).expect("the row was just made")
    }
}

impl<S: Scalar> Observer<S> for Probe {
    fn value(&mut self, seen: &Seen<'_, S>) {
        self.row(seen.path).value.fold(seen.tensor);
    }

    fn gradient(&mut self, seen: &Seen<'_, S>) {
        self.row(seen.path).gradient.fold(seen.tensor);
    }
}
