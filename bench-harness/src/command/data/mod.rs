//! `anact data`: what lies on the disk, and how it gets there.

mod fetch;
mod pack;
mod show;
mod stats;
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
    /// Count classes, pixels, grayscale pictures and pictures that are there twice, and time the decoding
    Stats(stats::Stats),
    /// Draw a contact sheet of pictures with their classes, as they are or augmented
    Show(show::Show),
    /// Decode a data set once, to one checked file that is mapped instead of read
    Pack(pack::Pack),
    /// Compare files with the published digests of the official ones
    Verify(verify::Verify),
}

impl Data {
    pub(super) fn run(self) -> Result<()> {
        match self.what {
            What::Fetch(command) => command.run(),
            What::Stats(command) => command.run(),
            What::Show(command) => command.run(),
            What::Pack(command) => command.run(),
            What::Verify(command) => command.run(),
        }
    }
}
