//! Looking at a tape: stable paths, patterns, statistics, probes and hooks, anomalies, memory.

mod anomaly;
mod memory;
mod observer;
mod path;
mod probe;
mod statistics;

pub use anomaly::{Anomaly, Operand, Side};
pub(crate) use anomaly::{first_bad, first_bad_of};
pub(crate) use memory::Ledger;
pub use memory::{Memory, MemoryRow};
pub use observer::{Observer, Seen};
pub(crate) use observer::{OnGradient, OnValue};
pub use path::matches;
pub use probe::{Probe, ProbeRow};
pub use statistics::{Histogram, Statistics};
