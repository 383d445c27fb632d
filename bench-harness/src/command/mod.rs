//! The subcommands, one file or folder each.

// First, for its macros.
#[macro_use]
mod print;

mod bench;
mod check;
mod compare;
mod completions;
mod data;
mod data_set;
mod eval;
mod execution;
mod export;
mod factors;
mod finished;
mod gradients;
mod init;
mod inspect;
mod list;
mod lr_find;
mod man;
mod moments;
mod network;
mod output;
mod plan;
mod plan_options;
mod predict;
mod quickstart;
mod report;
mod reproduce;
mod run;
mod study;
mod sweep;
mod sweeping;
mod tensor_file;
mod train;
mod weights;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::error::Result;

/// Swish against normalized Swish, and everything needed to trust the answer.
///
/// Without a subcommand, `quickstart` runs: it trains a small residual network with both activations on embedded
/// images and shows accuracy and gradient variance, predicted and measured.
#[derive(Debug, Parser)]
#[command(name = "anact", version, after_help = EXIT_CODES)]
struct Cli {
    /// Threads to compute on; results have the same bits for any number [default: all cores]
    #[arg(long, global = true)]
    threads: Option<usize>,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 a check or download failed or a run diverged; 2 a wrong setting, name or file; \
                          75 stopped with a checkpoint, to be resumed, or busy in another process; 130 interrupted by Ctrl-C.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a small residual net with Swish and NSwish on embedded images and compare (the default)
    Quickstart(quickstart::Quickstart),
    /// Train one network on one data set
    Train(Box<train::Train>),
    /// Compare activations over seeds, from finished runs or by training them: means, paired differences with intervals, as
    /// tables for the terminal and for papers
    Compare(Box<compare::Compare>),
    /// Show finished runs on one self-contained page
    Report(report::ReportCommand),
    /// List the runs of a plan, how far they are, and how long they will take
    Plan(plan::PlanCommand),
    /// Carry out one run of a plan: start it, resume it, or do nothing if it is finished; made for batch systems
    Run(run::RunCommand),
    /// Carry out the runs of a plan that are not finished, on this machine
    Sweep(sweep::SweepCommand),
    /// Carry out an experiment of the paper and compare its runs
    Reproduce(reproduce::Reproduce),
    /// Measure the paper's claims over activations and seeds
    Study(Box<study::Study>),
    /// Data sets: fetch the official files, compare files with them, count, show, pack
    Data(data::Data),
    /// Look at every value and gradient of one training step: table, page, JSON, Graphviz; or compare two, or its
    /// layers with the theory
    Inspect(Box<inspect::Inspect>),
    /// List activations, models, data sets, optimisers, initialisations, ops and experiments
    List(list::List),
    /// Check every gradient, or compare the normalized node and Gaussian moments with reference files
    Check(check::Check),
    /// What normalizes each activation for Gaussian input: ρ, ρ′, λ, and the numbers of its rivals
    Factors(factors::Factors),
    /// Print the moments of an activation under a normal distribution, with λ and its derivatives
    Moments(moments::Moments),
    /// Measure what things cost on this machine
    Bench(bench::Bench),
    /// Evaluate the trained network of a run: accuracy, top 5, classes, confusion
    Eval(eval::Eval),
    /// Say what a run's network sees in picture files
    Predict(predict::Predict),
    /// Write a run's weights as safetensors or NumPy's npz
    Export(export::Export),
    /// Train while the learning rate rises, to see which one to begin with
    LrFind(Box<lr_find::LrFind>),
    /// Write the weights of a new network as a safetensors file
    Init(init::InitWeights),
    /// Write loss, logits and gradients of given weights on a given batch, for comparison with other frameworks
    Gradients(gradients::Gradients),
    /// Print the script by which a shell completes the command line
    Completions(completions::Completions),
    /// Print the manual page, or write one for each subcommand
    Man(man::ManPages),
}

/// Parses the arguments, runs the subcommand, prints an error if there is one, and returns the exit code.
pub fn main() -> ExitCode {
    end_with_the_reader();
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A terminal that has gone away changes no exit code.
            eprintln!("anact: {error}");
            // A node's name is on its tape, not in a list.
            let is_listed = |kind| kind != "node or pattern";
            if matches!(error, crate::Error::Engine(autograd::Error::UnknownName { kind, .. }) if is_listed(kind))
            {
                eprintln!("`anact list` names what there is");
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    if let Some(threads) = cli.threads {
        set_threads(threads)?;
    }
    match cli.command.unwrap_or_else(|| Command::Quickstart(quickstart::Quickstart::default())) {
        Command::Quickstart(command) => command.run(),
        Command::Train(command) => command.run(),
        Command::Compare(command) => command.run(cli.threads),
        Command::Report(command) => command.run(),
        Command::Plan(command) => command.run(),
        Command::Run(command) => command.run(),
        Command::Sweep(command) => command.run(cli.threads),
        Command::Reproduce(command) => command.run(cli.threads),
        Command::Study(command) => command.run(),
        Command::Data(command) => command.run(),
        Command::Inspect(command) => command.run(),
        Command::List(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Factors(command) => command.run(),
        Command::Moments(command) => command.run(),
        Command::Bench(command) => command.run(),
        Command::Eval(command) => command.run(),
        Command::Predict(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::LrFind(command) => command.run(),
        Command::Init(command) => command.run(),
        Command::Gradients(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
    }
}

/// The whole command line, for completions and manual pages.
fn command_line() -> clap::Command {
    Cli::command()
}

/// Has the process end by SIGPIPE, as other programs do, when whoever reads its output has had enough (`anact list | head -1`). Rust
/// ignores the signal, so that printing would panic. A run that ends so goes on from its newest checkpoint.
#[cfg(unix)]
fn end_with_the_reader() {
    use signal_hook::{consts::SIGPIPE, flag::register_conditional_default};
    let always = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    // Without it the process still ends, only less gently.
    let _ = register_conditional_default(SIGPIPE, always);
}

#[cfg(not(unix))]
fn end_with_the_reader() {}

fn set_threads(threads: usize) -> Result<()> {
    let refuse =
        |legal: String| crate::Error::Setting { setting: "--threads", value: threads.to_string(), legal };
    if threads == 0 {
        return Err(refuse("at least 1".into()));
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    pool.map_err(|e| refuse(format!("a number of threads that can be started ({e})")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command_line().debug_assert();
    }
}
