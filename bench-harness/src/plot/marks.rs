//! The data itself: bands, lines, points, bars.

use super::axes;
use super::chart::Chart;
use super::labels::{self, Named};
use super::layout::{Layout, SAMPLE};
use super::paths::{outline, polyline, thinned};
use super::series::{Series, Shape};
use super::style::COLOURS;
use super::svg::{Px, Svg};
use crate::table::sig;

/// Up to this many points a line marks each of them; a longer one is told apart by a few marks along it.
const MARKED: usize = 30;
/// The same where the points are things with names.
const MARKED_BY_NAME: usize = 160;
/// Marks along a longer line.
const SPARSE: usize = 12;
/// Up to this many points each of them answers the pointer with its value.
const HOVERED: usize = 400;
/// Share of the distance between categories taken by things side by side.
const GROUP: f64 = 0.76;

/// A point that has its place in the picture.
struct Placed {
    index: usize,
    x: f64,
    y: f64,
    /// Ends of the band or whisker.
    band: Option<(f64, f64)>,
}

/// All series and reference lines, bands lowest.
pub(super) fn draw(svg: &mut Svg, chart: &Chart, layout: &Layout) {
    // A nested picture cuts off what lies outside a fixed range, and unlike a clip path needs no id, which
    // would have to be unique in the page. Without a fixed range nothing lies outside.
    let (x, y) = (Px(layout.left), Px(layout.top));
    let (width, height) = (Px(layout.right - layout.left), Px(layout.bottom - layout.top));
    svg.open(
        "svg",
        format_args!(
            "x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" viewBox=\"{x} {y} {width} {height}\""
        ),
    );
    let runs: Vec<Vec<Vec<Placed>>> =
        (0..chart.series.len()).map(|index| place(chart, layout, index)).collect();
    for (index, runs) in runs.iter().enumerate() {
        if chart.shape_of(&chart.series[index]) == Shape::Line {
            draw_bands(svg, chart, layout, index, runs);
        }
    }
    for &(_, y) in &chart.references {
        if let Some(y) = layout.y.place(y) {
            axes::horizontal(svg, "reference", layout, y);
        }
    }
    for (index, runs) in runs.iter().enumerate() {
        match chart.shape_of(&chart.series[index]) {
            Shape::Line => draw_line(svg, chart, index, runs),
            Shape::Bars => draw_bars(svg, chart, layout, index, runs),
            Shape::Points => {}
        }
    }
    svg.close();
    // Outside the cut, so that a mark on the frame is seen whole.
    for (index, runs) in runs.iter().enumerate() {
        draw_marks(svg, chart, layout, index, runs);
    }
    let named = runs.iter().zip(&chart.series).flat_map(|(runs, series)| {
        runs.iter().flatten().filter_map(|point| {
            let name = series.labels.get(point.index).filter(|name| !name.is_empty())?;
            let is_shown = layout.y.contains(series.points[point.index].1);
            is_shown.then_some(Named { x: point.x, y: point.y, name })
        })
    });
    labels::draw(svg, layout, &named.collect::<Vec<_>>());
}

/// The sample in the legend.
pub(super) fn draw_sample(svg: &mut Svg, chart: &Chart, index: usize, (x, y): (f64, f64)) {
    let series = &chart.series[index];
    let middle = x + SAMPLE / 2.0;
    open_group(svg, chart, index);
    match chart.shape_of(series) {
        Shape::Line => {
            let dash = dash(chart, index);
            if !series.band.is_empty() {
                let (x, y, width) = (Px(x), Px(y - 5.0), Px(SAMPLE));
                svg.empty(
                    "rect",
                    format_args!("class=\"band\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"10\""),
                );
            }
            let (from, to, level) = (Px(x), Px(x + SAMPLE), Px(y));
            svg.empty("path", format_args!("class=\"line\"{dash} d=\"M{from} {level}H{to}\""));
            if spacing(chart, index).is_some() {
                svg.empty("path", format_args!("class=\"mark\" d=\"{}\"", outline(index, middle, y)));
            }
        }
        Shape::Points => {
            svg.empty("path", format_args!("class=\"mark\" d=\"{}\"", outline(index, middle, y)));
        }
        Shape::Bars => {
            let (x, y) = (Px(middle - 5.0), Px(y - 5.0));
            svg.empty("rect", format_args!("class=\"mark\" x=\"{x}\" y=\"{y}\" width=\"10\" height=\"10\""));
        }
    }
    svg.close();
}

/// The points of a series in pixels, split where one has no place.
fn place(chart: &Chart, layout: &Layout, series: usize) -> Vec<Vec<Placed>> {
    let shift = sideways(chart, layout, series);
    let series = &chart.series[series];
    let mut runs = vec![Vec::new()];
    for (index, &(x, y)) in series.points.iter().enumerate() {
        let within = chart.categories.is_none() || layout.x.contains(x);
        let placed = layout.x.place(x).zip(layout.y.place(y)).filter(|_| within);
        let Some((x, y)) = placed else {
            runs.push(Vec::new());
            continue;
        };
        // A mean minus its error may leave a logarithmic axis: the band then runs down to the end of the
        // axis.
        let end = |v| layout.y.place(v).or_else(|| layout.y.place_clamped(v));
        let band = series.band.get(index).and_then(|&(lower, upper)| Some((end(lower)?, end(upper)?)));
        runs.last_mut().expect("starts with one run").push(Placed { index, x: x + shift, y, band });
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// How far from the middle of its category a series stands.
fn sideways(chart: &Chart, layout: &Layout, series: usize) -> f64 {
    let beside = |index: &usize| chart.shape_of(&chart.series[*index]) != Shape::Line;
    if chart.categories.is_none() || !beside(&series) {
        return 0.0;
    }
    let rank = (0..series).filter(beside).count() as f64;
    (rank - (count_beside(chart) - 1.0) / 2.0) * slot(chart, layout)
}

/// Width of one series within a category.
fn slot(chart: &Chart, layout: &Layout) -> f64 {
    let (lo, hi) = layout.x.range;
    let pitch = (layout.right - layout.left) / (hi - lo);
    GROUP * pitch / count_beside(chart).max(1.0)
}

fn count_beside(chart: &Chart) -> f64 {
    chart.series.iter().filter(|series| chart.shape_of(series) != Shape::Line).count() as f64
}

fn draw_bands(svg: &mut Svg, chart: &Chart, layout: &Layout, index: usize, runs: &[Vec<Placed>]) {
    if chart.series[index].band.is_empty() {
        return;
    }
    open_group(svg, chart, index);
    for run in runs {
        for piece in run.split(|point| point.band.is_none()).filter(|piece| !piece.is_empty()) {
            let ends = piece.iter().filter_map(|point| Some((point.x, point.band?)));
            if let [point] = piece {
                draw_whisker(svg, layout, "whisker", point);
                continue;
            }
            let upper = ends.clone().map(|(x, (_, upper))| (x, upper));
            let lower = ends.rev().map(|(x, (lower, _))| (x, lower));
            let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
            svg.empty("path", format_args!("class=\"band\" d=\"{}Z\"", polyline(&outline)));
        }
    }
    svg.close();
}

fn draw_line(svg: &mut Svg, chart: &Chart, index: usize, runs: &[Vec<Placed>]) {
    let long: Vec<Vec<(f64, f64)>> = runs
        .iter()
        .filter(|run| run.len() > 1)
        .map(|run| thinned(&run.iter().map(|point| (point.x, point.y)).collect::<Vec<_>>()))
        .collect();
    if long.is_empty() {
        return;
    }
    let path: String = long.iter().map(|run| polyline(run)).collect();
    let dash = dash(chart, index);
    open_group(svg, chart, index);
    svg.with_tooltip("path", format_args!("class=\"line\"{dash} d=\"{path}\""), &chart.series[index].name);
    svg.close();
}

fn draw_bars(svg: &mut Svg, chart: &Chart, layout: &Layout, index: usize, runs: &[Vec<Placed>]) {
    let width = slot(chart, layout) * 0.92;
    let Some(zero) = layout.y.place_clamped(0.0) else { return };
    open_group(svg, chart, index);
    for point in runs.iter().flatten() {
        let (x, y) = (Px(point.x - width / 2.0), Px(point.y.min(zero)));
        let (width, height) = (Px(width), Px((point.y - zero).abs()));
        let attributes =
            format_args!("class=\"mark\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"");
        svg.with_tooltip("rect", attributes, &tooltip(chart, index, point));
    }
    svg.close();
}

/// Marks, whiskers, and the invisible discs that answer the pointer where marks would be too many.
fn draw_marks(svg: &mut Svg, chart: &Chart, layout: &Layout, index: usize, runs: &[Vec<Placed>]) {
    let shape = chart.shape_of(&chart.series[index]);
    let count = chart.series[index].points.len();
    open_group(svg, chart, index);
    let spacing = spacing(chart, index);
    // Series marked sparsely take turns, or their marks would hide each other where the lines meet.
    let turn = spacing.map_or(0, |spacing| index * spacing / chart.series.len());
    for run in runs {
        for point in run.iter().filter(|point| layout.y.contains(chart.series[index].points[point.index].1)) {
            let marked = match shape {
                Shape::Points => true,
                Shape::Bars => false,
                // A line between two gaps has no length: its one point needs a mark to be seen.
                Shape::Line => run.len() == 1 || spacing.is_some_and(|n| point.index % n == turn % n),
            };
            if shape != Shape::Line {
                let class = if shape == Shape::Bars { "whisker over" } else { "whisker" };
                draw_whisker(svg, layout, class, point);
            }
            if marked {
                let attributes = format_args!("class=\"mark\" d=\"{}\"", outline(index, point.x, point.y));
                svg.with_tooltip("path", attributes, &tooltip(chart, index, point));
            } else if shape == Shape::Line && count <= HOVERED {
                let (x, y) = (Px(point.x), Px(point.y));
                let attributes = format_args!("class=\"hover\" cx=\"{x}\" cy=\"{y}\" r=\"4\"");
                svg.with_tooltip("circle", attributes, &tooltip(chart, index, point));
            }
        }
    }
    svg.close();
}

/// Every how many points the line of a series is marked, if it is. Dashes asked for are a mark by themselves.
fn spacing(chart: &Chart, index: usize) -> Option<usize> {
    let series = &chart.series[index];
    let count = series.points.len();
    let all = if chart.categories.is_some() { MARKED_BY_NAME } else { MARKED };
    (!series.dashed).then(|| if count <= all { 1 } else { count.div_ceil(SPARSE) })
}

fn draw_whisker(svg: &mut Svg, layout: &Layout, class: &str, point: &Placed) {
    let Some((lower, upper)) = point.band else { return };
    let (lower, upper) = (lower.clamp(layout.top, layout.bottom), upper.clamp(layout.top, layout.bottom));
    let (from, to, x) = (Px(point.x - 2.5), Px(point.x + 2.5), Px(point.x));
    let (lower, upper) = (Px(lower), Px(upper));
    svg.empty(
        "path",
        format_args!("class=\"{class}\" d=\"M{from} {lower}H{to}M{from} {upper}H{to}M{x} {lower}V{upper}\""),
    );
}

/// "name: x, y (lower to upper)".
fn tooltip(chart: &Chart, series: usize, point: &Placed) -> String {
    let series: &Series = &chart.series[series];
    let (x, y) = series.points[point.index];
    // Layers are known by name, epochs by number.
    let x = match &chart.categories {
        Some(names) => names.get(x as usize).cloned().unwrap_or_default(),
        None => sig(x, 4).trim_end_matches(".000").to_owned(),
    };
    let mut text = if series.name.is_empty() { String::new() } else { format!("{}: ", series.name) };
    if let Some(label) = series.labels.get(point.index).filter(|label| !label.is_empty()) {
        text = format!("{label}: ");
    }
    text += &format!("{x}, {}", sig(y, 4));
    if let Some((lower, upper)) = series.band.get(point.index).filter(|_| point.band.is_some()) {
        text += &format!(" ({} to {})", sig(*lower, 4), sig(*upper, 4));
    }
    text
}

/// Elements inside take the colour of the series.
fn open_group(svg: &mut Svg, chart: &Chart, index: usize) {
    let colour = chart.series[index].colour.unwrap_or(index) % COLOURS;
    svg.open("g", format_args!("class=\"c{colour}\""));
}

/// The dash pattern as an attribute: asked for, or because the colours have begun again.
fn dash(chart: &Chart, index: usize) -> &'static str {
    let series = &chart.series[index];
    let again = series.colour.is_none() && index >= COLOURS;
    if series.dashed || again { " stroke-dasharray=\"6 4\"" } else { "" }
}
