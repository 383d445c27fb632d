//! `anact data verify`.

use std::path::PathBuf;

use clap::Args;
use datasets::official::{self, Report, Verdict};
use datasets::packed;

use crate::command::output::Output;
use crate::error::{Error, Result};

/// Arguments of `anact data verify`.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The data set, as `anact data fetch` names it
    name: String,
    /// An archive, a folder of archives, the folder they were unpacked into, one file, or what `anact data pack` wrote
    path: PathBuf,
    #[command(flatten)]
    printed: Output,
}

impl Verify {
    pub(super) fn run(self) -> Result<()> {
        if packed::is_packed(&self.path) {
            return self.packed();
        }
        let report = official::verify(official::find(&self.name)?, &self.path)?;
        if self.printed.is_json() {
            println!("{:#}", serde_json::json!({ "good": report.is_good(), "report": report }));
        } else {
            print!("{}", lines(&report));
        }
        if report.is_good() {
            return Ok(());
        }
        let path = self.path.display();
        Err(Error::CheckFailed(format!("{path} does not hold the official files of `{}`", self.name)))
    }

    /// What `anact data pack` wrote is compared with its own digests: whether it came from the official files was seen then.
    fn packed(&self) -> Result<()> {
        let about = packed::verify(&crate::data::map(&self.path)?, &self.path)?;
        let path = self.path.display();
        if about.name != self.name {
            return Err(Error::CheckFailed(format!(
                "{path} holds `{}` instead of `{}`",
                about.name, self.name
            )));
        }
        if self.printed.is_json() {
            println!("{:#}", serde_json::json!({ "whole": true, "packed": about }));
            return Ok(());
        }
        println!("{path}: every byte is as it was packed by `anact data pack`");
        for (what, lines) in [("checked then", &about.checks), ("remarked then", &about.remarks)] {
            lines.iter().for_each(|line| println!("{what}: {line}"));
        }
        Ok(())
    }
}

/// A line per file: verdict, name, reason.
fn lines(report: &Report) -> String {
    let width = report.findings.iter().map(|finding| finding.file.len()).max().unwrap_or(0);
    let line = |finding: &official::Finding| {
        let needed = if finding.required { "" } else { " (not needed)" };
        format!("{:<12}  {:<width$}  {}{needed}\n", word(finding.verdict), finding.file, finding.statement)
    };
    report.findings.iter().map(line).collect()
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Official => "official",
        Verdict::SameContent => "same content",
        Verdict::Unproven => "unproven",
        Verdict::Differs => "differs",
        Verdict::Missing => "missing",
    }
}
