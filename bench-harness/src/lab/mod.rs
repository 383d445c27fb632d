//! Finished runs, compared: what each left, which belong together, and what can be said of the difference.
//!
//! [`RunRecord`] reads the folder of a run and [`read_runs`] many; [`groups`] puts runs together that differ in activation and seed
//! alone; and [`Comparison`] pairs them by seed.

mod alike;
mod apart;
mod comparison;
mod difference;
mod figures;
mod find;
mod flat;
mod gather;
mod group;
mod latex;
mod metric;
mod remarks;
mod run_record;
mod sentences;
mod tables;

pub use comparison::{Comparison, Row};
pub use difference::{Difference, Verdict};
pub use figures::figures;
pub use find::read_runs;
pub(crate) use flat::{flatten, in_common};
pub use group::{Group, groups, plain_twin};
pub use latex::latex;
pub use metric::{METRICS, Metric, MetricEntry};
pub use run_record::RunRecord;
pub use sentences::notes;

#[cfg(test)]
pub(crate) use run_record::tests;
