//! Where things go: margins, scales, ticks, legend.
//!
//! Everything outside the axes gets the room its text needs, so nothing overlaps however long the names are.

use super::chart::Chart;
use super::scale::{Kind, Scale};
use super::series::Shape;
use super::style::{LABEL_SIZE, TICK_SIZE, TITLE_SIZE, text_width, wrap};
use super::ticks::{Label, Tick, ticks};

const EDGE: f64 = 14.0;
const WIDTH: f64 = 760.0;
/// Between the axes and the first and last x value, so that marks do not sit on the frame.
const INSET: f64 = 10.0;
/// Width of the sample of a line in the legend.
pub(super) const SAMPLE: f64 = 26.0;
/// Distance of rows in the legend.
const LEGEND_ROW: f64 = 19.0;
/// Least distance of names along the x axis before some are left out.
const NAME_PITCH: f64 = 12.5;

/// An entry of the legend: a series, or a reference line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry {
    Series(usize),
    Reference(usize),
}

/// How the names below the x axis are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    Level,
    Slanted,
    Upright,
}

/// Positions of everything, in pixels.
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) title: Vec<String>,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    pub(super) x: Scale,
    pub(super) y: Scale,
    pub(super) x_ticks: Vec<Tick>,
    pub(super) y_ticks: Vec<Tick>,
    pub(super) names: Names,
    /// Left end and middle height of each entry.
    pub(super) legend: Vec<(f64, f64, Entry)>,
}

impl Layout {
    pub(super) fn of(chart: &Chart) -> Self {
        let y_range = y_range(chart);
        let y_target = ((chart.plot_height / 48.0) as usize).clamp(2, 10);
        let y_ticks = ticks(chart.y_kind, y_range, y_target, false);
        let y_label = if chart.y_label.is_empty() { 0.0 } else { LABEL_SIZE + 8.0 };
        let widest = widest(y_ticks.iter().filter_map(|tick| tick.label.as_ref()).map(label_width));
        let mut left = EDGE + y_label + widest + 8.0;

        let count = chart.categories.as_ref().map_or(0, Vec::len);
        let automatic = WIDTH.max(left + EDGE + (count as f64) * (NAME_PITCH + 1.0));
        let width =
            chart.width.filter(|width| width.is_finite()).unwrap_or(automatic).max(left + EDGE + 60.0);
        let mut right = width - EDGE;

        let (x_kind, x_range, x_ticks, names) = match &chart.categories {
            Some(categories) => {
                let pitch = (right - left) / (count.max(1) as f64);
                let (names, overhang) = orientation(categories, pitch);
                left = left.max(EDGE + overhang - pitch / 2.0);
                let pitch = (right - left) / (count.max(1) as f64);
                let range = (-0.5, (count.max(1) as f64) - 0.5);
                (Kind::Linear, range, name_ticks(categories, pitch), names)
            }
            None => {
                let (range, ticks) = number_axis(chart, right - left);
                // Half of the last label may stick out to the right of its tick.
                let last = ticks.iter().rev().find_map(|tick| tick.label.as_ref()).map_or(0.0, label_width);
                right -= (last / 2.0 - INSET - EDGE / 2.0).max(0.0);
                (chart.x_kind, range, ticks, Names::Level)
            }
        };

        let title = wrap(&chart.title, TITLE_SIZE, width - 2.0 * EDGE);
        let legend_top = EDGE + title.len() as f64 * (TITLE_SIZE + 4.0) + 4.0;
        let (legend, rows) = legend(chart, left, right, legend_top);
        let top = legend_top + rows as f64 * LEGEND_ROW + 4.0;
        let bottom = top + if chart.plot_height.is_finite() { chart.plot_height.max(60.0) } else { 300.0 };

        let longest = widest_of(&x_ticks);
        let below = 8.0
            + match names {
                Names::Level => TICK_SIZE,
                Names::Slanted => (longest + TICK_SIZE) * std::f64::consts::FRAC_1_SQRT_2,
                Names::Upright => longest,
            };
        let x_label = if chart.x_label.is_empty() { 0.0 } else { LABEL_SIZE + 8.0 };
        let inset = if chart.categories.is_some() { 0.0 } else { INSET };
        Self {
            width,
            height: (bottom + below + x_label + EDGE).ceil(),
            title,
            left,
            right,
            top,
            bottom,
            x: Scale { kind: x_kind, range: x_range, pixels: (left + inset, right - inset) },
            y: Scale { kind: chart.y_kind, range: y_range, pixels: (bottom, top) },
            x_ticks,
            y_ticks,
            names,
            legend,
        }
    }
}

fn y_range(chart: &Chart) -> (f64, f64) {
    let kind = chart.y_kind;
    if let Some((lo, hi)) = chart.y_range.filter(|&(lo, hi)| lo < hi && kind.shows(lo) && kind.shows(hi)) {
        return (lo, hi);
    }
    let values = chart.series.iter().flat_map(|series| {
        // Only what is drawn counts: a point without a place along x would stretch the axis for nothing.
        let drawn = |&(index, &(x, y)): &(usize, &(f64, f64))| {
            let placed =
                chart.categories.as_ref().map_or(chart.x_kind.shows(x), |names| x < names.len() as f64);
            index < series.points.len() && placed && kind.shows(y)
        };
        series.points.iter().enumerate().filter(drawn).flat_map(|(index, &(_, y))| {
            let (lower, upper) = series.band.get(index).copied().unwrap_or((y, y));
            [y, lower, upper]
        })
    });
    let references = chart.references.iter().map(|&(_, y)| y);
    // Bars need their zero in view.
    let bars = chart.series.iter().any(|series| chart.shape_of(series) == Shape::Bars);
    kind.range_of(values.chain(references).chain(bars.then_some(0.0)))
}

fn number_axis(chart: &Chart, pixels: f64) -> ((f64, f64), Vec<Tick>) {
    let values = || chart.series.iter().flat_map(|series| &series.points).map(|&(x, _)| x);
    let shown = || values().filter(|&x| chart.x_kind.shows(x));
    let lo = shown().fold(f64::INFINITY, f64::min);
    let hi = shown().fold(f64::NEG_INFINITY, f64::max);
    // Epochs run from edge to edge; only a range without extent needs the air of `range_of`.
    let extent = hi - lo > 1e-9 * lo.abs().max(hi.abs());
    let range = if lo < hi && extent { (lo, hi) } else { chart.x_kind.range_of(values()) };
    let whole = chart.x_kind == Kind::Linear && shown().all(|x| x.fract() == 0.0);
    (range, ticks(chart.x_kind, range, ((pixels / 75.0) as usize).clamp(2, 12), whole))
}

/// How to write the names at this distance, and how far they reach to the left of the first one's tick.
fn orientation(categories: &[String], pitch: f64) -> (Names, f64) {
    let longest = widest(categories.iter().map(|name| text_width(name, TICK_SIZE)));
    if longest + 8.0 <= pitch {
        (Names::Level, longest / 2.0)
    } else if pitch >= 19.0 {
        // A line of text at 45° needs its height times √2.
        (Names::Slanted, longest * std::f64::consts::FRAC_1_SQRT_2)
    } else {
        (Names::Upright, 0.0)
    }
}

/// A tick for each category, every n-th one labelled where they stand too close for all.
fn name_ticks(categories: &[String], pitch: f64) -> Vec<Tick> {
    let every = (NAME_PITCH / pitch.max(1e-3)).ceil().max(1.0) as usize;
    let tick = |(index, name): (usize, &String)| Tick {
        value: index as f64,
        label: (index % every == 0).then(|| Label { base: name.clone(), exponent: None }),
    };
    categories.iter().enumerate().map(tick).collect()
}

/// Rows of entries as long as the plot is wide.
fn legend(chart: &Chart, left: f64, right: f64, top: f64) -> (Vec<(f64, f64, Entry)>, usize) {
    let series =
        chart.series.iter().enumerate().map(|(index, series)| (series.name.as_str(), Entry::Series(index)));
    let references = chart
        .references
        .iter()
        .enumerate()
        .map(|(index, (name, _))| (name.as_str(), Entry::Reference(index)));
    let (mut x, mut rows) = (left, 0);
    let mut entries = Vec::new();
    for (name, entry) in series.chain(references).filter(|(name, _)| !name.is_empty()) {
        let width = SAMPLE + 6.0 + text_width(name, LABEL_SIZE);
        if rows == 0 || x + width > right {
            (x, rows) = (left, rows + 1);
        }
        entries.push((x, top + (rows as f64 - 0.5) * LEGEND_ROW, entry));
        x += width + 16.0;
    }
    (entries, rows)
}

fn label_width(label: &Label) -> f64 {
    text_width(&label.base, TICK_SIZE) + label.exponent.as_ref().map_or(0.0, |text| text_width(text, 8.5))
}

fn widest_of(ticks: &[Tick]) -> f64 {
    widest(ticks.iter().filter_map(|tick| tick.label.as_ref()).map(label_width))
}

fn widest(widths: impl Iterator<Item = f64>) -> f64 {
    widths.fold(0.0, f64::max)
}
