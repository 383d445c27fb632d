//! Several charts in one document, one below the other.

use super::chart::Chart;
use super::layout::Layout;
use super::svg::{Px, Svg};

/// Draws the charts in one SVG document, the first on top.
#[must_use]
pub fn stacked(charts: &[Chart]) -> String {
    let sizes: Vec<(f64, f64)> = charts
        .iter()
        .map(|chart| {
            let layout = Layout::of(chart);
            (layout.width, layout.height)
        })
        .collect();
    let width = Px(sizes.iter().fold(1.0, |width, size| size.0.max(width)));
    let height = Px(sizes.iter().map(|size| size.1).sum::<f64>().max(1.0));
    let mut svg = Svg::new();
    svg.open(
        "svg",
        format_args!(
            "xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\""
        ),
    );
    let titles: Vec<&str> = charts.iter().map(|chart| chart.title.as_str()).collect();
    svg.text("title", format_args!(""), &titles.join("; "));
    svg.text("desc", format_args!(""), "Charts one below the other, each described by itself.");
    let mut top = 0.0;
    for (chart, (_, height)) in charts.iter().zip(sizes) {
        svg.open("g", format_args!("transform=\"translate(0 {})\"", Px(top)));
        svg.raw(&chart.to_svg());
        svg.close();
        top += height;
    }
    svg.close();
    svg.finish()
}
