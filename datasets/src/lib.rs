//! Image classification data sets read from their official files, with deterministic batches
#![forbid(unsafe_code)]
