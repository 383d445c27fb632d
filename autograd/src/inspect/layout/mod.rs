//! Where the nodes of a tape are drawn: rows from top to bottom, and routes that run between the nodes.
//!
//! Layered drawing after Sugiyama, Tagawa and Toda, *Methods for visual understanding of hierarchical system structures*
//! (1981): rows by longest path, an order in every row with few crossings, then positions. All edges out of one
//! node share a trunk where they pass rows, which takes a place in the order like a node; so no edge runs
//! through a node. Long drawings are folded into columns, as text is.

mod bands;
mod fold;
mod graph;
mod order;
mod place;
mod route;
#[cfg(test)]
mod tests;

use serde::Serialize;

use super::snapshot::Snapshot;
use crate::error::{Error, Result};
use bands::Rows;
use graph::Graph;
use route::{Piece, Sheet};

/// Sizes in pixels.
pub(super) const NODE_WIDTH: f64 = 168.0;
pub(super) const NODE_HEIGHT: f64 = 38.0;
/// From one small leaf beside a node to the next.
const SATELLITE_PITCH: f64 = 17.0;
/// Between the bottom of a row and the top of the next.
const ROW_GAP: f64 = 26.0;
/// More above a row that begins a band, for the band's label.
const LABEL_GAP: f64 = 20.0;
/// The same for an inner band.
const INNER_LABEL_GAP: f64 = 12.0;
/// Between neighbours in a row.
const SIDE_GAP: f64 = 22.0;

/// More places in rows than this, nodes and trunks together, are not drawn: no reader would find their way.
const MAX_PLACES: usize = 50_000;

/// A drawing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Layout {
    /// Pixels from left to right.
    pub(super) width: f64,
    /// Pixels from top to bottom.
    pub(super) height: f64,
    /// Every node of the tape.
    pub(super) nodes: Vec<Position>,
    /// Every use of a node as an input, except of the small leaves beside their op.
    pub(super) edges: Vec<Edge>,
    /// Scopes, outermost first.
    pub(super) bands: Vec<Band>,
}

/// Where a node's centre lies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Position {
    pub(super) x: f64,
    pub(super) y: f64,
    /// The op beside which this leaf is drawn small.
    pub(super) satellite_of: Option<usize>,
}

/// A line from a node to one that takes it as an input.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Whether it passes at least one row.
    pub(super) skips: bool,
    /// An SVG path.
    pub(super) d: String,
    #[serde(skip)]
    pub(super) route: Vec<Piece>,
}

/// Consecutive rows of one scope.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Band {
    pub(super) scope: String,
    /// 1 for `layer1`, 2 for `layer1.0`.
    pub(super) depth: usize,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Layout {
    /// One column from top to bottom.
    pub(super) fn column(snapshot: &Snapshot) -> Result<Self> {
        Self::with(snapshot, |_| vec![vec![0]], 0.0)
    }

    /// As many columns as bring the drawing nearest to `aspect`, width by height.
    pub(super) fn folded(snapshot: &Snapshot, aspect: f64) -> Result<Self> {
        Self::with(snapshot, fold::candidates, aspect)
    }

    /// `fold` gives ways of breaking the rows into columns, of which that nearest to `aspect` is drawn.
    fn with(snapshot: &Snapshot, fold: impl Fn(&Rows) -> Vec<Vec<usize>>, aspect: f64) -> Result<Self> {
        let graph = Graph::of(snapshot).ok_or_else(|| Error::Argument {
            op: "layout",
            what: format!(
                "{} nodes with long edges take more than {MAX_PLACES} places",
                snapshot.nodes.len()
            ),
            legal: "a smaller tape, or the JSON export, which has no limit".into(),
        })?;
        let order = order::few_crossings(&graph);
        let x = place::positions(&graph, &order);
        let rows = Rows::of(snapshot, &graph);
        let sheets = fold(&rows).into_iter().map(|starts| Sheet::new(&graph, &rows, starts, &x));
        let off = |sheet: &Sheet<'_>| (sheet.aspect() / aspect).ln().abs();
        let nearest = sheets.min_by(|a, b| off(a).total_cmp(&off(b)));
        Ok(nearest.expect("one column is always possible").layout())
    }
}
