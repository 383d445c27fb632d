//! `anact data`: what lies on the disk, and how it gets there.

mod fetch;
mod verify;

use clap::{Args, Subcommand};

use crate::error::Result;

/// Arguments of `anact data`.
#[derive(Debug, Args)]
pub(super) struct Data {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Download the official files of a data set, continuing where an earlier download ended
    Fetch(fetch::Fetch),
    /// Compare files with the published digests of the official ones
    Verify(verify::Verify),
}

impl Data {
    pub(super) fn run(self) -> Result<()> {
        match self.what {
            What::Fetch(command) => command.run(),
            What::Verify(command) => command.run(),
        }
    }
}
