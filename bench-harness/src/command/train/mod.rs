//! `anact train`.

mod figures;
mod report;

use std::path::PathBuf;

use clap::Args;
use datasets::Dataset;
use serde_json::json;

use crate::checkpoint::{Checkpoints, Loaded};
use crate::command::data_set::load_noted;
use crate::error::{Error, Result};
use crate::record::{RunFolder, default_folder, versions};
use crate::run::{Interrupt, Keeping, Options, RunContext, Session, Settings};
use crate::table::bytes;

/// Arguments of `anact train`.
#[derive(Debug, Args)]
pub(super) struct Train {
    /// TOML file with options; flags win over it
    #[arg(long)]
    config: Option<PathBuf>,
    /// Go on with the run in this folder from its newest checkpoint, bit for bit; with --data if its data have moved
    #[arg(long, value_name = "RUN", conflicts_with = "config")]
    resume: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

impl Train {
    pub(super) fn run(self) -> Result<()> {
        match &self.resume {
            Some(run) => resume(&RunFolder::open(run)?, &self.options),
            None => {
                let file = self.config.as_deref().map(Options::read).transpose()?.unwrap_or_default();
                start(self.options.over(file))
            }
        }
    }
}

/// A run from its first step.
fn start(options: Options) -> Result<()> {
    let output = options.output.clone();
    let settings = Settings::of(options)?;
    let data = load_noted(&settings)?;
    let session = Session::new(settings.clone(), &data)?;
    let plan = session.memory_plan()?;
    let name = format!("{}-{}", settings.model, settings.activation);
    let folder = RunFolder::create(output.unwrap_or_else(|| default_folder(&name)))?;
    let _claim = folder.claim()?;
    session.card().write(&folder)?;
    let line = json!({
        "settings": settings,
        "data": { "checks": data.checks, "remarks": data.remarks },
        "versions": versions(rayon::current_num_threads()),
        "memory_plan_bytes": plan,
    });
    folder.records()?.write("config", &line)?;
    println!("recording to {}", folder.path().display());
    if settings.validation_images.is_none() && !session.has_validation() {
        eprintln!(
            "note: a tenth of so few images would leave a class without any, so none are held out for validation"
        );
    }
    println!(
        "a step's tensors will take {} at their peak, the optimiser {}",
        bytes(plan.step as u64),
        bytes(plan.optimiser as u64)
    );
    if let Some(every) = settings.inspect_every {
        println!(
            "every {every} steps the layers are compared with the theory; such a step keeps its values, so it takes more memory"
        );
    }
    train(session, &settings, &data, &folder, None)
}

/// A run from its newest whole checkpoint.
fn resume(folder: &RunFolder, options: &Options) -> Result<()> {
    if let Some(option) = options.given().into_iter().find(|option| option != "--data") {
        return Err(Error::Setting {
            setting: "--resume",
            value: format!("given with {option}"),
            legal: "no option of the run but --data: a run goes on with the settings it began with".into(),
        });
    }
    let _claim = folder.claim()?;
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
        problem: format!("its settings, by version {}, are not of this one: {error}", loaded.state.version),
    })?;
    if let Some(data) = &options.data {
        settings.data = Some(data.clone());
    }
    let data = load_noted(&settings)?;
    let session = Session::new(settings.clone(), &data)?;
    if options.data.is_some() {
        session.card().write(folder)?;
    }
    println!("going on from step {} in {}", loaded.state.position.step, folder.path().display());
    train(session, &settings, &data, folder, Some(&loaded))
}

fn train(
    session: Session<'_>,
    settings: &Settings,
    data: &Dataset,
    folder: &RunFolder,
    from: Option<&Loaded>,
) -> Result<()> {
    let mut record = folder.records()?;
    let label = format!("{} {}", settings.model, settings.activation);
    let interrupt = Interrupt::listen();
    let keeping = Some(Keeping::new(folder, settings.keep));
    let context = RunContext { label: &label, record: &mut record, interrupt: &interrupt, keeping };
    let outcome = session.run(context, from)?;
    report::report(folder, settings, &data.classes, &outcome)
}
