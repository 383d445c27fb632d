//! Rows of places: nodes, and trunks where edges pass.

use super::{MAX_PLACES, NODE_WIDTH, SATELLITE_PITCH};
use crate::inspect::snapshot::{Kind, Snapshot};

/// What takes a place in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// A node of the tape.
    Node(usize),
    /// The common line of all edges out of this node that pass the row.
    Trunk(usize),
}

/// A place in the drawing, before it is known where on the sheet.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) item: Item,
    pub(super) row: usize,
    /// How far it reaches to the left and right of its position.
    pub(super) reach: [f64; 2],
    /// Sites in the row above that lead here, and whether the link is to be straight.
    pub(super) above: Vec<Link>,
    /// Sites in the row below that this one leads to.
    pub(super) below: Vec<Link>,
}

/// A line between neighbouring rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) site: usize,
    /// On a trunk, or from a first operand to its first consumer: the spine of the drawing.
    pub(super) is_spine: bool,
}

/// Places in rows.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) sites: Vec<Site>,
    pub(super) rows: Vec<Vec<usize>>,
    /// The site of every node that has one.
    pub(super) site_of: Vec<Option<usize>>,
    /// The op beside which a leaf is drawn.
    pub(super) satellite_of: Vec<Option<usize>>,
    /// The trunk sites of every node, from its row down.
    pub(super) trunks: Vec<Vec<usize>>,
    /// Every edge: from, to, which operand.
    pub(super) edges: Vec<[usize; 3]>,
}

impl Graph {
    /// `None` if it has more than [`MAX_PLACES`].
    pub(super) fn of(snapshot: &Snapshot) -> Option<Self> {
        let satellite_of = satellites(snapshot);
        let consumers = snapshot.consumers();
        let row = rows(snapshot, &consumers, &satellite_of);
        let places = |i: usize| {
            let last = consumers[i].iter().map(|&c| row[c]).max().unwrap_or(row[i]);
            last.saturating_sub(row[i]).max(1)
        };
        let count: usize = (0..row.len()).filter(|&i| satellite_of[i].is_none()).map(places).sum();
        if count > MAX_PLACES {
            return None;
        }
        let mut counts = vec![0usize; row.len()];
        satellite_of.iter().flatten().for_each(|&op| counts[op] += 1);
        let mut graph = Self {
            sites: Vec::new(),
            rows: vec![Vec::new(); row.iter().max().map_or(0, |r| r + 1)],
            site_of: vec![None; row.len()],
            trunks: vec![Vec::new(); row.len()],
            edges: Vec::new(),
            satellite_of,
        };
        for (i, &row) in row.iter().enumerate() {
            if graph.satellite_of[i].is_none() {
                let left = NODE_WIDTH / 2.0 + SATELLITE_PITCH * counts[i] as f64;
                graph.site_of[i] = Some(graph.add(Item::Node(i), row, [left, NODE_WIDTH / 2.0]));
            }
        }
        for (i, &start) in row.iter().enumerate() {
            let Some(site) = graph.site_of[i] else { continue };
            let mut at = site;
            for r in start + 1..start + places(i) {
                let trunk = graph.add(Item::Trunk(i), r, [1.0, 1.0]);
                graph.link(at, trunk, at != site);
                graph.trunks[i].push(trunk);
                at = trunk;
            }
        }
        for node in &snapshot.nodes {
            for (operand, &from) in node.inputs.iter().enumerate() {
                if graph.satellite_of[from].is_none() {
                    graph.edges.push([from, node.index, operand]);
                    let (source, target) = (graph.source(from, row[node.index]), graph.site_of[node.index]);
                    // A second edge between the same two would only add weight.
                    if let Some(target) = target
                        && graph.sites[source].below.iter().all(|l| l.site != target)
                    {
                        // A line goes straight on to the first of its consumers.
                        let is_first = graph.sites[source].below.iter().all(|l| !l.is_spine);
                        graph.link(source, target, operand == 0 && is_first);
                    }
                }
            }
        }
        Some(graph)
    }

    /// The site right above `row` from which an edge out of the node `from` comes.
    pub(super) fn source(&self, from: usize, row: usize) -> usize {
        let site = self.site_of[from].expect("an edge starts at a node with a place");
        match row - self.sites[site].row {
            0 | 1 => site,
            passed => self.trunks[from][passed - 2],
        }
    }

    fn add(&mut self, item: Item, row: usize, reach: [f64; 2]) -> usize {
        self.rows[row].push(self.sites.len());
        self.sites.push(Site { item, row, reach, above: Vec::new(), below: Vec::new() });
        self.sites.len() - 1
    }

    fn link(&mut self, from: usize, to: usize, is_spine: bool) {
        self.sites[from].below.push(Link { site: to, is_spine });
        self.sites[to].above.push(Link { site: from, is_spine });
    }
}

/// A leaf that one op takes, and not as its first operand, is drawn beside that op: weights, biases, slopes.
fn satellites(snapshot: &Snapshot) -> Vec<Option<usize>> {
    let mut uses: Vec<Vec<(usize, usize)>> = vec![Vec::new(); snapshot.nodes.len()];
    for node in &snapshot.nodes {
        node.inputs.iter().enumerate().for_each(|(operand, &i)| uses[i].push((node.index, operand)));
    }
    let only = |i: usize| match uses[i].as_slice() {
        &[(op, operand)] if operand > 0 && snapshot.nodes[i].kind != Kind::Op => Some(op),
        _ => None,
    };
    (0..snapshot.nodes.len()).map(only).collect()
}

/// The row of every node: one below its lowest operand, and for a leaf right above its highest consumer.
fn rows(snapshot: &Snapshot, consumers: &[Vec<usize>], satellite_of: &[Option<usize>]) -> Vec<usize> {
    let mut row = vec![0usize; snapshot.nodes.len()];
    for node in &snapshot.nodes {
        let operands = node.inputs.iter().filter(|&&i| satellite_of[i].is_none());
        row[node.index] = operands.map(|&i| row[i] + 1).max().unwrap_or(0);
    }
    for i in 0..row.len() {
        if snapshot.nodes[i].inputs.is_empty() {
            row[i] = consumers[i].iter().map(|&c| row[c].saturating_sub(1)).min().unwrap_or(0);
        }
    }
    row
}
