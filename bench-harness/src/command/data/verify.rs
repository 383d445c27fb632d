//! `anact data verify`.

use std::path::PathBuf;

use clap::Args;
use datasets::official::{self, Report, Verdict};

use crate::error::{Error, Result};

/// Arguments of `anact data verify`.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The data set, as `anact data fetch` names it
    name: String,
    /// An archive, a folder of archives, the folder they were unpacked into, or one file
    path: PathBuf,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self) -> Result<()> {
        let report = official::verify(official::find(&self.name)?, &self.path)?;
        if self.json {
            println!("{:#}", serde_json::json!({ "official": report.is_good(), "report": report }));
        } else {
            print!("{}", lines(&report));
        }
        if report.is_good() {
            return Ok(());
        }
        let path = self.path.display();
        Err(Error::CheckFailed(format!("{path} does not hold the official files of `{}`", self.name)))
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
