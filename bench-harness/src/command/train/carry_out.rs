//! A run of `anact train` or `anact run`, from its first step or from a checkpoint to what it leaves.

use std::path::PathBuf;

use datasets::Dataset;
use serde_json::json;

use super::report;
use crate::checkpoint::{Checkpoints, Loaded};
use crate::command::data_set::load_noted;
use crate::command::output::{Output, say};
use crate::error::{Error, Result};
use crate::record::{Claim, RecordError, RunFolder, default_folder, versions};
use crate::resident::Room;
use crate::run::{
    Interrupt, Keeping, MemoryPlan, Options, Outcome, Progress, RunContext, Session, Settings, Watch,
    Watchers,
};
use crate::table::bytes;

/// How a run meets its user.
#[derive(Debug, Clone, Copy)]
pub(in crate::command) struct Console {
    /// Lines for people, or the record for programs.
    pub(in crate::command) printed: Output,
    /// Progress lines even on a terminal; without the dashboard there is nothing else.
    #[cfg_attr(not(feature = "tui"), expect(dead_code))]
    pub(in crate::command) plain: bool,
    /// Hears the wish to stop.
    pub(in crate::command) listen: fn() -> Interrupt,
}

impl Console {
    /// What the terminal shows meanwhile: a dashboard where there is somebody to look at it, else progress lines.
    fn watcher(self, interrupt: &Interrupt) -> Box<dyn Watch> {
        #[cfg(feature = "tui")]
        if !self.plain && !self.printed.is_json() && crate::dashboard::is_possible() {
            return Box::new(crate::dashboard::Dashboard::new(interrupt.clone()));
        }
        let _ = interrupt;
        Box::new(Progress::on_stderr(self.printed.is_json()))
    }
}

/// A folder that no run has had before.
///
/// # Errors
/// One that holds a record, or that another process works in.
pub(in crate::command) fn new_folder(path: PathBuf) -> Result<(RunFolder, Claim)> {
    let folder = RunFolder::create(path)?;
    let claim = folder.claim()?;
    // Another process may have been there and gone since the folder was made.
    match folder.records()?.is_empty()? {
        true => Ok((folder, claim)),
        false => Err(RecordError::RunExists { record: folder.record_path() }.into()),
    }
}

/// A run from its first step, in the folder that `open` gives once the data are read and the network is built.
pub(in crate::command) fn start(
    options: Options,
    open: impl FnOnce(PathBuf) -> Result<(RunFolder, Claim)>,
    console: Console,
) -> Result<()> {
    let output = options.output.clone();
    let command: Vec<String> =
        ["anact", "train"].map(String::from).into_iter().chain(options.arguments()).collect();
    let settings = Settings::of(options)?;
    let data = load_noted(&settings)?;
    let session = Session::new(settings.clone(), &data)?;
    let plan = session.memory_plan()?;
    let name = format!("{}-{}", settings.model, settings.activation);
    let (folder, _claim) = open(output.unwrap_or_else(|| default_folder(&name)))?;
    session.card().write(&folder)?;
    let line = json!({
        "settings": settings,
        "command": command,
        "data": { "checks": data.checks, "remarks": data.remarks },
        "versions": versions(rayon::current_num_threads()),
        "memory_plan_bytes": plan,
    });
    folder.records()?.write("config", &line)?;
    say!(console.printed, "recording to {}", folder.path().display());
    if settings.validation_images.is_none() && !session.has_validation() {
        eprintln!(
            "note: a tenth of so few images would leave a class without any, so none are held out for validation"
        );
    }
    say!(
        console.printed,
        "a step's tensors will take {} at their peak, the optimiser {}, and the comparison with the theory, before the first step and \
         after the last, {}",
        bytes(plan.step as u64),
        bytes(plan.optimiser as u64),
        bytes(plan.comparison as u64)
    );
    note_want_of_room(plan);
    if let Some(every) = settings.inspect_every {
        say!(
            console.printed,
            "every {every} steps the layers are compared with the theory; such a step keeps its values, so it takes more memory"
        );
    }
    train(session, &settings, &data, (&folder, console, &(console.listen)()), None)
}

/// Says so where there is less memory than the run is going to take: an allocation that fails ends the process with no more than its size.
/// No error, since what the machine can free is an estimate.
fn note_want_of_room(plan: MemoryPlan) {
    let wanted = plan.most() as u64;
    if let Some(room) = Room::read().filter(|room| room.bytes < wanted) {
        eprintln!(
            "note: this run will take {} more, and {} is {}: it may end for want of memory; a smaller --batch takes less, and what is \
             recorded until then is kept",
            bytes(wanted),
            room.of,
            bytes(room.bytes)
        );
    }
}

/// A run from its newest whole checkpoint.
pub(in crate::command) fn resume(
    folder: &RunFolder,
    claim: &Claim,
    options: &Options,
    console: Console,
) -> Result<()> {
    if let Some(option) = options.given().into_iter().find(|option| option != "--data") {
        return Err(Error::Setting {
            setting: "--resume",
            value: format!("given with {option}"),
            legal: "no option of the run but --data: a run goes on with the settings it began with".into(),
        });
    }
    folder.clean(claim);
    let checkpoints = Checkpoints::of(folder.path(), 1);
    checkpoints.clean();
    let found = checkpoints.newest()?;
    for damaged in &found.damaged {
        eprintln!("note: passed over, since it is damaged: {damaged}");
    }
    let Some(loaded) = found.newest else {
        let problem = "it holds no checkpoint to go on from; start the run anew in another folder".into();
        return Err(Error::File { path: folder.path().to_path_buf(), problem });
    };
    let mut settings = Settings::from_json(&loaded.state.settings).map_err(|error| Error::File {
        path: loaded.path.clone(),
        problem: format!("its settings, by version {}, cannot be used: {error}", loaded.state.version),
    })?;
    if let Some(data) = &options.data {
        settings.data = Some(data.clone());
    }
    let data = load_noted(&settings)?;
    // Before all pictures are read: a wish to stop is heard from here on.
    let interrupt = (console.listen)();
    let session = Session::resuming(settings.clone(), &data, &loaded)?;
    // Only now that the data are known to be those of the run.
    if options.data.is_some() {
        session.card().write(folder)?;
    }
    note_want_of_room(session.memory_plan()?);
    say!(console.printed, "going on from step {} in {}", loaded.state.position.step, folder.path().display());
    train(session, &settings, &data, (folder, console, &interrupt), Some(&loaded))
}

fn train(
    session: Session<'_>,
    settings: &Settings,
    data: &Dataset,
    (folder, console, interrupt): (&RunFolder, Console, &Interrupt),
    from: Option<&Loaded>,
) -> Result<()> {
    let mut record = folder.records()?;
    let label = format!("{} {}", settings.model, settings.activation);
    let keeping = Some(Keeping::new(folder, settings.keep));
    let watchers = Watchers::default().with_boxed(console.watcher(interrupt)).logging(&settings.log, folder);
    let context = RunContext { label: &label, record: &mut record, interrupt, keeping, watchers };
    let leave = |outcome: &Outcome| report::write(folder, settings, &data.classes, outcome);
    let (outcome, left) = session.run_and(context, from, leave)?;
    // First what was found, and then that it could not be written down: nothing of it is lost.
    report::print(&outcome, console.printed);
    if left.is_ok() {
        say!(console.printed, "recorded in {}", folder.path().display());
    }
    let shown = console.printed.record(folder);
    left.and(shown)
}
