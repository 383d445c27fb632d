//! From rows and positions to coordinates and lines.

use super::bands::Rows;
use super::fold::{self, GUTTER};
use super::graph::Graph;
use super::{
    Band, Edge, INNER_LABEL_GAP, LABEL_GAP, Layout, NODE_HEIGHT, NODE_WIDTH, Position, SATELLITE_PITCH,
};

/// Between the lines that run from one column to the next.
const LANE: f64 = 7.0;
/// Around bands.
const PADDING: f64 = 14.0;
/// Between the ends of lines at one node.
const PORT: f64 = 16.0;

/// A stretch of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::inspect) enum Piece {
    Start([f64; 2]),
    Line([f64; 2]),
    /// A curve that leaves and arrives vertically and keeps between the heights of its ends.
    Curve([f64; 2]),
}

/// Everything in coordinates.
pub(super) struct Sheet<'a> {
    graph: &'a Graph,
    rows: &'a Rows,
    /// First row of every column.
    starts: Vec<usize>,
    column: Vec<usize>,
    /// The nodes whose lines run from each column to the next.
    lanes: Vec<Vec<usize>>,
    /// Of every site.
    x: Vec<f64>,
    /// Left and right edge of every column.
    sides: Vec<[f64; 2]>,
    /// Centre of every row.
    y: Vec<f64>,
    width: f64,
    height: f64,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(graph: &'a Graph, rows: &'a Rows, starts: Vec<usize>, x: &[f64]) -> Self {
        let column = fold::columns(&starts, graph.rows.len());
        let lanes: Vec<Vec<usize>> = starts.iter().skip(1).map(|&row| fold::lanes(graph, row, x)).collect();
        let mut sides = vec![[f64::INFINITY, f64::NEG_INFINITY]; starts.len()];
        for (site, &x) in graph.sites.iter().zip(x) {
            let [left, right] = &mut sides[column[site.row]];
            *left = left.min(x - site.reach[0]);
            *right = right.max(x + site.reach[1]);
        }
        // Columns side by side, with room for the lanes between them.
        let mut shift = Vec::with_capacity(sides.len());
        let mut at = 2.0 * PADDING;
        for (c, side) in sides.iter_mut().enumerate() {
            shift.push(at - side[0]);
            *side = [at, at + side[1] - side[0]];
            at = side[1] + GUTTER + LANE * lanes.get(c).map_or(0, Vec::len) as f64;
        }
        let width = sides.last().map_or(0.0, |s| s[1]) + 2.0 * PADDING;
        let x = graph.sites.iter().zip(x).map(|(site, x)| x + shift[column[site.row]]).collect();

        let most = lanes.iter().map(Vec::len).max().unwrap_or(0) as f64;
        let over = if lanes.is_empty() { PADDING } else { 2.0 * PADDING + LANE * most };
        let (mut y, mut bottom, mut height) = (Vec::new(), 0.0, 0.0f64);
        for row in 0..graph.rows.len() {
            let begins = starts.contains(&row);
            let top = if begins { over + LABEL_GAP } else { bottom + rows.gap(row) };
            y.push(top + NODE_HEIGHT / 2.0);
            bottom = top + NODE_HEIGHT;
            height = height.max(bottom);
        }
        Self { graph, rows, starts, column, lanes, x, sides, y, width, height: height + over }
    }

    /// Width by height.
    pub(super) fn aspect(&self) -> f64 {
        self.width / self.height.max(1.0)
    }

    pub(super) fn layout(&self) -> Layout {
        Layout {
            width: self.width,
            height: self.height,
            nodes: self.nodes(),
            edges: self.edges(),
            bands: self.bands(),
        }
    }

    fn at(&self, site: usize) -> [f64; 2] {
        [self.x[site], self.y[self.graph.sites[site].row]]
    }

    fn nodes(&self) -> Vec<Position> {
        let mut taken = vec![0usize; self.graph.site_of.len()];
        let position = |(i, site): (usize, &Option<usize>)| {
            if let Some(site) = *site {
                let [x, y] = self.at(site);
                return Position { x, y, satellite_of: None };
            }
            // Small, to the left of its op, in the order of operands.
            let op = self.graph.satellite_of[i].expect("a node without a site is beside an op");
            let [x, y] = self.at(self.graph.site_of[op].expect("an op has a site"));
            taken[op] += 1;
            let x = x - NODE_WIDTH / 2.0 - SATELLITE_PITCH * (taken[op] as f64 - 0.5);
            Position { x, y, satellite_of: Some(op) }
        };
        self.graph.site_of.iter().enumerate().map(position).collect()
    }

    fn edges(&self) -> Vec<Edge> {
        // Lines end at their node side by side, in the order in which they come.
        let mut arriving: Vec<Vec<(f64, usize)>> = vec![Vec::new(); self.graph.site_of.len()];
        for &[from, to, operand] in &self.graph.edges {
            arriving[to].push((self.x[self.source(from, to)], operand));
        }
        arriving.iter_mut().for_each(|list| list.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))));
        let port = |to: usize, operand: usize| {
            let list = &arriving[to];
            let rank = list.iter().position(|&(_, o)| o == operand).unwrap_or(0) as f64;
            let pitch = PORT.min((NODE_WIDTH - PORT) / list.len() as f64);
            (rank - (list.len() - 1) as f64 / 2.0) * pitch
        };
        let edge = |&[from, to, operand]: &[usize; 3]| {
            let route = self.route(from, to, port(to, operand));
            let skips = self.row(to) - self.row(from) > 1;
            Edge { from, to, skips, d: path(&route), route }
        };
        self.graph.edges.iter().map(edge).collect()
    }

    fn row(&self, node: usize) -> usize {
        self.graph.sites[self.graph.site_of[node].expect("an edge joins nodes with places")].row
    }

    fn source(&self, from: usize, to: usize) -> usize {
        self.graph.source(from, self.row(to))
    }

    /// Down through the node's own trunk, and at last to the operand's port.
    fn route(&self, from: usize, to: usize, port: f64) -> Vec<Piece> {
        let half = NODE_HEIGHT / 2.0;
        let (first, last) = (self.row(from), self.row(to));
        let [x, y] = self.at(self.graph.site_of[from].expect("an edge joins nodes with places"));
        let mut route = vec![Piece::Start([x, y + half])];
        let mut x = x;
        for row in first + 1..=last {
            let target = match self.graph.trunks[from].get(row - first - 1).filter(|_| row < last) {
                Some(&trunk) => self.x[trunk],
                None => self.x[self.graph.site_of[to].expect("an edge joins nodes with places")] + port,
            };
            let top = self.y[row] - half;
            if self.column[row] == self.column[row - 1] {
                route.push(Piece::Curve([target, top]));
            } else {
                self.turn(from, row, x, target, &mut route);
            }
            if row < last {
                route.push(Piece::Line([target, top + NODE_HEIGHT]));
            }
            x = target;
        }
        route
    }

    /// From the foot of one column to the head of the next, through the gutter.
    fn turn(&self, from: usize, row: usize, x: f64, target: f64, route: &mut Vec<Piece>) {
        let (column, half) = (self.column[row - 1], NODE_HEIGHT / 2.0);
        let lanes = &self.lanes[column];
        let lane = lanes.iter().position(|&n| n == from).unwrap_or(0) as f64;
        let foot = self.y[row - 1] + half + PADDING + LANE * (lane + 1.0);
        let gutter = self.sides[column][1] + 2.0 * PADDING + LANE * lane;
        let top = self.y[row] - half;
        let head = top - LABEL_GAP - LANE * (lanes.len() as f64 - lane);
        let corners = [[x, foot], [gutter, foot], [gutter, head], [target, head], [target, top]];
        route.extend(corners.map(Piece::Line));
    }

    fn bands(&self) -> Vec<Band> {
        let half = NODE_HEIGHT / 2.0;
        let mut bands = Vec::new();
        for depth in 1..=2 {
            for (c, &start) in self.starts.iter().enumerate() {
                let end = self.starts.get(c + 1).copied().unwrap_or(self.graph.rows.len());
                for (scope, first, after) in self.rows.runs(start..end, depth) {
                    // A short inner scope is clear from its nodes' names.
                    if depth > 1 && after - first < 3 {
                        continue;
                    }
                    let inset = 5.0 * (depth - 1) as f64;
                    let label = if self.rows.begins_band(first) || first == start {
                        LABEL_GAP
                    } else {
                        // The label's baseline is then three pixels above the node.
                        INNER_LABEL_GAP + 7.0
                    };
                    let (top, bottom) = (self.y[first] - half, self.y[after - 1] + half);
                    let [left, right] = self.sides[c];
                    let y = top - label + inset;
                    bands.push(Band {
                        scope: scope.to_string(),
                        depth,
                        x: left - PADDING + inset,
                        y,
                        width: right - left + 2.0 * (PADDING - inset),
                        height: bottom + 9.0 - inset - y,
                    });
                }
            }
        }
        bands
    }
}

/// The `d` of an SVG path, to a tenth of a pixel.
fn path(route: &[Piece]) -> String {
    let mut at = [0.0; 2];
    let mut d = String::new();
    for &piece in route {
        let text = match piece {
            Piece::Start([x, y]) => format!("M{x:.1} {y:.1}"),
            Piece::Line([x, y]) => format!("L{x:.1} {y:.1}"),
            Piece::Curve([x, y]) => {
                let middle = f64::midpoint(at[1], y);
                format!("C{:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {y:.1}", at[0])
            }
        };
        d.push_str(&text);
        let (Piece::Start(end) | Piece::Line(end) | Piece::Curve(end)) = piece;
        at = end;
    }
    d
}
