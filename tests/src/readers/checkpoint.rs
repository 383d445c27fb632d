//! A checkpoint's state in its envelope.

use std::fs;
use std::path::Path;

use bench_harness::checkpoint::{AVERAGE, Checkpoints, Loaded, OPTIMIZER, WEIGHTS};
use sha2::{Digest, Sha256};

use super::{committed, on_disk, told};

/// The folder of a run's checkpoints, and of one.
const FOLDERS: [&str; 2] = ["checkpoints", "step-0000000300-epoch-00002"];

/// The file `state`, and what is in its envelope in an envelope that is right.
pub fn checkpoint(bytes: &[u8]) -> bool {
    let payload = bytes.get(18..bytes.len().saturating_sub(32)).unwrap_or(bytes);
    let [as_it_is, sealed] = [bytes, &seal(payload)].map(is_whole);
    as_it_is || sealed
}

/// An envelope as its documentation describes it.
fn seal(payload: &[u8]) -> Vec<u8> {
    let header = [&b"ANCKPT\0\x01\0\x01"[..], &(payload.len() as u64).to_le_bytes()].concat();
    let mut bytes = [&header, payload].concat();
    bytes.extend(Sha256::digest(&bytes));
    bytes
}

fn is_whole(bytes: &[u8]) -> bool {
    let [all, one] = FOLDERS;
    on_disk(&format!("run/{all}/{one}/state"), bytes, |path| {
        let run = path.ancestors().nth(3).expect("three folders");
        match Checkpoints::of(run, 1).newest() {
            Ok(found) => {
                let loaded = found.newest.expect("a whole one, or an error");
                comes_back(loaded, bytes);
                true
            }
            Err(error) => {
                told(&error, one);
                false
            }
        }
    })
}

/// What was read can be written, and is then read the same.
fn comes_back(loaded: Loaded, bytes: &[u8]) {
    let files = [WEIGHTS, OPTIMIZER, AVERAGE];
    assert!(loaded.files.iter().all(|(name, _)| files.contains(&name.as_str())), "{:?}", loaded.files);
    assert!(loaded.state.epochs.len() + loaded.state.data.normalisation.len() <= bytes.len());
    // In which NaN is itself.
    let said = format!("{:?}", loaded.state);
    assert!(said.len() < 4096 + 400 * bytes.len(), "{} bytes of state from {}", said.len(), bytes.len());
    if loaded.files.is_empty() {
        let root = tempfile::tempdir().expect("a folder for temporary files");
        let checkpoints = Checkpoints::of(root.path(), 1);
        checkpoints.write(loaded.state, &[]).expect("a state that was read");
        let again = checkpoints.newest().expect("what was written").newest.expect("what was written");
        assert_eq!(format!("{:?}", again.state), said);
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let state = committed("tests/golden/checkpoint/step-0000000300-epoch-00002/state");
    // Without the names of other files, which are not there.
    on_disk("seed/checkpoints/step-0000000300-epoch-00002/state", &state, |path| {
        let weights = committed("tests/golden/checkpoint/step-0000000300-epoch-00002/weights.safetensors");
        fs::write(path.with_file_name("weights.safetensors"), weights).expect("room for a small file");
        let run = path.ancestors().nth(3).expect("three folders");
        let read = |run: &Path| Checkpoints::of(run, 1).newest().expect("a checkpoint").newest.expect("one");
        let root = tempfile::tempdir().expect("a folder for temporary files");
        let written = Checkpoints::of(root.path(), 1).write(read(run).state, &[]).expect("a state");
        vec![fs::read(written.path.join("state")).expect("what was written")]
    })
}
