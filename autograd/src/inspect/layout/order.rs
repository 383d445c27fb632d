//! The order in every row.

use super::graph::{Graph, Link};

/// Sweeps over the rows.
const SWEEPS: usize = 12;

/// Rows of sites from left to right, with few crossings: rows are sorted by the mean position of the neighbours above,
/// then of those below, and so on; the best order seen is kept.
pub(super) fn few_crossings(graph: &Graph) -> Vec<Vec<usize>> {
    let mut order = graph.rows.clone();
    let mut best = (crossings(graph, &order), order.clone());
    let mut position = vec![0.0; graph.sites.len()];
    note(&order, &mut position);
    for sweep in 0..SWEEPS {
        if best.0 == 0 {
            break;
        }
        let down = sweep % 2 == 0;
        let rows: Vec<usize> =
            if down { (0..order.len()).collect() } else { (0..order.len()).rev().collect() };
        for row in rows {
            let neighbours = |s: usize| if down { &graph.sites[s].above } else { &graph.sites[s].below };
            let mean =
                |links: &[Link]| links.iter().map(|l| position[l.site]).sum::<f64>() / links.len() as f64;
            let mut keyed: Vec<(f64, usize)> = order[row]
                .iter()
                .map(|&s| {
                    let links = neighbours(s);
                    (if links.is_empty() { position[s] } else { mean(links) }, s)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            order[row] = keyed.into_iter().map(|(_, s)| s).collect();
            note(&order[row..=row], &mut position);
        }
        let count = crossings(graph, &order);
        if count < best.0 {
            best = (count, order.clone());
        }
    }
    best.1
}

/// Writes down where in its row everything is.
fn note(rows: &[Vec<usize>], position: &mut [f64]) {
    for row in rows {
        row.iter().enumerate().for_each(|(at, &s)| position[s] = at as f64);
    }
}

/// How many pairs of links cross.
fn crossings(graph: &Graph, order: &[Vec<usize>]) -> usize {
    let mut position = vec![0.0; graph.sites.len()];
    note(order, &mut position);
    let in_row = |row: &Vec<usize>| {
        let mut ends: Vec<(f64, f64)> = row
            .iter()
            .flat_map(|&s| graph.sites[s].below.iter().map(move |l| (s, l.site)))
            .map(|(a, b)| (position[a], position[b]))
            .collect();
        ends.sort_by(|a, b| a.partial_cmp(b).expect("positions are numbers"));
        // Inversions of the lower ends, counted by insertion: rows are short.
        let mut seen: Vec<f64> = Vec::with_capacity(ends.len());
        let mut count = 0;
        for (_, lower) in ends {
            let at = seen.partition_point(|&x| x <= lower);
            count += seen.len() - at;
            seen.insert(at, lower);
        }
        count
    };
    order.iter().map(in_row).sum()
}
