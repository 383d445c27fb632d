//! `anact run`: one run of a plan, as often as one likes.

use clap::Args;

use super::output::{Output, say};
use super::plan_options::PlanOptions;
use super::train::{Console, new_folder, resume, start};
use crate::checkpoint::Checkpoints;
use crate::error::{Error, Result};
use crate::plan::{PlannedRun, Stage};
use crate::record::{Claim, RecordError, RunFolder};
use crate::run::{Interrupt, Options, WITHOUT_EFFECT};

/// Arguments of `anact run`.
#[derive(Debug, Args)]
pub(super) struct RunCommand {
    #[command(flatten)]
    plan: PlanOptions,
    /// The run's number in the plan, from 1
    #[arg(long)]
    index: usize,
    /// Stop, with a checkpoint, when standard input ends: with the process that has its other end; implies --plain
    #[arg(long)]
    until_input_ends: bool,
    /// Progress lines even on a terminal, where a dashboard would show the run
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    printed: Output,
}

impl RunCommand {
    pub(super) fn run(self) -> Result<()> {
        let run = self.plan.open()?.run(self.index)?;
        let listen =
            if self.until_input_ends { Interrupt::listen_and_follow_input } else { Interrupt::listen };
        // A dashboard would read the keys, and standard input is for something else.
        let plain = self.plain || self.until_input_ends;
        let console = Console { printed: self.printed, plain, listen };
        match carry_out(&run, console) {
            Err(Error::Record(RecordError::InUse { folder })) => Err(Error::Unfinished(format!(
                "run {} is running in another process, {}",
                run.index,
                folder.display()
            ))),
            other => other,
        }
    }
}

/// Does what is missing of a run: all of it, what comes after its newest checkpoint, or nothing.
fn carry_out(run: &PlannedRun, console: Console) -> Result<()> {
    loop {
        match RunFolder::open(&run.folder) {
            Ok(folder) => {
                let claim = folder.claim()?;
                return go_on(run, folder, claim, console);
            }
            Err(RecordError::NoRun { .. }) => match start(run.options.clone(), new_folder, console) {
                // While the data were read another process has made the folder.
                Err(Error::Record(RecordError::RunExists { .. })) => {}
                other => return other,
            },
            Err(other) => return Err(other.into()),
        }
    }
}

/// Does the rest of a run that was begun; nobody else has its folder.
fn go_on(run: &PlannedRun, folder: RunFolder, claim: Claim, console: Console) -> Result<()> {
    match run.stage()? {
        Stage::Finished { test, .. } => {
            say!(
                console.printed,
                "{} is finished: accuracy {:.2} %",
                folder.path().display(),
                100.0 * test.accuracy
            );
            return console.printed.record(&folder);
        }
        Stage::Diverged { reason } => {
            let again = "it would do so again; to try all the same, move or delete its folder";
            let text = format!("{} has diverged earlier: {reason}\n{again}", folder.path().display());
            return Err(Error::CheckFailed(text));
        }
        Stage::Missing | Stage::Begun { .. } => {}
    }
    // Damaged ones are an error: what they were worth is for people to say.
    if Checkpoints::of(folder.path(), 1).newest()?.newest.is_some() {
        note_what_stays(run);
        let data = Options { data: run.options.data.clone(), ..Options::default() };
        return resume(&folder, &claim, &data, console);
    }
    // It was killed before its first step: what there is of its record is what every run begins with.
    start(
        run.options.clone(),
        |_| {
            folder.clean(&claim);
            folder.records()?.cut(0)?;
            Ok((folder, claim))
        },
        console,
    )
}

/// The settings that a run keeps though its plan may change them.
pub(super) fn what_stays() -> impl Iterator<Item = &'static str> {
    WITHOUT_EFFECT.into_iter().filter(|key| *key != "data")
}

/// Says where the plan has changed in what may differ between a plan and a run that was begun: the run stays as it is. Where its data
/// are is the plan's to say.
fn note_what_stays(run: &PlannedRun) {
    let fields = |settings| serde_json::to_value(settings).expect("settings are plain data");
    let history = match run.history() {
        Ok(Some(history)) => history,
        Ok(None) => return,
        // No reason not to go on.
        Err(error) => return eprintln!("note: whether the plan has changed since is not known: {error}"),
    };
    let (there, planned) = (fields(&history.settings), fields(&run.settings));
    for key in what_stays().filter(|key| there[*key] != planned[*key]) {
        eprintln!(
            "note: the run goes on with {key} {}, as it was begun; the plan now has {}",
            there[key], planned[key]
        );
    }
}
