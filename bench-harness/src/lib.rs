//! The `anact` command: training runs, comparisons, checks and their records.
#![forbid(unsafe_code)]

pub mod plot;
pub mod record;
pub mod table;
