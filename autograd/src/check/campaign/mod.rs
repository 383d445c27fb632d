//! Random functions for the checker: graphs of many ops ([`Graph`]) and single ops on images whose sizes, strides and
//! paddings are random ([`Geometry`]). A [`Campaign`] checks any number of them.
//!
//! What is drawn is plain data, so that a test can shrink it; a campaign draws it from streams keyed by seed and index, so that
//! these two name one graph, or one geometry, on any number of threads. Where a value is an ulp off, by another library of elementary
//! functions, a choice may fall the other way; what a failure prints is the function itself.
//!
//! ```
//! use autograd::check::campaign::Campaign;
//!
//! let campaign = Campaign { seed: 1, graphs: 20, geometries: 4, planted: None };
//! let outcome = campaign.run(|_| ());
//! assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
//! ```

mod builder;
mod definition;
mod geometry;
mod graph;
mod outcome;
mod planted;
mod run;
mod step;
mod subject;
mod table;
mod window;

pub use geometry::{Channels, Geometry, Kind};
pub use graph::{Draw, Graph, LeftOut, Plan, ROWS, Row};
pub use outcome::{Failure, Outcome, ROUTES, Route, Worst};
pub use planted::Bug;
pub use run::Campaign;
pub use subject::Subject;
pub use window::{Ranges, Window};
