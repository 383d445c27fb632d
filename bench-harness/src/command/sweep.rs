//! `anact sweep`: the runs of a plan on this machine.

use clap::Args;
use serde_json::{Value, json};

use super::output::Output;
use super::plan::run_object;
use super::plan_options::{PlanOptions, ShareOptions};
use super::sweeping::{all_done, ends_table, sweep};
use crate::error::Result;

/// Arguments of `anact sweep`.
#[derive(Debug, Args)]
#[command(after_help = HOW)]
pub(super) struct SweepCommand {
    #[command(flatten)]
    plan: PlanOptions,
    #[command(flatten)]
    share: ShareOptions,
    #[command(flatten)]
    printed: Output,
}

const HOW: &str = "Every run is a process of its own, `anact run`, with its output in a log file beside its folder. Called again, or \
several times at once, the command carries out what is missing. Ctrl-C and SIGTERM stop the runs with checkpoints. A run that fails \
does not stop the others.";

impl SweepCommand {
    pub(super) fn run(self, threads: Option<usize>) -> Result<()> {
        let plan = self.plan.open()?;
        let runs = plan.runs()?;
        let standings = sweep(&plan, &runs, self.share.share(threads), |words| self.printed.say(words))?;
        let objects: Vec<Value> = runs
            .iter()
            .zip(&standings)
            .map(|(run, standing)| {
                let mut object = run_object(run, &standing.stage);
                // How it ended, and why if it failed.
                if let (Value::Object(object), Value::Object(end)) = (&mut object, json!(standing.end)) {
                    object.extend(end);
                }
                object
            })
            .collect();
        let all = json!({ "name": plan.name, "folder": plan.folder(), "runs": objects });
        self.printed.result(&all, || format!("\n{}", ends_table(&runs, &standings)));
        all_done(&plan, &standings)
    }
}
