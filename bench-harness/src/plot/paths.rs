//! Path data: the outlines of marks and lines.

use std::fmt::Write;

use super::svg::Px;

/// Outline of the mark of a series. Shapes differ as well as colours, for print without colour.
pub(super) fn outline(series: usize, x: f64, y: f64) -> String {
    let corners = |offsets: &[(f64, f64)]| {
        let corners: Vec<(f64, f64)> = offsets.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
        polyline(&corners) + "Z"
    };
    match series % 4 {
        0 => format!("M{} {}a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0 -6.8 0Z", Px(x - 3.4), Px(y)),
        1 => corners(&[(-3.0, -3.0), (3.0, -3.0), (3.0, 3.0), (-3.0, 3.0)]),
        2 => corners(&[(0.0, -4.2), (3.9, 2.8), (-3.9, 2.8)]),
        _ => corners(&[(0.0, -4.3), (4.3, 0.0), (0.0, 4.3), (-4.3, 0.0)]),
    }
}

/// The points joined in their order, as path data.
pub(super) fn polyline(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (index, &(x, y)) in points.iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        write!(path, "{command}{} {}", Px(x), Px(y)).expect("writing to a String cannot fail");
    }
    path
}

/// Leaves out points that share a pixel column with others, keeping the first, highest, lowest and last of
/// each: the picture is the same, and its size no longer grows with the number of steps in a run.
pub(super) fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut kept = Vec::new();
    for column in points.chunk_by(|a, b| a.0.floor() == b.0.floor()) {
        if column.len() <= 4 {
            kept.extend_from_slice(column);
            continue;
        }
        let by_height = |a: &usize, b: &usize| column[*a].1.total_cmp(&column[*b].1);
        let highest = (0..column.len()).min_by(by_height).unwrap_or(0);
        let lowest = (0..column.len()).max_by(by_height).unwrap_or(0);
        let mut indices = vec![0, highest, lowest, column.len() - 1];
        indices.sort_unstable();
        indices.dedup();
        kept.extend(indices.into_iter().map(|index| column[index]));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_extremes() {
        let column: Vec<(f64, f64)> = [3.0, 4.0, 9.0, 4.0, 1.0, 5.0, 2.0]
            .iter()
            .enumerate()
            .map(|(i, &y)| (i as f64 / 10.0, y))
            .collect();
        assert_eq!(thinned(&column), [(0.0, 3.0), (0.2, 9.0), (0.4, 1.0), (0.6, 2.0)]);
        let sparse = [(0.0, 1.0), (5.0, 2.0), (5.5, 1.0)];
        assert_eq!(thinned(&sparse), sparse);
        let many: Vec<(f64, f64)> = (0..100_000).map(|i| (i as f64 / 500.0, (i % 7) as f64)).collect();
        assert!(thinned(&many).len() <= 4 * 200);
    }
}
