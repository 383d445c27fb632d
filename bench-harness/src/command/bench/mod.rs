//! `anact bench`: what things cost on this machine.

mod denormals;
mod kernels;
mod loader;
mod moments;
mod profile;
mod scaling;
mod spread;
mod step;
mod steps;
mod tape;

use clap::{Args, Subcommand};

use crate::error::{Error, Result};

/// Arguments of `anact bench`.
#[derive(Debug, Args)]
pub(super) struct Bench {
    #[command(subcommand)]
    what: What,
}

/// What is measured.
#[derive(Debug, Subcommand)]
enum What {
    /// A training step on random images: time, memory, and where the time goes
    Step(Box<step::Step>),
    /// Matrix products, convolutions and all else of a step, beside the machine's measured peaks
    Kernels(kernels::Kernels),
    /// Images per second by batch, depth and threads
    Scaling(scaling::Scaling),
    /// Pictures per second decoded and augmented by the loader's threads, alone or while a network trains
    Loader(Box<loader::Loader>),
    /// Time and memory of a node on the tape, apart from what its op computes
    Tape(tape::Tape),
    /// Time of ops on subnormal numbers beside ordinary ones
    Denormals(denormals::Denormals),
    /// Time of the Gaussian moments by activation and standard deviation
    Moments(moments::Moments),
}

/// # Errors
/// A count that is 0, by the name of its option.
fn at_least_one<const N: usize>(counts: [(&'static str, usize); N]) -> Result<()> {
    match counts.into_iter().find(|(_, count)| *count == 0) {
        Some((setting, _)) => Err(Error::Setting { setting, value: "0".into(), legal: "at least 1".into() }),
        None => Ok(()),
    }
}

impl Bench {
    pub(super) fn run(self) -> Result<()> {
        match self.what {
            What::Step(step) => step.run(),
            What::Kernels(kernels) => kernels.run(),
            What::Scaling(scaling) => scaling.run(),
            What::Loader(loader) => loader.run(),
            What::Tape(tape) => tape.run(),
            What::Denormals(denormals) => denormals.run(),
            What::Moments(moments) => moments.run(),
        }
    }
}
