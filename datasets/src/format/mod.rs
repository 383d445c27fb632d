//! File formats: one parser each, over any [`Read`](std::io::Read).
//!
//! A parser gets the path only to name it in errors. It believes a length only as far as bytes have arrived, so a
//! forged header costs an error and not memory; it reads to the end of its input, so a checksum at the end of a
//! compressed stream is always verified.

pub(crate) mod bounded;
pub mod cifar;
pub mod compressed;
pub mod idx;
pub mod jpeg;
pub(crate) mod lines;
pub mod picture;
mod png;
