//! `anact study convergence`: claim 4, normalization property against loss.

mod report;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use datasets::Dataset;
use serde::Serialize;
use serde_json::json;

use super::{Common, check_list, refused};
use crate::command::output::{Output, say};
use crate::error::Result;
use crate::run::{Interrupt, Options, Settings, build_model};
use crate::study::{Course, Family, StudyFolder, gradient_flatness, normalization_property, train};

/// Seven functions, their twins, the self-normalizing one and what else scales an activation.
const ACTIVATIONS: &str = "relu,swish,gelu,tanh,elu,softplus,sigmoid,nrelu,nswish,ngelu,ntanh,nelu,nsoftplus,nsigmoid,\
                           selu,gp-tanh,gp-swish,sm-swish,uv-gelu,fixed-swish,he-swish,he-tanh";
/// How often the tape is read in training.
const PROBES: u64 = 10;

/// Arguments of `anact study convergence`.
#[derive(Debug, Args, Serialize)]
pub(super) struct Convergence {
    /// Activations, see `anact list activations`
    #[arg(long, value_delimiter = ',', default_value = ACTIVATIONS)]
    activations: Vec<String>,
    /// Network, see `anact list models`; one without normalization layers shows what the activation does
    #[arg(long, default_value = "mlp")]
    model: String,
    /// Hidden layers of mlp, layers with weights of plain [default: 20 for mlp, else the network's usual depth]
    #[arg(long)]
    depth: Option<usize>,
    /// Hidden units, or channels of the first stage [default: 128 for mlp, else the network's usual width]
    #[arg(long)]
    width: Option<usize>,
    /// Steps of every run
    #[arg(long, default_value_t = 100)]
    steps: u64,
    /// Constant learning rates; every activation is given the one that is best for it, by its mean loss over seeds
    #[arg(long, value_delimiter = ',', default_value = "0.001,0.003,0.01,0.03,0.1")]
    lr: Vec<f64>,
    #[command(flatten)]
    #[serde(flatten)]
    common: Common,
    /// Folder for the study's record; must not hold one yet [default: runs/TIME-study-convergence]
    #[arg(long)]
    #[serde(skip)]
    output: Option<PathBuf>,
    #[command(flatten)]
    #[serde(skip)]
    printed: Output,
}

/// One activation's runs at its best rate.
#[derive(Debug)]
struct Entry {
    name: String,
    family: Family,
    /// The rates, and which is the best.
    rates: Vec<f64>,
    best: usize,
    /// For every rate the final losses by seed.
    losses: Vec<Vec<f64>>,
    runs: Vec<Run>,
}

/// One run at the best rate.
#[derive(Debug, Clone, Copy, Serialize)]
struct Run {
    loss: f64,
    diverged: Option<u64>,
    property_start: Option<f64>,
    property_training: Option<f64>,
    flatness_start: Option<f64>,
    flatness_training: Option<f64>,
}

impl Run {
    fn of(course: &Course) -> Self {
        Self {
            loss: course.final_loss(),
            diverged: course.diverged,
            property_start: course.at_start(normalization_property),
            property_training: course.mean_over_probes(normalization_property),
            flatness_start: course.at_start(gradient_flatness),
            flatness_training: course.mean_over_probes(gradient_flatness),
        }
    }
}

impl Convergence {
    pub(super) fn run(mut self) -> Result<()> {
        if self.model == "mlp" {
            self.depth = self.depth.or(Some(20));
            self.width = self.width.or(Some(128));
        }
        check_list("--activations", &self.activations)?;
        if self.steps == 0 {
            return Err(refused("--steps", "0", "at least 1"));
        }
        if self.lr.is_empty() {
            return Err(refused("--lr", "empty", "at least one rate"));
        }
        let data = self.common.load(&self.settings(&self.activations[0], 0, self.lr[0])?)?;
        // Whatever can be refused is refused before there is a folder.
        for activation in &self.activations {
            for &lr in &self.lr {
                let settings = self.settings(activation, 0, lr)?;
                build_model::<f32>(&settings, data.train.images().shape(), data.classes.len())?;
            }
        }
        let mut folder = StudyFolder::create(self.output.clone(), "study-convergence", &self)?;
        say!(
            self.printed,
            "Does the loss after {} steps follow the normalization property? {} activations, seeds: {}, rates: {}\n",
            self.steps,
            self.activations.len(),
            self.common.seeds,
            self.lr.len()
        );
        let interrupt = Interrupt::listen();
        let entries = folder.during(|folder| {
            let all = self.activations.iter().map(|name| self.entry(name, &data, folder, &interrupt));
            all.collect::<Result<Vec<_>>>()
        })?;
        let chance = (data.classes.len() as f64).ln();
        report::report(&mut folder, &entries, self.steps, chance, self.printed)?;
        say!(
            self.printed,
            "\nrecorded in {}: record.jsonl, CSV tables, SVG pictures",
            folder.path().display()
        );
        self.printed.record(folder.run())
    }

    fn settings(&self, activation: &str, seed: u64, lr: f64) -> Result<Settings> {
        let rest = Options {
            model: Some(self.model.clone()),
            depth: self.depth,
            width: self.width,
            lr: Some(lr),
            ..Options::default()
        };
        self.common.settings(activation, seed, rest)
    }

    /// Finds the best rate, then runs it again with the tape read on the way.
    fn entry(
        &self,
        name: &str,
        data: &Dataset,
        folder: &mut StudyFolder,
        interrupt: &Interrupt,
    ) -> Result<Entry> {
        let start = Instant::now();
        let mut losses = Vec::new();
        for &lr in &self.lr {
            let mut by_seed = Vec::new();
            for seed in 0..self.common.seeds {
                let course = train(&self.settings(name, seed, lr)?, data, self.steps, &[], interrupt)?;
                let loss = course.final_loss();
                let diverged = course.diverged;
                folder.write(
                    "rate",
                    &json!({ "activation": name, "seed": seed, "lr": lr, "loss": loss, "diverged": diverged }),
                )?;
                by_seed.push(loss);
            }
            losses.push(by_seed);
        }
        let best = best_of(&losses);
        let lr = self.lr[best];
        let mut runs = Vec::new();
        for (seed, &loss) in (0..).zip(&losses[best]) {
            let settings = self.settings(name, seed, lr)?;
            let course = train(&settings, data, self.steps, &probes(self.steps), interrupt)?;
            let run = Run::of(&course);
            assert_eq!(run.loss.to_bits(), loss.to_bits(), "reading the tape of {name} changed its training");
            folder.write(
                "run",
                &json!({
                    "activation": name, "family": Family::of(name), "seed": seed, "lr": lr, "result": run,
                    "losses": course.losses, "probes": probe_lines(&course),
                }),
            )?;
            runs.push(run);
        }
        let entry = Entry {
            name: name.to_string(),
            family: Family::of(name),
            rates: self.lr.clone(),
            best,
            losses,
            runs,
        };
        say!(
            self.printed,
            "{name:<12} lr {lr:<6} loss {:.3}  {:.1} s",
            entry.mean(|run| Some(run.loss)).unwrap_or(f64::NAN),
            start.elapsed().as_secs_f64()
        );
        Ok(entry)
    }
}

impl Entry {
    /// The mean over seeds; `None` where the number does not apply.
    fn mean(&self, read: impl Fn(&Run) -> Option<f64>) -> Option<f64> {
        let values: Option<Vec<f64>> = self.runs.iter().map(read).collect();
        values.map(|v| v.iter().sum::<f64>() / v.len() as f64)
    }
}

/// The rate of smallest mean loss over seeds, the first of equals. A rate at which a seed diverged has an infinite one.
fn best_of(losses: &[Vec<f64>]) -> usize {
    let mean = |i: usize| losses[i].iter().sum::<f64>() / losses[i].len() as f64;
    (0..losses.len()).min_by(|&a, &b| mean(a).total_cmp(&mean(b))).expect("at least one rate")
}

/// Every tenth of the run, from its first step on, all of them before the steps whose loss is foretold: the last tenth.
fn probes(steps: u64) -> Vec<u64> {
    let steps = u128::from(steps);
    let at = |i: u64| (u128::from(i) * steps / u128::from(PROBES)) as u64;
    (0..PROBES).map(at).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The predictors at every probe.
fn probe_lines(course: &Course) -> Vec<serde_json::Value> {
    let line = |p: &crate::study::Probe| {
        json!({
            "step": p.step,
            "property": normalization_property(&p.rows),
            "flatness": gradient_flatness(&p.rows),
        })
    };
    course.probes.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_are_tenths() {
        assert_eq!(probes(100), (0..10).map(|i| 10 * i).collect::<Vec<_>>());
        assert_eq!(probes(3), [0, 1, 2]);
        assert_eq!(probes(1), [0]);
        // By hand: 9·(2⁶⁴ − 1)/10, rounded down.
        assert_eq!(probes(u64::MAX).last(), Some(&16_602_069_666_338_596_453));
    }

    #[test]
    fn the_best_rate_is_that_of_least_mean_loss() {
        let lost = f64::INFINITY;
        assert_eq!(best_of(&[vec![2.0, 2.0], vec![1.0, 1.5], vec![0.1, lost]]), 1);
        assert_eq!(best_of(&[vec![lost], vec![lost]]), 0);
        assert_eq!(best_of(&[vec![1.0], vec![1.0]]), 0);
    }
}
