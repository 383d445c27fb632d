//! The `anact` command: training runs, comparisons, checks and their records.
//!
//! [`command`] parses arguments and runs subcommands; [`run`] trains networks; [`study`] asks a question of many of
//! them; [`plan`] carries out many, [`lab`] compares those that are finished, and [`report`] shows them on a page; `dashboard` shows
//! one while it happens (feature `tui`); [`data`] opens what they learn from; [`record`] keeps what they did and [`checkpoint`] what
//! they need to go on; [`plot`], [`sheet`], [`table`] and, for TensorBoard, [`events`] show it.
#![forbid(unsafe_code)]

pub mod checkpoint;
pub mod command;
#[cfg(feature = "tui")]
pub mod dashboard;
pub mod data;
mod error;
pub mod events;
pub mod lab;
pub mod npz;
pub mod plan;
pub mod plot;
pub mod record;
pub mod report;
pub mod resident;
pub mod run;
mod said;
pub mod sheet;
mod statistics;
pub mod study;
pub mod table;

pub use error::{Error, Result};
