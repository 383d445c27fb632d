//! The folder of a run's checkpoints.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::FILES;
use super::codec;
use super::state::RunState;
use crate::error::{Error, Result};
use crate::record::{RecordError, sync_folder};

const FOLDER: &str = "checkpoints";
const PREFIX: &str = "step-";
const BETWEEN: &str = "-epoch-";
const STATE: &str = "state";
/// Names of what is not whole yet, or not any more, begin and end so.
const TEMPORARY: (&str, &str) = (".", ".tmp");

/// The checkpoints of one run; the newest few are kept.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    folder: PathBuf,
    keep: usize,
}

/// Where in a run a checkpoint was written: after the last step of an epoch there may be one before and one after validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Number {
    step: u64,
    /// Epochs that are over.
    epoch: u64,
}

impl Number {
    fn of(state: &RunState) -> Self {
        Self { step: state.position.step, epoch: state.position.epoch }
    }

    fn parse(name: &str) -> Option<Self> {
        let (step, epoch) = name.strip_prefix(PREFIX)?.split_once(BETWEEN)?;
        Some(Self { step: step.parse().ok()?, epoch: epoch.parse().ok()? })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{:010}{BETWEEN}{:05}", self.step, self.epoch)
    }
}

/// A checkpoint that was read and found whole.
#[derive(Debug)]
pub struct Loaded {
    /// Its folder.
    pub path: PathBuf,
    /// Where the run stood.
    pub state: RunState,
    /// The other files by name.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Loaded {
    /// The bytes of the file called `name`, if the checkpoint has one.
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.iter().find(|(n, _)| n == name).map(|(_, bytes)| bytes.as_slice())
    }
}

/// A checkpoint that was written.
#[derive(Debug)]
pub struct Written {
    /// Its folder.
    pub path: PathBuf,
    /// What did not go as it should and is no reason to stop.
    pub notes: Vec<String>,
}

/// What looking for the newest whole checkpoint found.
#[derive(Debug)]
pub struct Found {
    /// It, if there is any.
    pub newest: Option<Loaded>,
    /// Newer ones that are damaged, with the reasons.
    pub damaged: Vec<String>,
}

impl Checkpoints {
    /// Those of the run in `run`, of which the newest `keep` (at least 1) stay.
    pub fn of(run: &Path, keep: usize) -> Self {
        Self { folder: run.join(FOLDER), keep: keep.max(1) }
    }

    /// Writes a checkpoint of these files ([`WEIGHTS`](super::WEIGHTS), [`OPTIMIZER`](super::OPTIMIZER), [`AVERAGE`](super::AVERAGE)),
    /// then removes what is older than the newest few.
    ///
    /// It is written under another name, every file and the folder are flushed to the disk, and the folder is renamed: so at
    /// every moment the checkpoints under their names are whole. On an error the earlier ones stand.
    ///
    /// # Errors
    /// Files that cannot be written: a full disk, a folder that is gone.
    ///
    /// # Panics
    /// On a file with another name, and on two of one name.
    pub fn write(&self, mut state: RunState, files: &[(&str, Vec<u8>)]) -> Result<Written> {
        check_names(files.iter().map(|(name, _)| *name)).unwrap_or_else(|problem| panic!("{problem}"));
        let path = self.path(Number::of(&state));
        // The run is the same bit for bit, so one that is there and whole is this one.
        if path.exists() && load(&path).is_ok() {
            return Ok(Written { path, notes: Vec::new() });
        }
        state.files = files.iter().map(|(name, bytes)| (name.to_string(), digest(bytes))).collect();
        let state_bytes = codec::encode(&state);
        if let Err(error) = codec::decode::<RunState>(&state_bytes) {
            // The readable ones would be pruned for it.
            let problem = format!("a checkpoint here could not be read back, so none is written: {error}");
            return Err(Error::File { path, problem });
        }
        // Never with its parents: a run's folder that is gone is not to come back empty.
        match fs::create_dir(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(RecordError::io("create the folder", &self.folder)(error).into());
            }
            Err(_) => {}
            Ok(()) => sync_folder(self.folder.parent().unwrap_or(Path::new(""))),
        }
        let temporary = self.temporary(&path);
        let all = files.iter().map(|(name, bytes)| (*name, bytes)).chain([(STATE, &state_bytes)]);
        let written = write_folder(&temporary, all).and_then(|()| self.replace(&temporary, &path));
        if let Err(error) = written {
            // Nothing to add if this fails too: the first error is the one to report.
            let _ = fs::remove_dir_all(&temporary);
            return Err(error);
        }
        let notes = self.prune(Number::of(&state));
        Ok(Written { path, notes })
    }

    /// The newest checkpoint that is whole.
    ///
    /// # Errors
    /// The folder cannot be read, or there are checkpoints and every one is damaged.
    pub fn newest(&self) -> Result<Found> {
        let mut damaged = Vec::new();
        for number in self.numbers()?.into_iter().rev() {
            let path = self.path(number);
            match load(&path) {
                Ok(loaded) => return Ok(Found { newest: Some(loaded), damaged }),
                Err(problem) => damaged.push(format!("{}: {problem}", path.display())),
            }
        }
        match damaged.is_empty() {
            true => Ok(Found { newest: None, damaged }),
            false => Err(Error::File {
                path: self.folder.clone(),
                problem: format!("no checkpoint is whole:\n  {}", damaged.join("\n  ")),
            }),
        }
    }

    /// Removes what killed processes left half-written.
    pub fn clean(&self) {
        let is_temporary = |name: &str| name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1);
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if is_temporary(&entry.file_name().to_string_lossy()) {
                // Left in the way of nothing if it cannot be removed.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// All checkpoints, from oldest to newest.
    fn numbers(&self) -> Result<Vec<Number>> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(&self.folder).map_err(RecordError::io("read the folder", &self.folder))?;
        let numbers = entries.flatten().filter_map(|e| Number::parse(&e.file_name().to_string_lossy()));
        let mut numbers: Vec<_> = numbers.collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn path(&self, number: Number) -> PathBuf {
        self.folder.join(number.to_string())
    }

    fn temporary(&self, path: &Path) -> PathBuf {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.folder.join(format!("{}{name}.{}{}", TEMPORARY.0, std::process::id(), TEMPORARY.1))
    }

    /// Gives the whole folder `from` the name `to`, which a damaged one may still have.
    fn replace(&self, from: &Path, to: &Path) -> Result<()> {
        if to.exists() {
            fs::remove_dir_all(to).map_err(RecordError::io("replace the damaged", to))?;
        }
        fs::rename(from, to).map_err(RecordError::io("rename a temporary folder to", to))?;
        sync_folder(&self.folder);
        Ok(())
    }

    /// Removes all but the newest few up to `last`; a later one can only be damaged and will be replaced. What cannot be
    /// removed is no reason to stop training, and is named.
    fn prune(&self, last: Number) -> Vec<String> {
        let Ok(mut numbers) = self.numbers() else { return Vec::new() };
        let mut notes = Vec::new();
        numbers.retain(|&number| number <= last);
        for &number in &numbers[..numbers.len().saturating_sub(self.keep)] {
            // Renamed first, so that a half-removed one is never taken for a checkpoint.
            let (path, gone) = (self.path(number), self.temporary(&self.path(number)));
            let removed = fs::rename(&path, &gone).and_then(|()| fs::remove_dir_all(&gone));
            if let Err(error) = removed {
                notes.push(format!("an old checkpoint stays, {}: {error}", path.display()));
            }
        }
        notes
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Writes files into a new folder and waits until they are on the disk.
fn write_folder<'a>(folder: &Path, files: impl Iterator<Item = (&'a str, &'a Vec<u8>)>) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(RecordError::io("remove", folder))?;
    }
    fs::create_dir(folder).map_err(RecordError::io("create the folder", folder))?;
    for (name, bytes) in files {
        let path = folder.join(name);
        let mut file = File::create(&path).map_err(RecordError::io("create", &path))?;
        file.write_all(bytes).map_err(RecordError::io("write", &path))?;
        file.sync_all().map_err(RecordError::io("flush", &path))?;
    }
    sync_folder(folder);
    Ok(())
}

/// Refuses a name that is none of a checkpoint's files, and one that is there twice.
///
/// A digest is no signature: an intact state may be another's. A name might lead out of the folder, and a small state could ask for one
/// large file over and over.
fn check_names<'n>(names: impl Iterator<Item = &'n str>) -> Result<(), String> {
    let mut known = Vec::new();
    for name in names {
        if !FILES.contains(&name) {
            return Err(format!("the file {name}; a checkpoint's are {}", FILES.join(", ")));
        }
        if known.contains(&name) {
            return Err(format!("the file {name} twice"));
        }
        known.push(name);
    }
    Ok(())
}

/// Reads a checkpoint whole, or says why not.
fn load(path: &Path) -> Result<Loaded, String> {
    let read = |name: &str| {
        let path = path.join(name);
        // A link may lead anywhere, and a pipe never ends; the folder may be a link, of a run that was moved.
        if fs::symlink_metadata(&path).is_ok_and(|there| !there.is_file()) {
            return Err(format!("{name} is a symbolic link, a folder or a pipe; want a regular file"));
        }
        fs::read(&path).map_err(|e| format!("{name} cannot be read: {e}"))
    };
    let state: RunState = codec::decode(&read(STATE)?).map_err(|e| format!("{STATE}: {e}"))?;
    check_names(state.files.iter().map(|(name, _)| name.as_str()))
        .map_err(|problem| format!("{STATE} names {problem}"))?;
    let mut files = Vec::new();
    for (name, expected) in &state.files {
        let bytes = read(name)?;
        if digest(&bytes) != *expected {
            return Err(format!("{name} has {} bytes with another SHA-256 than {STATE} says", bytes.len()));
        }
        files.push((name.clone(), bytes));
    }
    Ok(Loaded { path: path.to_path_buf(), state, files })
}

#[cfg(test)]
mod tests {
    use super::super::state::{DataIdentity, Position};
    use super::super::{OPTIMIZER, WEIGHTS};
    use super::*;

    fn state(step: u64) -> RunState {
        RunState {
            version: "0".into(),
            settings: "{}".into(),
            data: DataIdentity {
                name: "d".into(),
                images: [3, 2, 1],
                samples: [7; 32],
                normalisation: vec![(0.5, 0.25)],
            },
            position: Position { step, epoch: 1, batch: 2, seconds: 0.5, ..Position::default() },
            epochs: Vec::new(),
            best: None,
            record_bytes: 9,
            files: Vec::new(),
        }
    }

    fn weights(step: u64) -> Vec<u8> {
        vec![step as u8; 100]
    }

    fn write(checkpoints: &Checkpoints, step: u64) -> PathBuf {
        checkpoints.write(state(step), &[(WEIGHTS, weights(step))]).unwrap().path
    }

    fn newest(checkpoints: &Checkpoints) -> Loaded {
        checkpoints.newest().unwrap().newest.unwrap()
    }

    #[test]
    fn what_is_written_is_read_and_the_newest_few_stay() {
        let run = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(run.path(), 2);
        assert!(checkpoints.newest().unwrap().newest.is_none());
        for step in [1, 20, 3, 100] {
            write(&checkpoints, step);
        }
        let loaded = newest(&checkpoints);
        assert_eq!(loaded.state.position, state(100).position);
        assert_eq!(loaded.state.data, state(100).data);
        assert_eq!(loaded.file(WEIGHTS), Some(&weights(100)[..]));
        assert_eq!(loaded.file(OPTIMIZER), None);
        assert_eq!(checkpoints.numbers().unwrap().iter().map(|n| n.step).collect::<Vec<_>>(), [20, 100]);
        let names: Vec<_> =
            fs::read_dir(run.path().join(FOLDER)).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }

    /// Every file of the newest checkpoint, cut at every length and with every byte changed: the one before is taken.
    #[test]
    fn a_damaged_checkpoint_is_passed_over() {
        let run = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(run.path(), 2);
        let (old, new) = (write(&checkpoints, 1), write(&checkpoints, 2));
        for name in [STATE, WEIGHTS] {
            let path = new.join(name);
            let whole = fs::read(&path).unwrap();
            let cuts = (0..whole.len()).map(|end| whole[..end].to_vec());
            let changes = (0..whole.len()).map(|at| {
                let mut bytes = whole.clone();
                bytes[at] ^= 0x10;
                bytes
            });
            for bytes in cuts.chain(changes).chain([[&whole[..], b"x"].concat()]) {
                fs::write(&path, bytes).unwrap();
                let found = checkpoints.newest().unwrap();
                assert_eq!(found.newest.unwrap().path, old);
                assert!(found.damaged[0].contains(name) && found.damaged[0].contains("step-0000000002"));
            }
            fs::remove_file(&path).unwrap();
            assert_eq!(newest(&checkpoints).path, old);
            fs::write(&path, whole).unwrap();
            assert_eq!(newest(&checkpoints).path, new);
        }
        // With none left whole there is nothing to go on from, and that is said.
        for path in [old, new] {
            fs::write(path.join(STATE), b"").unwrap();
        }
        let text = checkpoints.newest().unwrap_err().to_string();
        assert!(text.contains("no checkpoint is whole") && text.contains("step-0000000001"), "{text}");
    }

    /// States that are sealed as ours are, but were never written by us.
    #[test]
    fn a_state_names_files_that_are_in_its_folder_and_each_once() {
        let run = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(run.path(), 1);
        let path = write(&checkpoints, 1);
        let own = newest(&checkpoints).state.files;
        for (names, problem) in [
            (vec![WEIGHTS; 2], "names the file weights.safetensors twice"),
            (vec!["../weights.safetensors"], "names the file ../weights.safetensors; a checkpoint's are"),
            // The same file, where a disk takes no heed of case.
            (vec![WEIGHTS, "Weights.safetensors"], "names the file Weights.safetensors; a checkpoint's are"),
            (vec![OPTIMIZER], "optimizer.safetensors cannot be read"),
        ] {
            let files = names.into_iter().map(|name| (name.to_string(), own[0].1)).collect();
            fs::write(path.join(STATE), codec::encode(&RunState { files, ..state(1) })).unwrap();
            let text = checkpoints.newest().unwrap_err().to_string();
            assert!(text.contains(problem), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_none_of_a_checkpoint() {
        let run = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(run.path(), 1);
        let path = write(&checkpoints, 1);
        for name in [STATE, WEIGHTS] {
            let elsewhere = run.path().join(name);
            fs::rename(path.join(name), &elsewhere).unwrap();
            std::os::unix::fs::symlink(&elsewhere, path.join(name)).unwrap();
            let text = checkpoints.newest().unwrap_err().to_string();
            assert!(text.contains(&format!("{name} is a symbolic link")), "{text}");
            fs::remove_file(path.join(name)).unwrap();
            fs::rename(&elsewhere, path.join(name)).unwrap();
        }
        newest(&checkpoints);
        fs::remove_file(path.join(WEIGHTS)).unwrap();
        fs::create_dir(path.join(WEIGHTS)).unwrap();
        let text = checkpoints.newest().unwrap_err().to_string();
        assert!(text.contains("weights.safetensors is a symbolic link, a folder or a pipe"), "{text}");
    }

    /// A run that goes on from before a damaged checkpoint reaches it again and replaces it; a whole one is left alone.
    #[test]
    fn a_damaged_checkpoint_is_replaced_when_its_step_comes_again() {
        let run = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(run.path(), 1);
        let path = write(&checkpoints, 5);
        fs::write(path.join(STATE), b"damaged").unwrap();
        assert!(checkpoints.newest().is_err());
        write(&checkpoints, 4);
        // The damaged one does not push the new one out.
        assert_eq!(newest(&checkpoints).state.position.step, 4);
        write(&checkpoints, 5);
        assert_eq!(newest(&checkpoints).state.position.step, 5);
        let before = fs::metadata(path.join(STATE)).unwrap().modified().unwrap();
        write(&checkpoints, 5);
        assert_eq!(fs::metadata(path.join(STATE)).unwrap().modified().unwrap(), before);
    }

    #[test]
    fn what_is_half_written_is_no_checkpoint_and_is_cleaned_away() {
        let run = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(run.path(), 1);
        write(&checkpoints, 1);
        let left = run.path().join(FOLDER).join(".step-0000000002-epoch-00001.123.tmp");
        fs::create_dir(&left).unwrap();
        fs::write(left.join(WEIGHTS), b"half").unwrap();
        assert_eq!(newest(&checkpoints).state.position.step, 1);
        checkpoints.clean();
        assert!(!left.exists());
        assert_eq!(newest(&checkpoints).state.position.step, 1);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named_and_the_earlier_checkpoint_stands() {
        let run = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(run.path(), 1);
        write(&checkpoints, 1);
        // A file in the place of a file's folder, as a disk fault or a careless hand leaves it.
        let blocked =
            Checkpoints::of(&run.path().join(FOLDER).join("step-0000000001-epoch-00001").join(STATE), 1);
        let error = blocked.write(state(2), &[(WEIGHTS, weights(2))]).unwrap_err().to_string();
        assert!(error.contains("cannot create the folder") && error.contains(STATE), "{error}");
        assert_eq!(newest(&checkpoints).state.position.step, 1);
    }
}
