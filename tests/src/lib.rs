//! Tests across the crates: tidiness, random graphs, golden values, reproducibility
#![forbid(unsafe_code)]
