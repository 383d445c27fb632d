//! `anact plan`: what the runs of a plan are, how far they are, and how long they will take.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::output::Output;
use super::plan_options::Places;
use super::run::what_stays;
use super::sweeping::{run_row, runs_table};
use crate::error::{Error, Result};
use crate::plan::{Estimate, Plan, PlannedRun, Stage, duration};
use crate::run::Interrupt;
use crate::table::{Table, sig};

/// The most steps of each kind of run that are measured.
const MOST_STEPS: usize = 1000;

/// Arguments of `anact plan`.
#[derive(Debug, Args)]
#[command(after_help = format())]
pub(super) struct PlanCommand {
    /// The plan, a TOML file
    plan: PathBuf,
    #[command(flatten)]
    places: Places,
    /// Steps measured of every kind of run that is left, for the estimate; 0 for none
    #[arg(long, default_value_t = 3)]
    measure_steps: usize,
    /// Print the number of runs and nothing else
    #[arg(long, conflicts_with_all = ["json", "measure_steps"])]
    count: bool,
    #[command(flatten)]
    printed: Output,
}

/// What a plan is.
fn format() -> String {
    let stays: Vec<&str> = what_stays().collect();
    let (last, others) = stays.split_last().expect("something stays");
    format!(
        "{FORMAT} A run that was begun keeps its {} and {last}, whatever the plan says later.\n\n{COMMANDS}",
        others.join(", ")
    )
}

const FORMAT: &str = "A plan:

  name = \"swish\"
  [options]       # those of anact train, with underscores
  dataset = \"cifar10\"
  epochs = 20
  [grid]          # every combination is a run
  activation = [\"swish\", \"nswish\"]
  seed = [1, 2, 3]

All runs share [options]. [[grid]] may be there more than once. Seeds change slowest. The runs' folders are in a folder of the \
plan's name beside it; output = \"…\" in front of [options] names another one. Relative paths begin where the plan is.";

const COMMANDS: &str = "  anact run --plan PLAN --index N   carries out run N, counted from 1: starts,
                                    resumes, or does nothing if it is finished
  anact sweep --plan PLAN --jobs K  all of them here, K at a time
  anact compare --plan PLAN         what they say";

impl PlanCommand {
    pub(super) fn run(self) -> Result<()> {
        if self.measure_steps > MOST_STEPS {
            let (value, legal) = (self.measure_steps.to_string(), format!("at most {MOST_STEPS}"));
            return Err(Error::Setting { setting: "--measure-steps", value, legal });
        }
        let plan = self.places.open(&self.plan)?;
        let runs = plan.runs()?;
        if self.count {
            println!("{}", runs.len());
            return Ok(());
        }
        let stages = runs.iter().map(PlannedRun::stage).collect::<Result<Vec<_>>>()?;
        if !self.printed.is_json() {
            list(&plan, &runs, &stages);
        }
        let left: Vec<(&PlannedRun, &Stage)> =
            runs.iter().zip(&stages).filter(|(_, stage)| !stage.is_over()).collect();
        let estimate = (self.measure_steps > 0 && !left.is_empty())
            .then(|| {
                // Ctrl-C ends it at once: nothing is written here.
                let interrupt = Interrupt::default();
                Estimate::measure(&left, self.measure_steps, &interrupt, |words| eprintln!("{words}"))
            })
            .transpose()?;
        if self.printed.is_json() {
            let runs: Vec<Value> =
                runs.iter().zip(&stages).map(|(run, stage)| run_object(run, stage)).collect();
            let folder = plan.folder();
            let (name, about) = (&plan.name, &plan.about);
            let all = json!({ "name": name, "about": about, "folder": folder, "count": runs.len(), "runs": runs, "estimate": estimate });
            println!("{all}");
        } else if let Some(estimate) = estimate {
            print_estimate(&estimate, left.len());
        }
        Ok(())
    }
}

/// A run for programs.
pub(super) fn run_object(run: &PlannedRun, stage: &Stage) -> Value {
    json!({
        "index": run.index,
        "name": run.name,
        "folder": run.folder,
        "state": stage,
        "command": run.command(),
        "settings": run.settings,
    })
}

fn list(plan: &Plan, runs: &[PlannedRun], stages: &[Stage]) {
    let first_line = |text: &str| text.lines().next().unwrap_or_default().to_string();
    let mut table = runs_table();
    for (run, stage) in runs.iter().zip(stages) {
        let of = run.settings.epochs;
        let state = match stage {
            Stage::Missing => "not begun".to_string(),
            Stage::Begun { epochs, stopped: None } => format!("epoch {epochs} of {of}"),
            Stage::Begun { epochs, stopped: Some(reason) } => {
                format!("epoch {epochs} of {of}, then: {}", first_line(reason))
            }
            Stage::Diverged { reason } => format!("diverged: {}", first_line(reason)),
            Stage::Finished { .. } => "finished".into(),
        };
        table.row(run_row(run, state, stage));
    }
    if let Some(about) = &plan.about {
        println!("{about}");
    }
    let finished = stages.iter().filter(|stage| stage.is_finished()).count();
    println!("{table}\n{} runs in {}, {finished} of them finished", runs.len(), plan.folder().display());
}

fn print_estimate(estimate: &Estimate, left: usize) {
    let mut table = Table::new()
        .text("dataset")
        .text("model")
        .text("activation")
        .number("runs left")
        .number("step ms (median)")
        .number("least to greatest")
        .number("together");
    for kind in &estimate.kinds {
        let ms = |seconds: f64| sig(1e3 * seconds, 3);
        let cells = match (kind.step_s, kind.total_s) {
            (Some([median, least, greatest]), Some([total, ..])) => {
                [ms(median), format!("{} to {}", ms(least), ms(greatest)), duration(total)]
            }
            _ => ["–", "–", "–"].map(String::from),
        };
        let [dataset, model, activation] = [&kind.dataset, &kind.model, &kind.activation].map(String::clone);
        table.row([vec![dataset, model, activation, kind.runs.to_string()], cells.to_vec()].concat());
    }
    println!("\n{table}");
    for (kind, problem) in estimate.kinds.iter().filter_map(|kind| Some((kind, kind.problem.as_ref()?))) {
        println!("{} with {} could not be measured: {problem}", kind.model, kind.activation);
    }
    match estimate.total_s {
        Some([median, least, greatest]) => println!(
            "{left} runs left: about {} one after the other on {} threads, {} to {} by the fastest and the slowest of {} steps each",
            duration(median),
            estimate.threads,
            duration(least),
            duration(greatest),
            estimate.steps
        ),
        None => println!("{left} runs left; how long they take is not known"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_all_that_stays() {
        let help = format();
        let stays = "keeps its workers, find_anomalies, checkpoint_blocks, inspect_every, checkpoint_steps, keep and log, whatever";
        assert!(help.contains(stays), "{help}");
    }
}
