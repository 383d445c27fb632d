//! `anact train`.

mod carry_out;
mod figures;
mod report;

use std::path::PathBuf;

use clap::Args;

use crate::command::output::Output;
use crate::error::Result;
use crate::record::RunFolder;
use crate::run::{Interrupt, Options};

pub(super) use carry_out::{Console, new_folder, resume, start};

/// Arguments of `anact train`.
#[derive(Debug, Args)]
pub(super) struct Train {
    /// TOML file with options; flags win over it
    #[arg(long)]
    config: Option<PathBuf>,
    /// Go on with the run in this folder from its newest checkpoint, bit for bit; with --data if its data have moved
    #[arg(long, value_name = "RUN", conflicts_with = "config")]
    resume: Option<PathBuf>,
    /// Progress lines even on a terminal, where a dashboard would show the run
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    printed: Output,
}

impl Train {
    pub(super) fn run(self) -> Result<()> {
        let console = Console { printed: self.printed, plain: self.plain, listen: Interrupt::listen };
        match &self.resume {
            Some(run) => {
                let folder = RunFolder::open(run)?;
                let claim = folder.claim()?;
                resume(&folder, &claim, &self.options, console)
            }
            None => {
                let file = self.config.as_deref().map(Options::read).transpose()?.unwrap_or_default();
                start(self.options.over(file), new_folder, console)
            }
        }
    }
}
