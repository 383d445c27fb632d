//! A data set decoded once: one file of labels and pixels that is read, or mapped, without a copy.
//!
//! # Layout
//!
//! All numbers are little-endian. The file has no byte that is not checked.
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | `89 41 4E 50 4B 0D 0A 1A`: `ANPK` between marks of damage in transfer, as PNG's |
//! | 8..12 | the version, 1 |
//! | 12..16 | 0 |
//! | 16..24 | where the description begins |
//! | 24..32 | its length; it ends with the file |
//! | 32..64 | its SHA-256 |
//!
//! Then sections, each at the next multiple of 4096 with zeros before it: for the training and then the test split `pixels`
//! (bytes, N, C, H, W without gaps), `digests` (the SHA-256 of every [`BLOCK`] bytes of those), `sizes` if pictures have
//! several (height and width, `u32` each) and `labels` (`u16` each). The description is JSON and comes at the next multiple of
//! 4096: names, shape, what was checked and remarked when the files were read, the decoder, and for every section its place,
//! length and SHA-256.
//!
//! # What is checked when
//!
//! Everything but the pixels when a file is opened: that takes milliseconds, whatever its size. A block of pixels is compared
//! with its digest **when the first picture of it is asked for**, so opening does not read them, and none is ever used
//! unchecked. [`verify`] compares them all at once, and the digest of all pixels together besides, which nothing else does.
//!
//! Labels, sizes and digests are copied out before they are compared. Pixels are not, so that of a file which is mapped and
//! then written to, against the mapping's contract, pixels that were compared before may be others later.

mod description;
mod pictures;
mod read;
mod write;

use std::{fs::File, io::Read, path::Path, sync::Arc};

pub use description::{Description, Section, SplitSections};
pub use read::{describe, load, verify};
pub use write::write;

/// A whole file, read or mapped.
pub type Bytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Bytes of pixels that share a digest. A batch of single pictures in random order touches a new block with each at first,
/// so that blocks are small enough to be compared in a millisecond; and large enough for the digests to weigh nothing.
pub const BLOCK: usize = 1 << 18;

/// How such a file begins.
const MAGIC: [u8; 8] = *b"\x89ANPK\r\n\x1a";

const VERSION: u32 = 1;

/// Sections begin at multiples of this, a page.
const ALIGNMENT: u64 = 4096;

/// Bytes before the first section that have a meaning.
const HEADER: usize = 64;

/// Whether `path` is a file of this kind, by its first bytes.
pub fn is_packed(path: &Path) -> bool {
    let mut first = [0; MAGIC.len()];
    File::open(path).is_ok_and(|mut file| file.read_exact(&mut first).is_ok()) && first == MAGIC
}

/// Reads a whole file into memory: the way without a mapping.
///
/// # Errors
///
/// What the system says.
pub fn read_bytes(path: &Path) -> std::io::Result<Bytes> {
    Ok(Arc::new(std::fs::read(path)?))
}

/// The next place for a section.
fn align(at: u64) -> u64 {
    at.next_multiple_of(ALIGNMENT)
}
