//! What is shown while a file is fetched: a bar on a terminal, else a line per tenth.

use std::io::IsTerminal;

use datasets::download::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::command::output::{Output, say};
use crate::said::printable;

/// The progress of one file.
pub(super) struct Shown {
    name: &'static str,
    bar: ProgressBar,
    is_terminal: bool,
    /// The tenth that was last printed.
    tenth: u64,
    printed: Output,
}

impl Shown {
    pub(super) fn new(name: &'static str, printed: Output) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let bar = if is_terminal { ProgressBar::no_length() } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template(
            "{prefix} {bar:24.cyan/dim} {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left  {msg}",
        );
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(name);
        Self { name, bar, is_terminal, tenth: 0, printed }
    }

    pub(super) fn hear(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Asking { url, have } => {
                self.bar.set_position(have);
                self.bar.reset_eta();
                self.bar.set_message("");
                let from = if have > 0 { format!(", from byte {have} on") } else { String::new() };
                self.say(&format!("{}: asking {url}{from}", self.name));
            }
            Progress::Bytes { have, total } => {
                if let Some(total) = total {
                    self.bar.set_length(total);
                }
                self.bar.set_position(have);
                self.print_tenth(have, total);
            }
            Progress::Trouble { url, reason, wait } => {
                let then = match wait {
                    Some(wait) => format!("trying again in {} s", wait.as_secs_f64()),
                    None => "given up".into(),
                };
                self.say(&format!("{}: {url} {reason}; {then}", self.name));
            }
            Progress::Checking => self.bar.set_message("checking the digest"),
            _ => {}
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn print_tenth(&mut self, have: u64, total: Option<u64>) {
        let Some(total) = total.filter(|&total| total > 0 && !self.is_terminal) else { return };
        let tenth = have.saturating_mul(10) / total;
        if tenth > self.tenth {
            say!(self.printed, "{}: {have} of {total} bytes", self.name);
        }
        self.tenth = tenth;
    }

    fn say(&self, line: &str) {
        if self.is_terminal {
            self.bar.println(printable(line));
        } else {
            self.printed.say(line);
        }
    }
}
