//! `anact reproduce`: an experiment that comes with the command, from its plan to the comparison.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::json;

use super::compare;
use super::output::Output;
use super::plan_options::ShareOptions;
use crate::error::Result;
use crate::lab::Metric;
use crate::plan::{EXPERIMENTS, Plan, experiment};

/// The plans for two cores end so.
const SMALL: &str = "-small";

/// Arguments of `anact reproduce`.
#[derive(Debug, Args)]
pub(super) struct Reproduce {
    /// The experiment
    #[arg(value_parser = PossibleValuesParser::new(names()))]
    name: String,
    /// The size for two cores and hours, in place of the full one
    #[arg(long)]
    small: bool,
    /// Folder for the plan and its runs; the same command goes on there [default: runs/NAME]
    #[arg(long)]
    output: Option<PathBuf>,
    /// The data set's folder, archive or packed file, or the folder that one of them lies in; the plan remembers it
    #[arg(long)]
    data: Option<PathBuf>,
    #[command(flatten)]
    share: ShareOptions,
    /// Write the plan and stop, to run it some other way
    #[arg(long)]
    plan_only: bool,
    #[command(flatten)]
    printed: Output,
}

/// Every experiment, without its size.
fn names() -> Vec<&'static str> {
    EXPERIMENTS.iter().map(|(name, _)| *name).filter(|name| !name.ends_with(SMALL)).collect()
}

impl Reproduce {
    pub(super) fn run(self, threads: Option<usize>) -> Result<()> {
        let name = format!("{}{}", self.name, if self.small { SMALL } else { "" });
        let folder = self.output.unwrap_or_else(|| PathBuf::from("runs").join(&name));
        let (plan, runs) = experiment(&name, &folder.join(Plan::FILE))?
            .with_runs_beside()
            .with_places(None, self.data.as_deref())?
            .write()?;
        if self.plan_only {
            let written = json!({ "plan": plan.path(), "count": runs.len() });
            self.printed.result(&written, || format!("{} runs in {}", runs.len(), plan.path().display()));
            return Ok(());
        }
        let format = if self.printed.is_json() { compare::Format::Json } else { compare::Format::Text };
        let shown = compare::Shown { metric: Metric::Accuracy, baseline: None, format, figures: None };
        compare::sweep_and_show(&plan, &runs, self.share.share(threads), shown)
    }
}
