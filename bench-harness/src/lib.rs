//! The anact command: training runs, comparisons, checks and their records
#![forbid(unsafe_code)]
