//! Looking at a tape: stable paths, patterns, statistics, probes and hooks, anomalies, memory, time, exports, differences.

mod anomaly;
mod diff;
mod dot;
pub mod html;
mod layout;
mod memory;
mod observer;
mod page;
mod path;
mod probe;
mod snapshot;
mod statistics;
mod timing;

pub use anomaly::{Anomaly, GivenTensor, Side};
pub(crate) use anomaly::{first_bad, first_bad_of};
pub use diff::{
    Compared, NodeDifference, NodeName, StructuralDifference, TapeDiff, Which, diff, diff_with_gradients,
};
pub(crate) use memory::Meter;
pub use memory::{Memory, MemoryRow};
pub use observer::{Observer, Seen};
pub(crate) use observer::{OnGradient, OnValue};
pub use path::matches;
pub use probe::{Probe, ProbeRow};
pub use snapshot::{
    ELEMENTS, EdgeSummary, Fact, Kind, Loss, NodeSnapshot, Number, SCHEMA, Saved, Snapshot, Summary, Totals,
};
pub use statistics::{Histogram, Statistics};
pub use timing::{OpTime, Timing};
