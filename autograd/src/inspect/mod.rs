//! Looking at a tape: stable paths, patterns, statistics.

mod path;
mod statistics;

pub use path::matches;
pub use statistics::{Histogram, Statistics};
