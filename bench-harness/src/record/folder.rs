//! The folder of one run, and files that are either whole or absent.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Csv, RecordError, RecordWriter, Result, utc_now};

const RECORD: &str = "record.jsonl";
const LOCK: &str = "run.lock";
/// How the names of files end that are being written.
const TEMPORARY: &str = ".tmp";

/// `runs/<time>-<name>`, where a run is recorded unless told otherwise; the time is in UTC, to the second.
pub fn default_folder(name: &str) -> PathBuf {
    let time: String = utc_now().chars().filter(char::is_ascii_digit).collect();
    PathBuf::from("runs").join(format!("{time}-{name}"))
}

/// A folder that belongs to one run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Creates the folder, its parents where missing, and an empty `record.jsonl` in it.
    ///
    /// The folder may exist and may hold other files. The record is claimed by an exclusive create, so of two
    /// processes started on the same folder exactly one succeeds.
    ///
    /// # Errors
    /// [`RecordError::RunExists`] if a record is there already, [`RecordError::Io`] if the folder cannot be
    /// created or written to.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let there_before = path.ancestors().find(|folder| folder.exists());
        fs::create_dir_all(path).map_err(RecordError::io("create the folder", path))?;
        let record = path.join(RECORD);
        match OpenOptions::new().write(true).create_new(true).open(&record) {
            Ok(_) => {
                for folder in path.ancestors() {
                    sync_folder(folder);
                    if Some(folder) == there_before {
                        break;
                    }
                }
                Ok(Self { path: path.to_path_buf() })
            }
            // Asked of the file, not of the error: a folder without permission may answer either way.
            Err(_) if record.exists() => Err(RecordError::RunExists { record }),
            Err(source) => Err(RecordError::io("create", &record)(source)),
        }
    }

    /// Opens the folder of an earlier run, to read it or to go on with it.
    ///
    /// # Errors
    /// [`RecordError::NoRun`] if it holds no record.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let folder = Self { path: path.as_ref().to_path_buf() };
        let record = folder.record_path();
        if record.is_file() { Ok(folder) } else { Err(RecordError::NoRun { record }) }
    }

    /// Claims the folder for this process until the answer is dropped, so that no two processes write one run.
    ///
    /// # Errors
    /// [`RecordError::InUse`] if another process has claimed it, [`RecordError::Io`] if the lock cannot be made.
    pub fn claim(&self) -> Result<Claim> {
        let path = self.file(LOCK);
        // Never cut: where a link stands in its place, that would be somebody's file.
        let open = File::options().write(true).create(true).truncate(false).open(&path);
        let file = open.map_err(RecordError::io("create", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Claim { _file: file }),
            Err(TryLockError::WouldBlock) => Err(RecordError::InUse { folder: self.path.clone() }),
            Err(TryLockError::Error(source)) => Err(RecordError::io("lock", &path)(source)),
        }
    }

    /// Removes what a process that was killed left of the files that it was writing. Whoever has the claim knows that nobody
    /// writes them now.
    pub fn clean(&self, _claim: &Claim) {
        let is_left = |name: &str| name.starts_with('.') && name.ends_with(TEMPORARY);
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(is_left) {
                // They take room and do no other harm.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a file of this name lies in the folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Where the record lies.
    #[must_use]
    pub fn record_path(&self) -> PathBuf {
        self.file(RECORD)
    }

    /// Opens the record for adding lines after those it has.
    ///
    /// # Errors
    /// [`RecordError::Io`] if it cannot be opened.
    pub fn records(&self) -> Result<RecordWriter> {
        RecordWriter::append(self.record_path())
    }

    /// Writes a file of this name into the folder, whole or not at all.
    ///
    /// # Errors
    /// As [`write_atomic`].
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<()> {
        write_atomic(self.file(name), bytes)
    }

    /// Writes a table of this name into the folder, whole or not at all.
    ///
    /// # Errors
    /// As [`write_atomic`].
    pub fn write_csv(&self, name: &str, table: &Csv) -> Result<()> {
        self.write(name, table.to_string())
    }
}

/// Holds a run's folder for one process. The system lets go of it when the process ends, however that happens.
#[derive(Debug)]
pub struct Claim {
    _file: File,
}

/// Whether two names are of one file, links followed; neither has to exist.
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    let resolved = |path: &Path| {
        path.canonicalize().ok().or_else(|| {
            let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            Some(folder.canonicalize().ok()?.join(path.file_name()?))
        })
    };
    a == b || resolved(a).is_some_and(|a| Some(a) == resolved(b))
}

/// Writes `bytes` to `path` so that at every moment the old file or the new one is there whole.
///
/// The bytes go to a temporary file in the same folder (a rename cannot cross file systems), reach the disk,
/// and take the name `path` in one rename.
///
/// # Errors
/// [`RecordError::Io`]; the old file, if any, is then untouched and the temporary one removed.
pub fn write_atomic(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<()> {
    let path = path.as_ref();
    write_atomic_with(path, |file| file.write_all(bytes.as_ref()).map_err(RecordError::io("write", path)))
}

/// As [`write_atomic`], for what is written piece by piece.
///
/// # Errors
/// Those of `write`, and [`RecordError::Io`]; the old file, if any, is then untouched and the temporary one removed.
pub fn write_atomic_with<T, E: From<RecordError>>(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut File) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let path = path.as_ref();
    let temporary = temporary_beside(path);
    let written = write_and_sync(&temporary, path, write).and_then(|value| {
        fs::rename(&temporary, path).map_err(RecordError::io("rename a temporary file to", path))?;
        Ok(value)
    });
    if written.is_err() {
        // Nothing to add if this fails too: the first error is the one to report.
        let _ = fs::remove_file(&temporary);
        return written;
    }
    sync_folder(path.parent().unwrap_or(Path::new("")));
    written
}

/// Writes `temporary`; errors name `path`, which is what was asked for.
fn write_and_sync<T, E: From<RecordError>>(
    temporary: &Path,
    path: &Path,
    write: impl FnOnce(&mut File) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    // Truncates what a killed process of the same number may have left: containers reuse numbers from 1 on.
    let mut file = File::create(temporary).map_err(RecordError::io("create", path))?;
    let value = write(&mut file)?;
    // Without this a power cut after the rename may leave the new name on an empty file.
    file.sync_all().map_err(RecordError::io("flush", path))?;
    Ok(value)
}

/// A name no other writer uses: process number for other processes, a counter for other threads.
fn temporary_beside(path: &Path) -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.{count}{TEMPORARY}", process::id()))
}

/// Makes the names in a folder durable; the empty path is the present folder. Not every file system lets a folder be synced,
/// and files are whole either way, so a refusal is no error.
pub(crate) fn sync_folder(folder: &Path) {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_the_lock_cuts_nothing() {
        let root = tempfile::tempdir().unwrap();
        let (folder, elsewhere) =
            (RunFolder::create(root.path().join("run")).unwrap(), root.path().join("elsewhere"));
        fs::write(&elsewhere, "precious").unwrap();
        std::os::unix::fs::symlink(&elsewhere, folder.file(LOCK)).unwrap();
        let _claim = folder.claim().unwrap();
        assert_eq!(fs::read(&elsewhere).unwrap(), b"precious");
    }

    #[test]
    fn one_file_has_many_names() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a"), "").unwrap();
        fs::create_dir(at("sub")).unwrap();
        assert!(is_same_file(&at("a"), &at("sub/../a")));
        assert!(is_same_file(&at("new"), &at("sub/../new")));
        assert!(!is_same_file(&at("a"), &at("new")));
        assert!(!is_same_file(&at("missing/a"), &at("a")));
    }

    #[test]
    fn a_run_is_never_overwritten() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("deep/er/run");
        let run = RunFolder::create(&path).unwrap();
        fs::write(run.record_path(), "precious").unwrap();
        let message = RunFolder::create(&path).unwrap_err().to_string();
        assert!(message.contains("run/record.jsonl already exists"), "{message}");
        assert!(message.contains("choose another folder"), "{message}");
        assert_eq!(fs::read_to_string(run.record_path()).unwrap(), "precious");
    }

    #[test]
    fn other_files_in_the_folder_are_welcome() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("notes.txt"), "").unwrap();
        assert!(RunFolder::create(root.path()).is_ok());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [file.clone(), file.join("run")] {
            let message = RunFolder::create(&path).unwrap_err().to_string();
            assert!(message.contains(&path.display().to_string()), "{message}");
            assert!(message.contains("choose another path"), "{message}");
        }
    }

    #[test]
    fn opening_what_is_no_run() {
        let root = tempfile::tempdir().unwrap();
        let message = RunFolder::open(root.path()).unwrap_err().to_string();
        assert!(message.contains("record.jsonl does not exist: give the folder of a run"), "{message}");
        RunFolder::create(root.path()).unwrap();
        assert_eq!(RunFolder::open(root.path()).unwrap().path(), root.path());
    }

    #[test]
    fn what_a_killed_process_left_half_written_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(root.path()).unwrap();
        for name in [".best.safetensors.77.0.tmp", ".hidden", "notes.tmp"] {
            folder.write(name, "").unwrap();
        }
        folder.clean(&folder.claim().unwrap());
        assert_eq!(names(root.path()), [".hidden", "notes.tmp", RECORD, LOCK]);
    }

    #[test]
    fn atomic_write_replaces_and_leaves_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("plot.svg");
        write_atomic(&path, "old and longer").unwrap();
        write_atomic(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(root.path()), ["plot.svg"]);
    }

    #[test]
    fn a_failed_write_keeps_the_old_and_cleans_up() {
        let root = tempfile::tempdir().unwrap();
        // A folder cannot be replaced by a file, so the rename, the last step, is the one that fails.
        let path = root.path().join("taken");
        fs::create_dir(&path).unwrap();
        let message = write_atomic(&path, "x").unwrap_err().to_string();
        assert!(message.contains("rename") && message.contains("taken"), "{message}");
        assert_eq!(names(root.path()), ["taken"]);
        let missing = root.path().join("no/such/file");
        let message = write_atomic(&missing, "x").unwrap_err().to_string();
        assert!(message.contains("no/such/file") && message.contains("its folder is not there"), "{message}");
    }

    #[test]
    fn threads_do_not_share_temporary_names() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("f");
        std::thread::scope(|scope| {
            for byte in [b'a', b'b', b'c', b'd'] {
                let path = &path;
                scope.spawn(move || write_atomic(path, [byte; 5000]).unwrap());
            }
        });
        let bytes = fs::read(&path).unwrap();
        assert!(bytes.len() == 5000 && bytes.iter().all(|&byte| byte == bytes[0]));
        assert_eq!(names(root.path()), ["f"]);
    }
}
