//! The readers of files, each behind one function that takes any bytes: what it owes whoever calls it, as assertions.
//!
//! A reader either says what is wrong, in words that name something, or what it returns hangs together: lengths agree, every
//! element can be reached, what can be written again is read the same, and nothing is far larger than the bytes it came from.
//! Where a format is simple, a slow twin says which bytes are right at all. Where a checksum of ours or of tar stands in front of a
//! parser, the bytes are tried as they are and once more with the checksum made right, so that the parser is reached.
//!
//! [`READERS`] feeds the tests with damaged and arbitrary bytes, the replay of the corpus in `tests/fuzz/corpus/`, and the
//! fuzzer in `tests/fuzz/`. A target panics where a promise is broken.

mod archive;
mod card;
mod checkpoint;
mod cifar;
mod config;
mod idx;
mod npz;
mod packed;
mod picture;
mod plan;
mod record;
mod safetensors;

use std::fmt::Display;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

pub use archive::{tar, zip};
pub use card::card;
pub use checkpoint::checkpoint;
pub use cifar::cifar;
pub use config::{config, words};
pub use idx::idx;
pub use npz::npz;
pub use packed::packed;
pub use picture::picture;
pub use plan::plan;
pub use record::record;
pub use safetensors::safetensors;

/// A reader under test.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    /// What it is called here, in `tests/fuzz/targets/` and in `tests/fuzz/corpus/`.
    pub name: &'static str,
    /// Reads the bytes and asserts what must hold; whether any part of the program accepts them.
    pub read: fn(&[u8]) -> bool,
    /// Files that are accepted, as small as they can be and still show everything.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every reader.
pub const READERS: &[Reader] = &[
    Reader { name: "card", read: card, seeds: card::seeds },
    Reader { name: "checkpoint", read: checkpoint, seeds: checkpoint::seeds },
    Reader { name: "cifar", read: cifar, seeds: cifar::seeds },
    Reader { name: "config", read: config, seeds: config::seeds },
    Reader { name: "idx", read: idx, seeds: idx::seeds },
    Reader { name: "npz", read: npz, seeds: npz::seeds },
    Reader { name: "packed", read: packed, seeds: packed::seeds },
    Reader { name: "picture", read: picture, seeds: picture::seeds },
    Reader { name: "plan", read: plan, seeds: plan::seeds },
    Reader { name: "record", read: record, seeds: record::seeds },
    Reader { name: "safetensors", read: safetensors, seeds: safetensors::seeds },
    Reader { name: "tar", read: tar, seeds: archive::tar_seeds },
    Reader { name: "zip", read: zip, seeds: archive::zip_seeds },
];

thread_local! {
    /// Where readers find the bytes that they want as files.
    static FOLDER: TempDir = tempfile::tempdir().expect("a folder for temporary files");
}

/// Hands `read` a path where these bytes lie.
fn on_disk<T>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    FOLDER.with(|folder| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder that can be made");
        // A new file: some systems write one that was emptied to the disk at once.
        let _ = fs::remove_file(&path);
        fs::write(&path, bytes).expect("room for a small file");
        read(&path)
    })
}

/// An error says something, and names what it is about where `names` is not empty.
fn told(error: &dyn Display, names: &str) {
    let text = error.to_string();
    assert!(text.len() > names.len() + 10, "an error says nothing: {text:?}");
    assert!(text.contains(names), "an error does not name {names}: {text:?}");
}

/// What was accepted; of a refusal, that it is [`told`].
fn accepted<T, E: Display>(outcome: Result<T, E>, names: &str) -> Option<T> {
    outcome.inspect_err(|error| told(error, names)).ok()
}

/// The file of the repository, for seeds.
fn committed(path: &str) -> Vec<u8> {
    let path = root().join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Where the repository lies.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is inside the workspace")
}
