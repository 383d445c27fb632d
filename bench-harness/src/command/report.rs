//! `anact report`: finished runs as one page.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::finished::{groups_in, groups_of_plan};
use super::output::Output;
use super::plan_options::RunsIn;
use crate::error::Result;
use crate::record::write_atomic;
use crate::report::Report;

/// Arguments of `anact report`.
#[derive(Debug, Args)]
pub(super) struct ReportCommand {
    /// Folders of runs, or folders with runs in them
    #[arg(required_unless_present = "plan")]
    runs: Vec<PathBuf>,
    /// The runs of a plan, as many as there are
    #[arg(long, value_name = "PLAN", conflicts_with = "runs")]
    plan: Option<PathBuf>,
    #[command(flatten)]
    runs_in: RunsIn,
    /// The page: one HTML file that needs no other
    #[arg(long, value_name = "FILE.html", default_value = "report.html")]
    output: PathBuf,
    /// The page's head line [default: models, data sets and activations]
    #[arg(long)]
    title: Option<String>,
    /// The activation that all others are compared with [default: each normalized one with its plain twin]
    #[arg(long, value_name = "ACTIVATION")]
    baseline: Option<String>,
    #[command(flatten)]
    printed: Output,
}

impl ReportCommand {
    pub(super) fn run(self) -> Result<()> {
        self.runs_in.check(self.plan.is_some())?;
        let groups = match &self.plan {
            Some(plan) => groups_of_plan(&self.runs_in.open(plan)?)?,
            None => groups_in(&self.runs)?,
        };
        let report = Report::of(&groups, self.title, self.baseline.as_deref())?;
        write_atomic(&self.output, report.to_html())?;
        let (runs, finished) = report.counts();
        let written =
            json!({ "page": self.output, "groups": groups.len(), "runs": runs, "finished": finished });
        self.printed.result(&written, || format!("{runs} runs in {}", self.output.display()));
        Ok(())
    }
}
