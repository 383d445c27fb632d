//! Tests of the crate's public face, in one binary: files as users have them, batches as trainers get them.

mod batches;
#[cfg(feature = "download")]
mod download;
mod embedded;
mod fixture;
mod folders;
mod formats;
mod official;
mod randomness;
mod splits;
