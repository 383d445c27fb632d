//! The file that a download grows in, locked against a second process, and the note beside it of where it is from.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{beside, error::DownloadError, remove, sync_folder};
use crate::official::{Digest, Fingerprint, digest};

/// Where the bytes of a part are from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    /// The address that was asked, before redirections.
    pub(super) url: String,
    /// The peer's name for this version of the file.
    pub(super) etag: Option<String>,
    /// Its date, as the peer wrote it.
    pub(super) last_modified: Option<String>,
    /// Its whole length.
    pub(super) total: Option<u64>,
}

impl Origin {
    /// What goes into `If-Range`: a strong entity tag, or the date. A weak tag must not be used there (RFC 9110, 13.1.5).
    pub(super) fn validator(&self) -> Option<&str> {
        let strong = self.etag.as_deref().filter(|tag| tag.starts_with('"'));
        strong.or(self.last_modified.as_deref())
    }
}

/// A locked part. The lock ends with the value.
#[derive(Debug)]
pub(super) struct Part {
    target: PathBuf,
    path: PathBuf,
    note: PathBuf,
    file: File,
    length: u64,
    origin: Option<Origin>,
    /// Bytes of earlier calls.
    kept: u64,
    is_put_together: bool,
    is_stale: bool,
}

impl Part {
    /// Opens or creates the part of `target`.
    pub(super) fn open(target: &Path) -> Result<Self, DownloadError> {
        let (path, note) = (beside(target, ".part"), beside(target, ".part.json"));
        let file = loop {
            let file = OpenOptions::new().read(true).append(true).create(true).open(&path);
            let file = file.map_err(|source| DownloadError::io("write", &path, source))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(DownloadError::InUse { part: path }),
                Err(TryLockError::Error(source)) => return Err(DownloadError::io("lock", &path, source)),
            }
            // Between opening and locking, whoever had the lock may have given the file its final name; writing into
            // it would then damage a good file.
            if is_still_at(&file, &path) {
                break file;
            }
        };
        let length = file.metadata().map_err(|source| DownloadError::io("read", &path, source))?.len();
        // A note that is damaged or absent only means that nothing is known.
        let origin = fs::read(&note).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let is_put_together = length > 0;
        Ok(Self {
            target: target.into(),
            path,
            note,
            file,
            length,
            origin,
            kept: length,
            is_put_together,
            is_stale: false,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Where the bytes are from, if that is known and it is `url`.
    pub(super) fn origin(&self, url: &str) -> Option<&Origin> {
        self.origin.as_ref().filter(|origin| origin.url == url)
    }

    /// How many of its bytes are of earlier calls.
    pub(super) fn kept(&self) -> u64 {
        self.kept
    }

    /// Whether it is more than one whole answer.
    pub(super) fn is_put_together(&self) -> bool {
        self.is_put_together
    }

    /// Whether it is no beginning of what the peer has that is being asked.
    pub(super) fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// Says so, until it is begun anew; it is kept, since another peer may have the rest of it.
    pub(super) fn set_stale(&mut self, is_stale: bool) {
        self.is_stale = is_stale;
    }

    /// Throws away what is there.
    pub(super) fn restart(&mut self) -> Result<(), DownloadError> {
        if self.length > 0 {
            self.file.set_len(0).map_err(|source| DownloadError::io("empty", &self.path, source))?;
        }
        (self.length, self.origin, self.kept) = (0, None, 0);
        (self.is_put_together, self.is_stale) = (false, false);
        remove(&self.note)
    }

    /// Notes where the bytes that follow are from.
    pub(super) fn begin(&mut self, origin: Origin) -> Result<(), DownloadError> {
        let text = serde_json::to_vec(&origin).unwrap_or_default();
        fs::write(&self.note, text).map_err(|source| self.refusal(source, "write"))?;
        self.origin = Some(origin);
        Ok(())
    }

    /// What follows is from another answer.
    pub(super) fn resume(&mut self) {
        self.is_put_together = true;
    }

    /// Adds bytes at the end, as long as anybody will find them.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        self.check_place()?;
        let written = self.file.write_all(bytes);
        match written {
            Ok(()) => self.length += bytes.len() as u64,
            Err(source) => {
                // Some of them may be there.
                self.length = self.file.metadata().map_or(self.length, |metadata| metadata.len());
                return Err(self.refusal(source, "write"));
            }
        }
        Ok(())
    }

    /// Those digests of all its bytes that `published` has.
    pub(super) fn digest(&mut self, published: &Fingerprint) -> Result<Digest, DownloadError> {
        let found = self.file.seek(SeekFrom::Start(0)).and_then(|_| digest(&self.file, published));
        found.map_err(|source| DownloadError::io("read", &self.path, source))
    }

    /// Gives the right file its name, for good: the one that was compared with the digest, told by its length and, on Unix, its inode. What
    /// took its name meanwhile stays where it is.
    pub(super) fn finish(self, target: &Path) -> Result<(), DownloadError> {
        self.file.sync_all().map_err(|source| self.refusal(source, "sync"))?;
        self.check_whole()?;
        fs::rename(&self.path, target).map_err(|source| DownloadError::io("rename to", target, source))?;
        sync_folder(target);
        remove(&self.note)
    }

    /// Puts a wrong file aside and begins anew. The answer is where it lies now.
    pub(super) fn reject(&mut self) -> Result<PathBuf, DownloadError> {
        self.check_whole()?;
        let rejected = beside(&self.target, ".rejected");
        fs::rename(&self.path, &rejected)
            .map_err(|source| DownloadError::io("rename to", &rejected, source))?;
        remove(&self.note)?;
        *self = Self::open(&self.target)?;
        Ok(rejected)
    }

    /// Leaves nothing behind.
    pub(super) fn discard(self) -> Result<(), DownloadError> {
        remove(&self.note)?;
        // What has taken its name is another's.
        if is_still_at(&self.file, &self.path) { remove(&self.path) } else { Ok(()) }
    }

    /// That the name is still that of the file which is open here.
    fn check_place(&self) -> Result<(), DownloadError> {
        if is_still_at(&self.file, &self.path) {
            return Ok(());
        }
        Err(DownloadError::Gone { part: self.path.clone() })
    }

    /// The same, and that nobody else has written to it: the lock keeps out only those who ask for it.
    fn check_whole(&self) -> Result<(), DownloadError> {
        self.check_place()?;
        let found =
            self.file.metadata().map_err(|source| DownloadError::io("read", &self.path, source))?.len();
        if found == self.length {
            return Ok(());
        }
        Err(DownloadError::Changed { part: self.path.clone(), known: self.length, found })
    }

    fn refusal(&self, source: io::Error, doing: &'static str) -> DownloadError {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                DownloadError::DiskFull { part: self.path.clone(), have: self.length }
            }
            _ => DownloadError::io(doing, &self.path, source),
        }
    }
}

/// Whether `path` still names the open `file`.
#[cfg(unix)]
fn is_still_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_still_at(_: &File, path: &Path) -> bool {
    path.exists()
}
