//! Tests of the crate's public face, in one binary: files as users have them, batches as trainers get them.

mod archives;
mod augmentation;
mod background;
mod batches;
mod damage;
#[cfg(feature = "download")]
mod download;
mod embedded;
mod encoded;
mod fixture;
mod folders;
mod formats;
mod hurt;
mod official;
mod packed;
mod pictures;
mod randomness;
mod splits;
mod twin;
