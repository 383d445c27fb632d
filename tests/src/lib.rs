//! Tests across the crates: tidiness, random graphs, golden values, reproducibility.
//!
//! The tests are in `tests/tests/`; values from outside, with the script that makes them, in `tests/golden/`.
#![forbid(unsafe_code)]

/// The code in the README compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

pub mod readers;
