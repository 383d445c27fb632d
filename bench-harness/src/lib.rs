//! The `anact` command: training runs, comparisons, checks and their records.
//!
//! [`command`] parses arguments and runs subcommands; [`run`] trains networks; [`study`] asks a question of many of
//! them; [`data`] opens what they learn from; [`record`] keeps what they did and [`checkpoint`] what they need to go on;
//! [`plot`], [`sheet`] and [`table`] show it.
#![forbid(unsafe_code)]

pub mod checkpoint;
pub mod command;
pub mod data;
mod error;
pub mod npz;
pub mod plot;
pub mod record;
pub mod resident;
pub mod run;
pub mod sheet;
mod statistics;
pub mod study;
pub mod table;

pub use error::{Error, Result};
