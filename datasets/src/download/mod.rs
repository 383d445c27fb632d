//! Downloads that continue where they broke off and end in the right file or in none.
//!
//! What arrives goes to `NAME.part` beside the target; `NAME.part.json` says where it is from. When all is there, the
//! digest of the whole file decides: the right one is synced and renamed to its name, a wrong one to `NAME.rejected`. So
//! a file under its own name is the official one, whatever a mirror sent and whenever the process ended.
//!
//! # Protocol
//!
//! A part is continued by `Range: bytes=N-` (RFC 9110, section 14) and, where the peer has named the version, `If-Range`
//! with a strong `ETag` or else `Last-Modified` (section 13.1.5). A part from another mirror is continued only where a
//! digest will judge the whole. What is put together from answers and turns out wrong is fetched once more from the start,
//! before the mirror is blamed. A peer that knows no ranges, or answers with a wrong one, is asked for the whole.
//!
//! A peer is given up after [`Options::attempts`] attempts in a row without progress, and at once where asking again
//! cannot help (404, another length, wrong bytes); then comes the next mirror.
//!
//! Nothing is taken from the environment: a proxy or a certificate authority of one's own are [`Options`].

mod agent;
mod content_range;
mod error;
mod exchange;
mod part;
mod resolver;

use std::{
    fs::{self, File},
    ops::ControlFlow,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

pub use error::{DownloadError, MirrorFailure};
use exchange::{Exchange, Trouble};
use part::Part;

use crate::official::{Fingerprint, digest};

/// More than this beyond what was ever there counts as progress, so a long download may break off often.
const PROGRESS: u64 = 1 << 20;

/// Waiting doubles from attempt to attempt up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How patient a download is, and how it gets out.
#[derive(Debug, Clone)]
pub struct Options {
    /// Time for finding the host, connecting and agreeing on encryption.
    pub connect_timeout: Duration,
    /// Within this time an answer must begin, and then [`least`](Self::least) bytes arrive again and again.
    pub stall_timeout: Duration,
    /// Bytes that must arrive within every [`stall_timeout`](Self::stall_timeout).
    pub least: u64,
    /// Attempts in a row without progress at each mirror; at least 1.
    pub attempts: u32,
    /// Wait before the second attempt; doubles with each further one, up to a minute.
    pub backoff: Duration,
    /// Certificate authorities in PEM to trust instead of the usual ones.
    pub authorities: Option<PathBuf>,
    /// An HTTP proxy, as a URL.
    pub proxy: Option<String>,
    /// Whether a file under the target's name that is not the official one is replaced, once the right one is there.
    pub replace: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(20),
            stall_timeout: Duration::from_secs(30),
            least: 4096,
            attempts: 5,
            backoff: Duration::from_secs(1),
            authorities: None,
            proxy: None,
            replace: false,
        }
    }
}

/// What a download is doing.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A mirror is asked; `have` bytes are there already.
    Asking {
        /// The mirror's file.
        url: &'a str,
        /// Bytes in the part.
        have: u64,
    },
    /// Bytes have arrived.
    Bytes {
        /// Bytes in the part.
        have: u64,
        /// Bytes of the whole, if they are known.
        total: Option<u64>,
    },
    /// An attempt failed.
    Trouble {
        /// The mirror's file.
        url: &'a str,
        /// Why.
        reason: &'a str,
        /// The time until the next attempt; `None` if this mirror is given up.
        wait: Option<Duration>,
    },
    /// Time passes before the next attempt.
    Waiting,
    /// All bytes are there and are compared with the digest.
    Checking,
}

/// How a download ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The official file was there before.
    AlreadyThere,
    /// It was fetched.
    Fetched {
        /// The mirror that had the last of it; `None` if the part was whole before anyone was asked.
        url: Option<String>,
        /// Bytes of earlier calls that did not have to be sent again.
        kept: u64,
    },
}

/// Fetches the file `target` from the first of `urls` that has what `expected` says.
///
/// `report` hears what happens, often, and ends the download by answering [`ControlFlow::Break`].
///
/// # Errors
///
/// A file under the target's name that is another one ([`DownloadError::TargetDiffers`]), a second process at the same
/// file, a part that somebody removes or changes, a full disk or an unwritable folder, unusable options; [`DownloadError::Failed`] with the reason of every mirror;
/// [`DownloadError::Interrupted`]. In the last two the part is kept and the same call continues.
pub fn download(
    urls: &[String],
    target: &Path,
    expected: &Fingerprint,
    options: &Options,
    report: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
) -> Result<Outcome, DownloadError> {
    let agent = agent::build(options)?;
    if is_there(target, expected, options)? {
        return Ok(Outcome::AlreadyThere);
    }
    let mut part = Part::open(target)?;
    // Whoever held the lock until now may just have finished.
    if is_there(target, expected, options)? {
        part.discard()?;
        return Ok(Outcome::AlreadyThere);
    }
    if expected.bytes.is_some_and(|bytes| part.length() > bytes) {
        part.restart()?;
    }
    let mut download = Download { exchange: Exchange { agent, expected, options }, part, report };
    // A whole part needs no peer; a wrong one is of no use to any.
    if expected.bytes == Some(download.part.length()) && expected.is_proof() {
        if download.difference()?.is_none() {
            let kept = download.part.kept();
            download.part.finish(target)?;
            return Ok(Outcome::Fetched { url: None, kept });
        }
        download.part.restart()?;
    }
    let mut failures = Vec::new();
    for url in urls {
        match download.from(url) {
            Ok(()) => {
                let kept = download.part.kept();
                download.part.finish(target)?;
                return Ok(Outcome::Fetched { url: Some(url.clone()), kept });
            }
            Err(Trouble::Local(error)) => return Err(error),
            Err(
                Trouble::Again(reason)
                | Trouble::Whole(reason)
                | Trouble::NoRanges(reason)
                | Trouble::Mirror(reason),
            ) => {
                failures.push(MirrorFailure { url: url.clone(), reason });
            }
        }
    }
    let (part, have) = (download.part.path().to_path_buf(), download.part.length());
    if have == 0 {
        download.part.discard()?;
    }
    Err(DownloadError::Failed { target: target.into(), failures, part, have })
}

/// Whether the official file is there already.
fn is_there(target: &Path, expected: &Fingerprint, options: &Options) -> Result<bool, DownloadError> {
    let file = match File::open(target) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(DownloadError::io("read", target, source)),
    };
    let found = digest(file, expected).map_err(|source| DownloadError::io("read", target, source))?;
    let difference = match expected.difference(&found) {
        None if expected.is_proof() => return Ok(true),
        None => "no digest is known to tell whether it is the official file".into(),
        Some(difference) => difference,
    };
    if options.replace {
        return Ok(false);
    }
    Err(DownloadError::TargetDiffers { target: target.into(), difference })
}

/// A download under way.
struct Download<'a> {
    exchange: Exchange<'a>,
    part: Part,
    report: &'a mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
}

impl Download<'_> {
    /// Attempts at one mirror, until the right file is there or this mirror is given up.
    fn from(&mut self, url: &str) -> Result<(), Trouble> {
        let mut ranges = true;
        let mut failed = 0;
        self.part.set_stale(false);
        let mut furthest = self.part.length();
        loop {
            self.tell(Progress::Asking { url, have: self.part.length() })?;
            let asks = ranges && !self.part.is_stale();
            let trouble = match self.exchange.run(url, asks, &mut self.part, self.report) {
                Ok(()) => match self.judge()? {
                    None => return Ok(()),
                    Some(trouble) => trouble,
                },
                Err(trouble) => trouble,
            };
            if self.part.length() > furthest + PROGRESS {
                failed = 0;
            }
            furthest = furthest.max(self.part.length());
            failed += 1;
            let reason = match &trouble {
                Trouble::Again(reason) => reason,
                Trouble::Whole(reason) => {
                    self.part.set_stale(true);
                    reason
                }
                Trouble::NoRanges(reason) => {
                    ranges = false;
                    reason
                }
                Trouble::Mirror(reason) => {
                    self.tell(Progress::Trouble { url, reason, wait: None })?;
                    return Err(trouble);
                }
                Trouble::Local(_) => return Err(trouble),
            };
            if failed >= self.exchange.options.attempts {
                self.tell(Progress::Trouble { url, reason, wait: None })?;
                return Err(trouble);
            }
            let wait =
                self.exchange.options.backoff.saturating_mul(1 << (failed - 1).min(16)).min(LONGEST_WAIT);
            self.tell(Progress::Trouble { url, reason, wait: Some(wait) })?;
            self.wait(wait)?;
        }
    }

    /// What is wrong with a file that has arrived as a whole.
    fn judge(&mut self) -> Result<Option<Trouble>, Trouble> {
        let Some(difference) = self.difference()? else { return Ok(None) };
        let (put_together, clean) = (self.part.is_put_together(), self.part.kept() == 0);
        if !put_together {
            let rejected = self.part.reject()?;
            return Ok(Some(Trouble::Mirror(format!("{difference} (kept as {})", rejected.display()))));
        }
        self.part.restart()?;
        let reason = format!("what was put together is not the official file: {difference}; it starts again");
        // Begun in this very call and still wrong: the peer's ranges are not to be trusted.
        Ok(Some(if clean { Trouble::NoRanges(reason) } else { Trouble::Again(reason) }))
    }

    fn difference(&mut self) -> Result<Option<String>, DownloadError> {
        self.tell(Progress::Checking)?;
        let found = self.part.digest(self.exchange.expected)?;
        Ok(self.exchange.expected.difference(&found))
    }

    fn tell(&mut self, progress: Progress<'_>) -> Result<(), DownloadError> {
        tell(self.report, &self.part, progress)
    }

    fn wait(&mut self, wait: Duration) -> Result<(), Trouble> {
        let start = Instant::now();
        while let Some(left) = wait.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
            thread::sleep(left.min(Duration::from_millis(100)));
            self.tell(Progress::Waiting)?;
        }
        Ok(())
    }
}

/// Reports, and turns the wish to end into the error for it.
fn tell(
    report: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
    part: &Part,
    progress: Progress<'_>,
) -> Result<(), DownloadError> {
    if report(progress).is_continue() {
        return Ok(());
    }
    Err(DownloadError::Interrupted { part: part.path().into(), have: part.length() })
}

/// `path` with `ending` added to its name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Makes the renaming of a file last through a crash, where folders can be synced at all.
fn sync_folder(file: &Path) {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
}

/// Removes a file that may be absent.
fn remove(path: &Path) -> Result<(), DownloadError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(DownloadError::io("remove", path, source))
        }
        _ => Ok(()),
    }
}
