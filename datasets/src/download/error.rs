//! What a download can fail with.

use std::{fmt::Write, io, path::PathBuf};

use thiserror::Error;

/// Why a download ended without its file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// A file with the target's name is another one.
    #[error(
        "{} is not the official file and is left as it is: {difference}; move it away, or ask for it to be replaced",
        target.display()
    )]
    TargetDiffers {
        /// The file.
        target: PathBuf,
        /// How it differs.
        difference: String,
    },

    /// Another process works on the same part.
    #[error("{} is in use: another process is downloading this file", part.display())]
    InUse {
        /// The part.
        part: PathBuf,
    },

    /// The disk is full.
    #[error("the disk is full after {have} bytes of {}; with room made, the same command continues there", part.display())]
    DiskFull {
        /// The part.
        part: PathBuf,
        /// Its length.
        have: u64,
    },

    /// Somebody removed or replaced the part, so that nobody would ever see what arrives.
    #[error("{} was removed or replaced while the download went on; the same command begins again", part.display())]
    Gone {
        /// The part.
        part: PathBuf,
    },

    /// Somebody else wrote to the part after its bytes were compared with the digest.
    #[error(
        "{} was changed by another program while the download went on: it has {found} bytes, {known} of them were downloaded; remove it \
         and run the same command again",
        part.display()
    )]
    Changed {
        /// The part.
        part: PathBuf,
        /// Its length as far as this process wrote it.
        known: u64,
        /// Its length.
        found: u64,
    },

    /// The operating system refused something here.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },

    /// An option that cannot be used.
    #[error("{option} is {found}; want {legal}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// Its value.
        found: String,
        /// What would have been right.
        legal: String,
    },

    /// No mirror had the file.
    #[error("cannot download {}{}{}", target.display(), reasons(failures), kept(part, *have))]
    Failed {
        /// The file that was wanted.
        target: PathBuf,
        /// Every mirror with its last reason.
        failures: Vec<MirrorFailure>,
        /// The part.
        part: PathBuf,
        /// Its length.
        have: u64,
    },

    /// Whoever heard of the progress wanted an end.
    #[error("interrupted{}", kept(part, *have))]
    Interrupted {
        /// The part.
        part: PathBuf,
        /// Its length.
        have: u64,
    },
}

/// Why one mirror was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorFailure {
    /// The address.
    pub url: String,
    /// The reason of the last attempt.
    pub reason: String,
}

impl DownloadError {
    /// A refusal of the operating system.
    pub(super) fn io(doing: &'static str, path: &std::path::Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.into(), source }
    }
}

fn reasons(failures: &[MirrorFailure]) -> String {
    if failures.is_empty() {
        return ": no address is known".into();
    }
    failures.iter().fold(String::new(), |mut text, failure| {
        let _ = write!(text, "\n  {}: {}", failure.url, failure.reason);
        text
    })
}

fn kept(part: &std::path::Path, have: u64) -> String {
    match have {
        0 => String::new(),
        _ => format!("\n{have} bytes are kept in {}; the same command continues there", part.display()),
    }
}
