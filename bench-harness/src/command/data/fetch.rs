//! `anact data fetch`.

mod shown;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use datasets::download::{Options, Outcome, download};
use datasets::official::{self, Archive, OFFICIAL, Official};
use serde_json::{Value, json};

use self::shown::Shown;
use crate::command::output::{Output, say};
use crate::error::{Error, Result};
use crate::run::Interrupt;
use crate::table::Table;

/// Arguments of `anact data fetch`. Without any, what can be fetched is listed.
#[derive(Debug, Args)]
pub(super) struct Fetch {
    /// The data set
    #[arg(requires = "to")]
    name: Option<String>,
    /// The folder for its files; made if it is not there
    #[arg(long, value_name = "DIR", requires = "name")]
    to: Option<PathBuf>,
    /// Look here instead of at the official addresses: the address of a folder, ending in `/`, or of the one file;
    /// several are tried in turn
    #[arg(long = "url", value_name = "URL", requires = "name")]
    urls: Vec<String>,
    /// Replace a file of the same name that is not the official one, once the right one is there
    #[arg(long)]
    replace: bool,
    /// Attempts in a row without progress at each address
    #[arg(long, value_name = "N", default_value_t = Options::default().attempts)]
    attempts: u32,
    /// Seconds for finding a host and connecting
    #[arg(long, value_name = "SECONDS", default_value_t = Options::default().connect_timeout.as_secs_f64())]
    connect_timeout: f64,
    /// Seconds in which an answer must begin, and in which 4096 bytes must then arrive again and again
    #[arg(long, value_name = "SECONDS", default_value_t = Options::default().stall_timeout.as_secs_f64())]
    stall_timeout: f64,
    /// Certificate authorities to trust instead of the usual ones, in PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// An HTTP proxy, as in http://host:3128; nothing is taken from the environment
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    #[command(flatten)]
    printed: Output,
}

impl Fetch {
    pub(super) fn run(self) -> Result<()> {
        let (Some(name), Some(folder)) = (&self.name, &self.to) else {
            self.printed.result(&json!({ "files": files() }), listing);
            return Ok(());
        };
        let official = official::find(name)?;
        let places = official.archives.iter().map(|archive| self.urls(official, archive));
        let places = places.collect::<Result<Vec<_>>>()?;
        let options = self.options()?;
        fs::create_dir_all(folder).map_err(|e| Error::File {
            path: folder.clone(),
            problem: format!("cannot be made: {e}; want a folder that can be written to"),
        })?;
        let interrupt = Interrupt::listen_saying(
            "stopping; what has arrived is kept, and the same command will continue from there; press Ctrl-C again to stop at once",
        );
        let mut files = Vec::new();
        for (archive, urls) in official.archives.iter().zip(&places) {
            files.push(one(archive, urls, folder, &options, &interrupt, self.printed)?);
        }
        self.printed.result(&json!({ "folder": folder.display().to_string(), "files": files }), || {
            format!("{} holds the official files of `{name}`; `--data` takes it", folder.display())
        });
        Ok(())
    }

    /// Where an archive is looked for.
    fn urls(&self, official: &Official, archive: &Archive) -> Result<Vec<String>> {
        if self.urls.is_empty() {
            return Ok(official.urls(archive));
        }
        let at = |url: &String| match url.strip_suffix('/') {
            Some(_) => Ok(format!("{url}{}", archive.name)),
            None if official.archives.len() == 1 => Ok(url.clone()),
            None => Err(Error::Setting {
                setting: "--url",
                value: url.clone(),
                legal: format!(
                    "the address of a folder, ending in `/`: {} has {} files",
                    official.dataset,
                    official.archives.len()
                ),
            }),
        };
        self.urls.iter().map(at).collect()
    }

    fn options(&self) -> Result<Options> {
        let seconds = |setting, value: f64| {
            Duration::try_from_secs_f64(value).ok().filter(|time| !time.is_zero()).ok_or_else(|| {
                Error::Setting { setting, value: value.to_string(), legal: "more than 0 seconds".into() }
            })
        };
        Ok(Options {
            connect_timeout: seconds("--connect-timeout", self.connect_timeout)?,
            stall_timeout: seconds("--stall-timeout", self.stall_timeout)?,
            attempts: self.attempts,
            authorities: self.ca.clone(),
            proxy: self.proxy.clone(),
            replace: self.replace,
            ..Options::default()
        })
    }
}

/// One file, with its progress shown.
fn one(
    archive: &Archive,
    urls: &[String],
    folder: &Path,
    options: &Options,
    interrupt: &Interrupt,
    printed: Output,
) -> Result<Value> {
    let target = folder.join(archive.name);
    let mut shown = Shown::new(archive.name, printed);
    let outcome = download(urls, &target, &archive.fingerprint, options, &mut |progress| {
        shown.hear(progress);
        if interrupt.check().is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    shown.finish();
    let basis = archive.fingerprint.basis();
    let kept = match outcome? {
        Outcome::AlreadyThere => {
            say!(printed, "{}: already there, official by {basis}", archive.name);
            None
        }
        Outcome::Fetched { kept, .. } => {
            let before = if kept > 0 { format!(" ({kept} bytes were there before)") } else { String::new() };
            say!(printed, "{}: fetched{before}, official by {basis}", archive.name);
            Some(kept)
        }
    };
    Ok(
        json!({ "file": target.display().to_string(), "fetched": kept.is_some(), "kept_bytes": kept, "official_by": basis.to_string() }),
    )
}

/// What can be fetched, for programs.
fn files() -> Vec<Value> {
    let file = |official: &Official, archive: &Archive| {
        let print = &archive.fingerprint;
        json!({
            "dataset": official.dataset, "file": archive.name, "bytes": print.bytes, "md5": print.md5, "sha256": print.sha256,
            "mirrors": official.mirrors,
        })
    };
    OFFICIAL.iter().flat_map(|o| o.archives.iter().map(move |archive| file(o, archive))).collect()
}

/// What can be fetched, and from where.
fn listing() -> String {
    let mut table = Table::new().text("data set").text("file").number("bytes").text("digests").text("from");
    for official in OFFICIAL {
        for (index, archive) in official.archives.iter().enumerate() {
            let first = |text: String| if index == 0 { text } else { String::new() };
            let bytes = archive.fingerprint.bytes.map_or_else(|| "?".into(), |bytes| bytes.to_string());
            let digests = archive.fingerprint.basis().to_string();
            let mirrors = first(official.mirrors.join(", "));
            table.row([first(official.dataset.into()), archive.name.into(), bytes, digests, mirrors]);
        }
    }
    format!("{table}\n`anact data fetch NAME --to DIR` fetches one of them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_known_is_listed() {
        let text = listing();
        for official in OFFICIAL {
            assert!(text.contains(official.dataset) && text.contains(official.mirrors[0]), "{text}");
            assert!(official.archives.iter().all(|archive| text.contains(archive.name)), "{text}");
        }
    }
}
