//! Which rows belong to which scope.

use super::graph::{Graph, Item};
use super::{INNER_LABEL_GAP, LABEL_GAP, NODE_HEIGHT, ROW_GAP};
use crate::inspect::snapshot::Snapshot;

/// The deepest scopes that are shown as bands.
const DEPTH: usize = 2;

/// What is known of every row.
#[derive(Debug)]
pub(super) struct Rows {
    /// The scopes that all nodes of the row share, outermost first: `layer1`, `layer1.0`.
    pub(super) scopes: Vec<Vec<String>>,
}

impl Rows {
    pub(super) fn of(snapshot: &Snapshot, graph: &Graph) -> Self {
        let scopes = graph.rows.iter().map(|row| {
            let nodes = row.iter().filter_map(|&s| match graph.sites[s].item {
                Item::Node(i) => Some(snapshot.nodes[i].scope.as_str()),
                Item::Trunk(_) => None,
            });
            nodes
                .map(prefixes)
                .reduce(|a, b| a.into_iter().zip(b).take_while(|(a, b)| a == b).map(|(a, _)| a).collect())
        });
        Self { scopes: scopes.map(Option::unwrap_or_default).collect() }
    }

    /// The scope of `row` at `depth`, counted from 1.
    pub(super) fn scope(&self, row: usize, depth: usize) -> Option<&str> {
        self.scopes[row].get(depth - 1).map(String::as_str)
    }

    /// Whether the outermost scope changes above `row`.
    pub(super) fn begins_band(&self, row: usize) -> bool {
        row == 0 || self.scope(row, 1) != self.scope(row - 1, 1)
    }

    /// Whether any shown scope changes above `row`.
    pub(super) fn begins_block(&self, row: usize) -> bool {
        row == 0 || self.scopes[row] != self.scopes[row - 1]
    }

    /// From the bottom of the row above to the top of `row`.
    pub(super) fn gap(&self, row: usize) -> f64 {
        ROW_GAP
            + if self.begins_band(row) {
                LABEL_GAP
            } else if self.begins_block(row) {
                INNER_LABEL_GAP
            } else {
                0.0
            }
    }

    /// What `row` adds to the height of a column.
    pub(super) fn pitch(&self, row: usize) -> f64 {
        self.gap(row) + NODE_HEIGHT
    }

    /// Runs of rows within `rows` with one scope at `depth`: scope, first row, row after the last.
    pub(super) fn runs(&self, rows: std::ops::Range<usize>, depth: usize) -> Vec<(&str, usize, usize)> {
        let mut runs: Vec<(&str, usize, usize)> = Vec::new();
        for row in rows {
            let Some(scope) = self.scope(row, depth) else { continue };
            match runs.last_mut() {
                Some((last, _, end)) if *last == scope && *end == row => *end += 1,
                _ => runs.push((scope, row, row + 1)),
            }
        }
        runs
    }
}

/// `layer1.0.conv1` → `layer1`, `layer1.0`.
fn prefixes(scope: &str) -> Vec<String> {
    let ends = scope.match_indices('.').map(|(at, _)| at).chain([scope.len()]);
    ends.filter(|&end| end > 0).take(DEPTH).map(|end| scope[..end].to_string()).collect()
}
