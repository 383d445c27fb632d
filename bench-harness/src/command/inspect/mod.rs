//! `anact inspect`: one training step with every value and every gradient kept, for looking at.

mod against;
mod export;
mod memory;
mod table;
mod theory;

use std::path::PathBuf;

use autograd::Scalar;
use autograd::inspect::Snapshot;
use clap::Args;

use self::against::Variation;
use self::export::Exports;
use self::theory::TheoryOptions;
use super::network::Dtype;
use super::output::say;
use crate::data::load_data;
use crate::error::{Error, Result};
use crate::run::{Interrupt, Options, Recording, Session, Settings};

/// Arguments of `anact inspect`.
#[derive(Debug, Args)]
#[command(mut_arg("output", |output| output.hide(true)), mut_arg("inspect_every", |every| every.hide(true)))]
pub(super) struct Inspect {
    /// TOML file with options; flags win over it
    #[arg(long)]
    config: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
    /// Training steps to take before the one that is recorded
    #[arg(long, default_value_t = 0)]
    step: u64,
    /// Rows of the table: nodes by path or scope, where * and ? are wildcards, as in "layer2.*" [default: layers with
    /// weights, and the loss]
    #[arg(long, value_name = "PATTERN", conflicts_with = "against")]
    nodes: Option<String>,
    /// Show what the step takes in memory instead, node by node: planned from two small steps, and measured
    #[arg(long, conflicts_with_all = ["html", "dot", "against"])]
    memory: bool,
    #[command(flatten)]
    exports: Exports,
    /// Compare with the same run but for this option, as in seed=1, activation=relu or dtype=f64; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    against: Vec<String>,
    /// With --against: numbers differ if they do by more than this, relative to their tensor's largest
    #[arg(long, default_value_t = 1e-6, requires = "against")]
    epsilon: f64,
    #[command(flatten)]
    theory: TheoryOptions,
}

impl Inspect {
    pub(super) fn run(self) -> Result<()> {
        let file = self.config.as_deref().map(Options::read).transpose()?.unwrap_or_default();
        let options = self.options.over(file);
        if let Some(output) = &options.output {
            return Err(Error::Setting {
                setting: "--output",
                value: output.display().to_string(),
                legal: "--html, --json or --dot: an inspection makes no run folder".into(),
            });
        }
        if let Some(every) = options.inspect_every {
            return Err(Error::Setting {
                setting: "--inspect-every",
                value: every.to_string(),
                legal: "--step, and --theory for one step's layers; `anact train` looks at many".into(),
            });
        }
        self.exports.check()?;
        // Everything that can be refused is, before anything is computed.
        let variation = Variation::of(&self.against, &options)?;
        let settings = Settings::of(options)?;
        if !(self.epsilon >= 0.0) {
            let (value, legal) = (self.epsilon.to_string(), "a relative difference of at least 0".into());
            return Err(Error::Setting { setting: "--epsilon", value, legal });
        }
        if self.theory.is_wanted() {
            return self.theory.run(&settings, self.step, &self.exports);
        }
        if self.memory {
            return memory::print(&settings, self.step, self.nodes.as_deref(), &self.exports);
        }
        let mut recorder = Recorder { step: self.step, interrupt: Interrupt::listen(), noted: Vec::new() };
        let recording: Recording<f32> = recorder.record(&settings)?;
        let snapshot = snapshot(&recording, &settings, self.step)?;
        let out = self.exports.output();
        match &variation {
            None => out.say(table::table(&recording.tape, &snapshot, self.nodes.as_deref())?),
            Some(v) => {
                let diff = match v.dtype {
                    Dtype::F32 => against::compare::<f32>(&recording, v, &mut recorder, self.epsilon),
                    Dtype::F64 => against::compare::<f64>(&recording, v, &mut recorder, self.epsilon),
                }?;
                say!(out, "first: {}\nsecond: the same with {}\n\n{diff}", snapshot.title, v.text);
            }
        }
        self.exports.write(&snapshot)
    }
}

/// Records the same step of several runs.
struct Recorder {
    step: u64,
    interrupt: Interrupt,
    /// Remarks on the data that were printed.
    noted: Vec<String>,
}

impl Recorder {
    /// The step of the run that `settings` describe.
    fn record<S: Scalar>(&mut self, settings: &Settings) -> Result<Recording<S>> {
        let data = load_data(settings)?;
        for remark in &data.remarks {
            if !self.noted.contains(remark) {
                eprintln!("note: {remark}");
                self.noted.push(remark.clone());
            }
        }
        Session::new(settings.clone(), &data)?.record(self.step, &self.interrupt)
    }
}

/// The recording as data, with what is known of the run.
fn snapshot(recording: &Recording<f32>, s: &Settings, step: u64) -> Result<Snapshot> {
    let loss = recording.loss();
    let batch = recording.tape.vars().next().map_or(0, |images| images.shape().dims()[0]);
    let title = format!("{}{} with {} on {}, step {step}", s.model, s.variant, s.activation, s.dataset);
    Ok(Snapshot::of(&recording.tape, Some(&recording.gradients))?
        .titled(title)
        .with_fact("model", format!("{}{}", s.model, s.variant))
        .with_fact("activation", &s.activation)
        .with_fact("initialisation", &s.init)
        .with_fact("data", &s.dataset)
        .with_fact("batch", batch)
        .with_fact("step", step)
        .with_fact("seed", s.seed)
        .with_fact("dtype", "f32")
        .with_loss(loss)?
        .with_formulas(anact::node_formula))
}
