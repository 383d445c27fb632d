//! Columns: a long drawing is broken between rows, as text is.

use super::bands::Rows;
use super::graph::{Graph, Item};

/// More columns than this make nothing clearer.
const MAX_COLUMNS: usize = 12;

/// Between columns, without the lines that run there.
pub(super) const GUTTER: f64 = 64.0;

/// The first row of every column, for one column, two, and so on. Columns begin where a scope does, and the highest is as
/// low as that allows.
pub(super) fn candidates(rows: &Rows) -> Vec<Vec<usize>> {
    let pitches: Vec<f64> = (0..rows.scopes.len()).map(|r| rows.pitch(r)).collect();
    let mut found = vec![vec![0]];
    for columns in 2..=MAX_COLUMNS {
        let (mut low, mut high) = (0.0, pitches.iter().sum::<f64>());
        // Halved until it is known to a fraction of a pixel.
        while high - low > 0.5 {
            let middle = f64::midpoint(low, high);
            if fill(rows, &pitches, middle).len() > columns { low = middle } else { high = middle }
        }
        let starts = fill(rows, &pitches, high);
        if !found.contains(&starts) {
            found.push(starts);
        }
    }
    found
}

/// Columns filled one after the other up to `height`, or with one block if that is higher.
fn fill(rows: &Rows, pitches: &[f64], height: f64) -> Vec<usize> {
    let blocks: Vec<usize> = (1..pitches.len()).filter(|&r| rows.begins_block(r)).collect();
    let (mut starts, mut filled, mut from) = (vec![0], 0.0, 0);
    for &to in blocks.iter().chain([&pitches.len()]) {
        let block: f64 = pitches[from..to].iter().sum();
        if filled > 0.0 && filled + block > height {
            starts.push(from);
            filled = 0.0;
        }
        filled += block;
        from = to;
    }
    starts
}

/// The column of every row.
pub(super) fn columns(starts: &[usize], rows: usize) -> Vec<usize> {
    (0..rows).map(|row| starts.partition_point(|&s| s <= row) - 1).collect()
}

/// The nodes whose lines run over the break above `row`, from right to left, so that their lanes do not cross.
pub(super) fn lanes(graph: &Graph, row: usize, x: &[f64]) -> Vec<usize> {
    let leads_on = |s: &&usize| !graph.sites[**s].below.is_empty();
    let mut crossing: Vec<usize> = graph.rows[row - 1].iter().filter(leads_on).copied().collect();
    crossing.sort_by(|&a, &b| x[b].total_cmp(&x[a]));
    let node = |s: usize| match graph.sites[s].item {
        Item::Node(i) | Item::Trunk(i) => i,
    };
    crossing.into_iter().map(node).collect()
}
