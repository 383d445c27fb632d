//! Options of the commands that go by a plan.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::error::{Error, Result};
use crate::plan::{Plan, Stage};
use crate::record::RunFolder;

/// A plan and where its runs are.
#[derive(Debug, Args)]
pub(super) struct PlanOptions {
    /// The plan, a TOML file; see `anact plan --help`
    #[arg(long, value_name = "PLAN")]
    plan: PathBuf,
    #[command(flatten)]
    places: Places,
}

/// What may lie elsewhere than the plan says.
#[derive(Debug, Args)]
pub(super) struct Places {
    #[command(flatten)]
    runs: RunsIn,
    /// The data sets' folder, archive or packed file, or the folder that they lie in [default: what the plan says]
    #[arg(long)]
    data: Option<PathBuf>,
}

/// Where a plan's runs are.
#[derive(Debug, Args)]
pub(super) struct RunsIn {
    /// The folder of the plan's runs [default: what the plan says, or one of the plan's name beside it]
    #[arg(long, value_name = "FOLDER")]
    runs_in: Option<PathBuf>,
}

impl RunsIn {
    /// Where a plan is one of several things that a command takes: that it is the one, if this option is given.
    pub(super) fn check(&self, has_plan: bool) -> Result<()> {
        match &self.runs_in {
            Some(folder) if !has_plan => Err(Error::Setting {
                setting: "--runs-in",
                value: folder.display().to_string(),
                legal: "--plan beside it: it says where a plan's runs are".into(),
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn open(&self, plan: &Path) -> Result<Plan> {
        Plan::read(plan)?.with_places(self.runs_in.as_deref(), None)
    }
}

impl Places {
    pub(super) fn open(&self, plan: &Path) -> Result<Plan> {
        self.runs.open(plan)?.with_places(None, self.data.as_deref())
    }
}

impl PlanOptions {
    pub(super) fn open(&self) -> Result<Plan> {
        self.places.open(&self.plan)
    }
}

/// How the machine is shared among runs.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct ShareOptions {
    /// Runs at a time; each has its share of the cores, unless --threads says how many threads [default: 1]
    #[arg(long)]
    jobs: Option<NonZeroUsize>,
}

impl ShareOptions {
    /// The option, if it is given.
    pub(super) fn given(self) -> Option<String> {
        self.jobs.map(|_| "--jobs".to_string())
    }

    /// Each run on `threads`, or its share of the cores.
    pub(super) fn share(self, threads: Option<usize>) -> Share {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let jobs = self.jobs.map_or(1, NonZeroUsize::get);
        Share { jobs, threads: threads.unwrap_or((cores / jobs).max(1)) }
    }
}

/// How many runs at a time, on how many threads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub(super) jobs: usize,
    /// Threads of each.
    pub(super) threads: usize,
}

/// The folders of a plan's runs that were begun; how many are not goes to the terminal.
///
/// # Errors
/// A plan that is wrong, folders of something else, no run at all.
pub(super) fn planned_runs(plan: &Plan) -> Result<Vec<PathBuf>> {
    let runs = plan.runs()?;
    let mut folders = Vec::new();
    for run in &runs {
        // Before its first line a run is nothing that can be read.
        let has_lines = || {
            let record = RunFolder::open(&run.folder).ok().map(|folder| folder.record_path());
            record.and_then(|record| fs::metadata(record).ok()).is_some_and(|file| file.len() > 0)
        };
        if run.stage()? != Stage::Missing && has_lines() {
            folders.push(run.folder.clone());
        }
    }
    match runs.len() - folders.len() {
        0 => {}
        missing if missing < runs.len() => {
            eprintln!("note: {missing} of the {} runs of {} are not begun", runs.len(), plan.name);
        }
        _ => {
            let problem = format!(
                "none of its runs is begun in {}: carry them out with anact sweep --plan, or say --runs-in",
                plan.folder().display()
            );
            return Err(Error::File { path: plan.path().into(), problem });
        }
    }
    Ok(folders)
}
