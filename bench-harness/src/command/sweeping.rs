//! The runs of a plan carried out, for every command that does so.

use std::ffi::OsString;

use super::plan_options::Share;
use crate::error::{Error, Result};
use crate::plan::{End, Invocation, Plan, PlannedRun, Stage, Sweep, duration};
use crate::run::Interrupt;
use crate::table::Table;

/// How a run stands after a sweep.
#[derive(Debug)]
pub(super) struct Standing {
    /// What the sweep made of it.
    pub(super) end: End,
    /// How far it is.
    pub(super) stage: Stage,
}

/// Carries out what is missing of a plan's runs, with words on the way, and returns how each stands then.
///
/// # Errors
/// Wrong settings, data that are not where they should be, folders of something else: all before anything is started.
pub(super) fn sweep(
    plan: &Plan,
    runs: &[PlannedRun],
    share: Share,
    mut say: impl FnMut(String),
) -> Result<Vec<Standing>> {
    let before = runs.iter().map(PlannedRun::stage).collect::<Result<Vec<_>>>()?;
    for (run, stage) in runs.iter().zip(&before) {
        if !stage.is_over() {
            run.check_data()?;
        }
    }
    let finished = before.iter().filter(|stage| stage.is_finished()).count();
    say(format!(
        "{}: {} runs, {finished} of them finished; {} at a time on {} threads each, in {}",
        plan.name,
        runs.len(),
        share.jobs,
        share.threads,
        plan.folder().display()
    ));
    if finished == runs.len() {
        let standing = |stage| Standing { end: End::DoneBefore, stage };
        return Ok(before.into_iter().map(standing).collect());
    }
    let interrupt = Interrupt::listen_saying(
        "stopping the runs, each after writing a checkpoint; press Ctrl-C again to stop at once",
    );
    let ends = Sweep::new(runs, share.jobs, invocation(plan, share)?).carry_out(&interrupt, &mut say)?;
    let standing = |(end, run): (End, &PlannedRun)| Ok(Standing { end, stage: run.stage()? });
    ends.into_iter().zip(runs).map(standing).collect()
}

/// `anact run` for a run of the plan, with the places as they are now, whatever the file says later.
fn invocation(plan: &Plan, share: Share) -> Result<Invocation> {
    let program = std::env::current_exe()
        .map_err(|e| Error::File { path: "anact".into(), problem: format!("cannot find itself: {e}") })?;
    let threads = share.threads.to_string();
    let mut arguments: Vec<OsString> =
        ["run", "--threads", threads.as_str(), "--until-input-ends"].map(OsString::from).to_vec();
    // In one word with its option: a value of its own that begins with a dash would be taken for one.
    let data = plan.data();
    let (path, folder) = (Some(plan.path().to_path_buf()), Some(plan.folder()));
    for (option, value) in [("--plan=", path), ("--runs-in=", folder), ("--data=", data)] {
        arguments.extend(value.map(|value| [option.into(), value.into_os_string()].into_iter().collect()));
    }
    Ok(Invocation { program, arguments })
}

/// Whether all of a plan's runs are finished.
///
/// # Errors
/// Runs that failed, or else that were stopped or not begun.
pub(super) fn all_done(plan: &Plan, standings: &[Standing]) -> Result<()> {
    let count = |is: fn(&End) -> bool| standings.iter().filter(|s| is(&s.end)).count();
    let failed = count(|end| matches!(end, End::Failed { .. }));
    let done = count(|end| matches!(end, End::Done | End::DoneBefore));
    let all = standings.len();
    match failed {
        0 if done == all => Ok(()),
        0 => Err(Error::Unfinished(format!(
            "{done} of {all} runs are finished; the same command carries out the rest"
        ))),
        _ => Err(Error::CheckFailed(format!(
            "{failed} of {all} runs failed, {done} are finished; what each said is in {}/*.log",
            plan.folder().display()
        ))),
    }
}

/// How every run stands.
pub(super) fn ends_table(runs: &[PlannedRun], standings: &[Standing]) -> Table {
    let mut table = runs_table();
    for (run, Standing { end, stage }) in runs.iter().zip(standings) {
        let state = match end {
            End::Done => "done".to_string(),
            End::DoneBefore => "done before".into(),
            End::Failed { reason } => format!("failed: {reason}"),
            End::Paused => "paused".into(),
            End::Elsewhere => "running in another process".into(),
            End::Waiting => "not begun".into(),
        };
        table.row(run_row(run, state, stage));
    }
    table
}

/// A table of runs, without any yet.
pub(super) fn runs_table() -> Table {
    Table::new().number("#").text("run").text("state").number("accuracy %").number("epochs took")
}

/// A run's row in such a table.
pub(super) fn run_row(run: &PlannedRun, state: String, stage: &Stage) -> Vec<String> {
    let (accuracy, took) = match stage {
        Stage::Finished { test, seconds } => (format!("{:.2}", 100.0 * test.accuracy), duration(*seconds)),
        _ => (String::new(), String::new()),
    };
    vec![run.index.to_string(), run.name.clone(), state, accuracy, took]
}
