//! Charts as SVG text: lines with uncertainty bands, points, and values by layer.
//!
//! The same chart gives the same bytes each time: nothing depends on the clock, a random id, a hash order or
//! an installed font. Text stays text, so it can be searched, copied and read aloud. Every picture carries
//! its own colours for light and dark surroundings and needs no file beside it.
//!
//! Data is drawn as it comes from a run: non-finite values (and, on a logarithmic axis, values that are not
//! positive) leave a gap; empty, one-point and constant series are fine. So no chart can fail.
//!
//! ```
//! use bench_harness::plot::{Chart, Series};
//!
//! let means = [(1.0, 62.1), (2.0, 70.4), (3.0, 74.0)];
//! let svg = Chart::new("Test accuracy")
//!     .x_label("epoch")
//!     .y_label("accuracy / %")
//!     .series(Series::line("GELU, normalized", means).band([61.0, 69.5, 73.8], [63.0, 71.1, 74.3]))
//!     .reference("chance", 10.0)
//!     .to_svg();
//! assert!(svg.starts_with("<svg"));
//! ```
//!
//! [`Chart`] says what to draw, `layout` where; `axes`, `marks` and `paths` draw; `scale` and `ticks` do the
//! arithmetic.

mod axes;
mod chart;
mod labels;
mod layout;
mod marks;
mod paths;
mod scale;
mod series;
mod stack;
mod style;
mod svg;
mod ticks;

pub use chart::Chart;
pub use series::Series;
pub use stack::stacked;

#[cfg(test)]
mod tests;
