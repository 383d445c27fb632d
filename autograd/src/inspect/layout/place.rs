//! Positions from left to right.

use super::SIDE_GAP;
use super::graph::{Graph, Link};

/// Sweeps over the rows that look to one side, which bring everything near to its place.
const ROUGH: usize = 12;
/// Sweeps that look to both sides, which straighten lines.
const FINE: usize = 48;

/// How much straighter the spine shall be than other links.
const SPINE: f64 = 40.0;

/// The horizontal position of every site: neighbours keep their distance, and links are as straight as that allows.
pub(super) fn positions(graph: &Graph, order: &[Vec<usize>]) -> Vec<f64> {
    let mut x = vec![0.0; graph.sites.len()];
    for sweep in 0..ROUGH + FINE {
        let down = sweep % 2 == 0;
        let rows: Vec<usize> =
            if down { (0..order.len()).collect() } else { (0..order.len()).rev().collect() };
        for row in rows {
            let wanted: Vec<(f64, f64)> = order[row]
                .iter()
                .map(|&s| {
                    let site = &graph.sites[s];
                    let (near, far) =
                        if down { (&site.above, &site.below) } else { (&site.below, &site.above) };
                    // A site without neighbours on this side follows the other side.
                    let both = sweep >= ROUGH || near.is_empty();
                    want(near.iter().chain(far.iter().filter(|_| both)), &x, x[s])
                })
                .collect();
            settle(graph, &order[row], &wanted, &mut x);
        }
    }
    straighten(graph, order, &mut x);
    x
}

/// Takes the last small bends out of the spine. Nothing moves by more than a third of the gap between neighbours, so they
/// stay apart.
fn straighten(graph: &Graph, order: &[Vec<usize>], x: &mut [f64]) {
    for &site in order.iter().flatten() {
        let spine = graph.sites[site].above.iter().find(|l| l.is_spine);
        if let Some(above) = spine.map(|l| x[l.site]).filter(|above| (above - x[site]).abs() < SIDE_GAP / 3.0)
        {
            x[site] = above;
        }
    }
}

/// Where the neighbours draw a site, and how strongly.
fn want<'l>(links: impl Iterator<Item = &'l Link>, x: &[f64], here: f64) -> (f64, f64) {
    let (mut sum, mut total) = (0.0, 0.0);
    for link in links {
        let weight = if link.is_spine { SPINE } else { 1.0 };
        sum += weight * x[link.site];
        total += weight;
    }
    if total == 0.0 { (here, 1.0) } else { (sum / total, total) }
}

/// Puts one row where its sites want to be, at least their reach and a gap apart: least squares under order
/// constraints, solved exactly by pooling adjacent violators.
fn settle(graph: &Graph, row: &[usize], wanted: &[(f64, f64)], x: &mut [f64]) {
    // With the distances taken off, positions only have to rise.
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(row.len());
    // Each pool: its mean, its weight, how many sites it holds.
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (at, (&s, &(wish, weight))) in row.iter().zip(wanted).enumerate() {
        if at > 0 {
            offset += graph.sites[row[at - 1]].reach[1] + SIDE_GAP + graph.sites[s].reach[0];
        }
        offsets.push(offset);
        pools.push((wish - offset, weight, 1));
        while let [.., (a, u, m), (b, v, n)] = pools[..]
            && a > b
        {
            pools.truncate(pools.len() - 2);
            pools.push(((a * u + b * v) / (u + v), u + v, m + n));
        }
    }
    let means = pools.iter().flat_map(|&(mean, _, n)| std::iter::repeat_n(mean, n));
    for ((&s, offset), mean) in row.iter().zip(offsets).zip(means) {
        x[s] = mean + offset;
    }
}
