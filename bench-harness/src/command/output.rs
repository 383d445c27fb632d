//! What commands say: tables and sentences for people on stdout, or one JSON object there and the rest on stderr.

use std::fmt::Display;

use clap::Args;
use serde::Serialize;

use crate::error::Result;
use crate::record::{RecordError, RunFolder};
use crate::said::{self, printable};

/// The option that all commands with figures share.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(super) struct Output {
    /// Print JSON on stdout instead of tables: one value, of several pictures one each, of a run its record line by line; what else is said goes to stderr
    #[arg(long)]
    json: bool,
}

impl Output {
    /// As with `--json` if `json` is true.
    pub(super) fn of(json: bool) -> Self {
        Self { json }
    }

    /// Whether programs read stdout.
    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// Says something that is no figure, or one on the way; where it cannot be written the work goes on.
    pub(super) fn say(self, line: impl Display) {
        if self.json {
            said::on_stderr(line);
        } else {
            said::on_stdout(line);
        }
    }

    /// Prints the result: as text, or as one line of JSON. Numbers that are not finite become `null`.
    pub(super) fn result(self, value: &impl Serialize, text: impl FnOnce() -> String) {
        if self.json {
            println!("{}", serde_json::to_string(value).expect("plain numbers and names"));
        } else {
            println!("{}", printable(&text()));
        }
    }

    /// Of a command that leaves a run's folder: with `--json` the lines of its record, each a JSON object.
    ///
    /// # Errors
    /// A record that cannot be read.
    pub(super) fn record(self, folder: &RunFolder) -> Result<()> {
        if self.json {
            let path = folder.record_path();
            print!("{}", std::fs::read_to_string(&path).map_err(RecordError::io("read", &path))?);
        }
        Ok(())
    }
}

/// [`Output::say`] of a formatted line.
macro_rules! say {
    ($output:expr, $($words:tt)+) => {
        $output.say(format_args!($($words)+))
    };
}
pub(super) use say;
