//! `anact inspect --theory`: the layers as predicted and as measured, over several seeds.

mod figure;
mod strip;
mod tables;

use std::path::PathBuf;

use clap::Args;
use datasets::Dataset;
use serde_json::json;

use super::export::{Exports, check_files};
use crate::command::data_set::load_noted;
use crate::command::output::say;
use crate::command::tensor_file::TensorFile;
use crate::error::{Error, Result};
use crate::run::{Cotangent, Ensemble, Input, Interrupt, Measurement, Session, Settings, TheoryComparison};

/// How often the theory is compared, with what, and what is left of it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Theory")]
pub(super) struct TheoryOptions {
    /// Compare the layers with the theory instead: what is predicted for each, what is measured, their ratio over seeds,
    /// and where the theory breaks
    #[arg(long, conflicts_with_all = ["nodes", "memory", "html", "dot", "against"])]
    theory: bool,
    /// Seeds from --seed on. Each draws new weights, unless --weights gives them, a new batch and new cotangents
    #[arg(long, value_name = "N", default_value_t = 3, requires = "theory")]
    seeds: u64,
    /// Where the backward pass starts
    #[arg(long, value_enum, default_value_t = Cotangent::Normal, requires = "theory")]
    cotangent: Cotangent,
    /// What goes into the network
    #[arg(long, value_enum, default_value_t = Input::Data, requires = "theory")]
    input: Input,
    /// Safetensors file with the network's parameters and buffers, as `anact init` and `anact train` write them
    #[arg(long, value_name = "FILE", requires = "theory")]
    weights: Option<PathBuf>,
    /// Draw E[δ²], E[(∂L/∂w)²] and what each theory says of them, layer by layer, as SVG
    #[arg(long, value_name = "FILE", requires = "theory")]
    svg: Option<PathBuf>,
    /// Write every seed's numbers as CSV; --json writes them with their means
    #[arg(long, value_name = "FILE", requires = "theory")]
    csv: Option<PathBuf>,
}

impl TheoryOptions {
    /// Whether the theory is asked for.
    pub(super) fn is_wanted(&self) -> bool {
        self.theory
    }

    /// Compares step `step` of the run that `settings` describe, seed by seed.
    pub(super) fn run(&self, settings: &Settings, step: u64, exports: &Exports) -> Result<()> {
        check_files(&[exports.json_file(), self.svg.as_ref(), self.csv.as_ref()])?;
        let seeds = self.seeds(settings.seed)?;
        let weights = self.weights.as_deref().map(TensorFile::open).transpose()?;
        let data = load_noted(settings)?;
        let measurement = Measurement { step, cotangent: self.cotangent, input: self.input };
        let interrupt = Interrupt::listen();
        let mut runs = Vec::new();
        for seed in seeds {
            let settings = Settings { seed, ..settings.clone() };
            let session = session(&settings, &data, weights.as_ref())?;
            runs.push((seed, session.measure(measurement, &interrupt)?));
        }
        let ensemble = Ensemble::of(runs.iter().map(|(seed, run)| (*seed, run.rows.as_slice())))?;
        let title = self.title(settings, measurement);
        say!(exports.output(), "{title}\n\n{}", tables::text(&ensemble));

        exports.write_file(self.svg.as_ref(), &|| Ok(figure::svg(&ensemble, &title)))?;
        exports.write_file(self.csv.as_ref(), &|| csv(&runs, settings, step))?;
        exports.write_json(&|| {
            let run = |(seed, run): &(u64, TheoryComparison)| json!({ "seed": seed, "rows": run.rows });
            let runs: Vec<_> = runs.iter().map(run).collect();
            let weights = &self.weights;
            let value = json!({
                "schema": "anact-theory/1",
                "title": title, "settings": settings, "measurement": measurement, "weights": weights,
                "means": ensemble, "runs": runs,
            });
            Ok(format!("{value:#}\n"))
        })
    }

    /// `first`, `first` + 1, …
    fn seeds(&self, first: u64) -> Result<std::ops::Range<u64>> {
        let refuse =
            |legal: String| Error::Setting { setting: "--seeds", value: self.seeds.to_string(), legal };
        if self.seeds == 0 {
            return Err(refuse("at least 1".into()));
        }
        let end = first.checked_add(self.seeds);
        let end =
            end.ok_or_else(|| refuse(format!("at most {}, from --seed {first} on", u64::MAX - first)))?;
        Ok(first..end)
    }

    /// The comparison in one line.
    fn title(&self, s: &Settings, measurement: Measurement) -> String {
        let seeds = match self.seeds {
            1 => format!("seed {}", s.seed),
            n => format!("seeds {} to {}", s.seed, s.seed + n - 1),
        };
        let weights = if self.weights.is_some() { " from a file" } else { "" };
        let input = match measurement.input {
            Input::Data => s.dataset.clone(),
            Input::Normal => format!("standard normal numbers shaped as {}", s.dataset),
        };
        let cotangent = match measurement.cotangent {
            Cotangent::Normal => "standard normal cotangents at the logits",
            Cotangent::Loss => "the gradient of the loss",
        };
        format!(
            "{} with {}{weights} on {input}, step {}, batch {}, {seeds}; {cotangent}",
            s.model, s.activation, measurement.step, s.batch
        )
    }
}

/// A session with the weights that are given, if any.
fn session<'d>(settings: &Settings, data: &'d Dataset, weights: Option<&TensorFile>) -> Result<Session<'d>> {
    let mut session = Session::new(settings.clone(), data)?;
    if let Some(file) = weights {
        session
            .load_weights(file.bytes())
            .map_err(|e| file.refuse(format!("for {} with {}: {e}", settings.model, settings.activation)))?;
    }
    Ok(session)
}

fn csv(runs: &[(u64, TheoryComparison)], settings: &Settings, step: u64) -> Result<String> {
    let mut csv = TheoryComparison::csv();
    for (seed, run) in runs {
        run.append_to(&mut csv, &settings.activation, *seed, ("inspect", step))?;
    }
    Ok(csv.to_string())
}
