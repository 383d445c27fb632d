//! Downloads from a server on this machine that cuts, lies, stalls and forgets.

mod mistakes;
mod random;
mod resuming;
mod server;
mod tls;

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

use datasets::{
    download::{DownloadError, Options, Outcome, Progress, download},
    official::{Fingerprint, digest},
};
use tempfile::TempDir;

/// Bytes without a period, so that a shifted file is a wrong file.
fn file(length: usize) -> Vec<u8> {
    let next = |state: &mut u32| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*state >> 24) as u8
    };
    let mut state = 7;
    (0..length).map(|_| next(&mut state)).collect()
}

/// What would be published of `bytes`.
fn fingerprint(bytes: &[u8]) -> Fingerprint {
    let all = Fingerprint { bytes: None, md5: Some(""), sha256: Some("") };
    let found = digest(bytes, &all).unwrap();
    let leak = |text: Option<String>| text.map(|text| &*text.leak());
    Fingerprint { bytes: Some(found.bytes), md5: leak(found.md5), sha256: leak(found.sha256) }
}

/// Without patience: a test must not wait.
fn options() -> Options {
    Options {
        connect_timeout: Duration::from_secs(5),
        stall_timeout: Duration::from_secs(5),
        backoff: Duration::ZERO,
        attempts: 3,
        ..Options::default()
    }
}

/// A folder to download into, and what a download there does.
struct Location {
    folder: TempDir,
    expected: Fingerprint,
    options: Options,
    /// The troubles that were reported.
    troubles: Vec<String>,
}

impl Location {
    fn new(file: &[u8]) -> Self {
        let (folder, expected) = (TempDir::new().unwrap(), fingerprint(file));
        Self { folder, expected, options: options(), troubles: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn target(&self) -> PathBuf {
        self.path("file.bin")
    }

    fn fetch(&mut self, urls: &[String]) -> Result<Outcome, DownloadError> {
        let troubles = &mut self.troubles;
        download(urls, &self.folder.path().join("file.bin"), &self.expected, &self.options, &mut |progress| {
            if let Progress::Trouble { reason, .. } = progress {
                troubles.push(reason.into());
            }
            ControlFlow::Continue(())
        })
    }

    /// The download must end well, with `file` and nothing beside it.
    fn gets(&mut self, urls: &[String], file: &[u8]) -> Outcome {
        let outcome = self.fetch(urls).unwrap();
        assert!(fs::read(self.target()).unwrap() == file, "another file");
        assert_eq!(names(self.folder.path()), ["file.bin"]);
        outcome
    }

    /// The download must fail, with these words and without a file.
    fn fails(&mut self, urls: &[String], words: &[&str]) -> String {
        let text = self.fetch(urls).unwrap_err().to_string();
        for word in words {
            assert!(text.contains(word), "no `{word}` in: {text}");
        }
        assert!(!self.target().exists());
        text
    }
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}
