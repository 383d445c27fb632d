//! Grid, axes, titles and legend.

use super::chart::Chart;
use super::layout::{Entry, Layout, Names, SAMPLE};
use super::marks;
use super::style::{LABEL_SIZE, TICK_SIZE, TITLE_SIZE};
use super::svg::{Px, Svg};

/// Horizontal lines behind the data.
pub(super) fn draw_grid(svg: &mut Svg, layout: &Layout) {
    for tick in &layout.y_ticks {
        let Some(y) = layout.y.place(tick.value) else { continue };
        let class = if tick.label.is_some() { "grid" } else { "grid minor" };
        horizontal(svg, class, layout, y);
    }
}

/// Axes with their ticks, labels and the title.
pub(super) fn draw_frame(svg: &mut Svg, chart: &Chart, layout: &Layout) {
    let (left, right, top, bottom) = (Px(layout.left), Px(layout.right), Px(layout.top), Px(layout.bottom));
    svg.empty("path", format_args!("class=\"axis\" d=\"M{left} {top}V{bottom}H{right}\""));
    draw_y_ticks(svg, layout);
    draw_x_ticks(svg, layout);
    for (index, line) in layout.title.iter().enumerate() {
        let y = Px(14.0 + TITLE_SIZE * 0.8 + index as f64 * (TITLE_SIZE + 4.0));
        svg.text("text", format_args!("class=\"title\" x=\"14\" y=\"{y}\""), line);
    }
    if !chart.x_label.is_empty() {
        let (x, y) = (Px(f64::midpoint(layout.left, layout.right)), Px(layout.height - 14.0));
        svg.text(
            "text",
            format_args!("class=\"label\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\""),
            &chart.x_label,
        );
    }
    if !chart.y_label.is_empty() {
        let (x, y) = (Px(14.0 + LABEL_SIZE * 0.75), Px(f64::midpoint(layout.top, layout.bottom)));
        let attributes = format_args!(
            "class=\"label\" transform=\"translate({x} {y}) rotate(-90)\" text-anchor=\"middle\""
        );
        svg.text("text", attributes, &chart.y_label);
    }
}

/// Samples and names of the series and reference lines.
pub(super) fn draw_legend(svg: &mut Svg, chart: &Chart, layout: &Layout) {
    for &(x, y, entry) in &layout.legend {
        let name = match entry {
            Entry::Series(index) => {
                marks::draw_sample(svg, chart, index, (x, y));
                &chart.series[index].name
            }
            Entry::Reference(index) => {
                let (from, to, y) = (Px(x), Px(x + SAMPLE), Px(y));
                svg.empty("path", format_args!("class=\"reference\" d=\"M{from} {y}H{to}\""));
                &chart.references[index].0
            }
        };
        let (x, y) = (Px(x + SAMPLE + 6.0), Px(y + LABEL_SIZE * 0.35));
        svg.text("text", format_args!("class=\"label\" x=\"{x}\" y=\"{y}\""), name);
    }
}

/// A line across the plot.
pub(super) fn horizontal(svg: &mut Svg, class: &str, layout: &Layout, y: f64) {
    let (left, right, y) = (Px(layout.left), Px(layout.right), Px(y));
    svg.empty("path", format_args!("class=\"{class}\" d=\"M{left} {y}H{right}\""));
}

fn draw_y_ticks(svg: &mut Svg, layout: &Layout) {
    for tick in &layout.y_ticks {
        let Some(y) = layout.y.place(tick.value) else { continue };
        let length = if tick.label.is_some() { 5.0 } else { 3.0 };
        let (from, to) = (Px(layout.left - length), Px(layout.left));
        svg.empty("path", format_args!("class=\"axis\" d=\"M{from} {}H{to}\"", Px(y)));
        if let Some(label) = &tick.label {
            let (x, y) = (Px(layout.left - 8.0), Px(y + TICK_SIZE * 0.35));
            let attributes = format_args!("class=\"tick\" x=\"{x}\" y=\"{y}\" text-anchor=\"end\"");
            svg.power(attributes, &label.base, label.exponent.as_deref());
        }
    }
}

fn draw_x_ticks(svg: &mut Svg, layout: &Layout) {
    for tick in &layout.x_ticks {
        let Some(x) = layout.x.place(tick.value) else { continue };
        let length = if tick.label.is_some() { 5.0 } else { 3.0 };
        let (from, to) = (Px(layout.bottom), Px(layout.bottom + length));
        svg.empty("path", format_args!("class=\"axis\" d=\"M{} {from}V{to}\"", Px(x)));
        let Some(label) = &tick.label else { continue };
        let below = layout.bottom + 8.0;
        let third = TICK_SIZE * 0.35;
        let (base, exponent) = (label.base.as_str(), label.exponent.as_deref());
        match layout.names {
            Names::Level => {
                let (x, y) = (Px(x), Px(below + TICK_SIZE * 0.8));
                svg.power(
                    format_args!("class=\"tick\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\""),
                    base,
                    exponent,
                );
            }
            Names::Slanted | Names::Upright => {
                let angle = if layout.names == Names::Slanted { -45 } else { -90 };
                // The end of the text, at half its height, meets the tick.
                let (x, y) = if angle == -45 { (x + third, below + third) } else { (x + third, below) };
                let (x, y) = (Px(x), Px(y));
                let attributes = format_args!(
                    "class=\"tick\" transform=\"translate({x} {y}) rotate({angle})\" text-anchor=\"end\""
                );
                svg.text("text", attributes, base);
            }
        }
    }
}
