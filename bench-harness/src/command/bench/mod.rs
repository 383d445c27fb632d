//! `anact bench`: what things cost on this machine.

mod moments;
mod tape;

use clap::{Args, Subcommand};

use crate::error::Result;

/// Arguments of `anact bench`.
#[derive(Debug, Args)]
pub(super) struct Bench {
    #[command(subcommand)]
    what: What,
}

/// What is measured.
#[derive(Debug, Subcommand)]
enum What {
    /// Time and memory of a node on the tape, apart from what its op computes
    Tape(tape::Tape),
    /// Time of the Gaussian moments by activation and standard deviation
    Moments(moments::Moments),
}

impl Bench {
    pub(super) fn run(self) -> Result<()> {
        match self.what {
            What::Tape(tape) => tape.run(),
            What::Moments(moments) => moments.run(),
        }
    }
}
