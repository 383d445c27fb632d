//! `anact study variance`: claim 3, gradient variance by layer.

mod report;

use std::path::PathBuf;
use std::time::Instant;

use anact::theory::LayerRow;
use clap::Args;
use datasets::Dataset;
use serde::Serialize;
use serde_json::json;

use super::{Common, check_list, refused};
use crate::command::output::{Output, say};
use crate::error::Result;
use crate::run::{Interrupt, Options, Settings, build_model};
use crate::study::{Course, StudyFolder, train};

/// Arguments of `anact study variance`.
#[derive(Debug, Args, Serialize)]
pub(super) struct Variance {
    /// Plain activations; each is compared with its normalized twin
    #[arg(long, value_delimiter = ',', default_value = "swish,relu")]
    activations: Vec<String>,
    /// Networks, see `anact list models`
    #[arg(long, value_delimiter = ',', default_value = "plain,resnet20")]
    models: Vec<String>,
    /// Layers with weights of plain, hidden layers of mlp [default: the network's usual depth]
    #[arg(long)]
    depth: Option<usize>,
    /// Channels of the first stage, or hidden units [default: the network's usual width]
    #[arg(long)]
    width: Option<usize>,
    /// Steps of every run
    #[arg(long, default_value_t = 100)]
    steps: u64,
    /// Constant learning rate [default: the network's usual rate, see `anact list models`]
    #[arg(long)]
    lr: Option<f64>,
    #[command(flatten)]
    #[serde(flatten)]
    common: Common,
    /// Folder for the study's record; must not hold one yet [default: runs/TIME-study-variance]
    #[arg(long)]
    #[serde(skip)]
    output: Option<PathBuf>,
    #[command(flatten)]
    #[serde(skip)]
    printed: Output,
}

/// A network with one activation.
#[derive(Debug)]
struct Side {
    activation: String,
    /// By seed.
    courses: Vec<Course>,
}

/// A network with a plain activation and with its twin.
#[derive(Debug)]
struct Pair {
    vanilla: Side,
    normalized: Side,
}

/// A network with every pair.
#[derive(Debug)]
struct Network {
    model: String,
    pairs: Vec<Pair>,
}

impl Side {
    /// The layers in the first or the last step of a run, if it got there.
    fn rows(&self, seed: usize, step: u64) -> Option<&[LayerRow]> {
        let probe = self.courses[seed].probes.iter().find(|p| p.step == step)?;
        Some(&probe.rows)
    }
}

impl Variance {
    pub(super) fn run(self) -> Result<()> {
        check_list("--activations", &self.activations)?;
        check_list("--models", &self.models)?;
        if self.steps == 0 {
            return Err(refused("--steps", "0", "at least 1"));
        }
        let data = self.common.load(&self.settings(&self.models[0], &self.activations[0], 0)?)?;
        // Whatever can be refused is refused before there is a folder.
        for model in &self.models {
            for name in self.activations.iter().flat_map(|plain| [plain.clone(), twin(plain)]) {
                let settings = self.settings(model, &name, 0)?;
                build_model::<f32>(&settings, data.train.images().shape(), data.classes.len())?;
            }
        }
        let mut folder = StudyFolder::create(self.output.clone(), "study-variance", &self)?;
        say!(
            self.printed,
            "Is gradient variance alike in all layers? {} with {}, vanilla and normalized, seeds: {}, steps: {}\n",
            self.models.join(" and "),
            self.activations.join(" and "),
            self.common.seeds,
            self.steps
        );
        let interrupt = Interrupt::listen();
        let networks = folder.during(|folder| {
            let all = self.models.iter().map(|model| self.network(model, &data, folder, &interrupt));
            all.collect::<Result<Vec<_>>>()
        })?;
        report::report(&mut folder, &networks, self.steps, self.printed)?;
        say!(
            self.printed,
            "\nrecorded in {}: record.jsonl, CSV tables, SVG pictures",
            folder.path().display()
        );
        self.printed.record(folder.run())
    }

    /// A depth is for the networks that have one; alone, a network without one refuses it.
    fn settings(&self, model: &str, activation: &str, seed: u64) -> Result<Settings> {
        let entry = layers::models::ModelEntry::<f32>::named(model)?;
        let depth = self.depth.filter(|_| entry.depth.is_some() || self.models.len() == 1);
        let rest = Options {
            model: Some(model.to_string()),
            depth,
            width: self.width,
            lr: self.lr,
            ..Options::default()
        };
        self.common.settings(activation, seed, rest)
    }

    fn network(
        &self,
        model: &str,
        data: &Dataset,
        folder: &mut StudyFolder,
        interrupt: &Interrupt,
    ) -> Result<Network> {
        let mut side = |activation: String| self.side(model, activation, data, folder, interrupt);
        let pairs = self
            .activations
            .iter()
            .map(|plain| Ok(Pair { vanilla: side(plain.clone())?, normalized: side(twin(plain))? }));
        Ok(Network { model: model.to_string(), pairs: pairs.collect::<Result<_>>()? })
    }

    fn side(
        &self,
        model: &str,
        activation: String,
        data: &Dataset,
        folder: &mut StudyFolder,
        interrupt: &Interrupt,
    ) -> Result<Side> {
        let start = Instant::now();
        let mut courses = Vec::new();
        for seed in 0..self.common.seeds {
            let settings = self.settings(model, &activation, seed)?;
            let course = train(&settings, data, self.steps, &[0, self.steps], interrupt)?;
            let loss = course.final_loss();
            let (diverged, losses) = (course.diverged, &course.losses);
            folder.write(
                "run",
                &json!({
                    "model": model, "activation": activation, "seed": seed, "settings": settings, "loss": loss,
                    "diverged": diverged, "losses": losses,
                }),
            )?;
            for probe in &course.probes {
                let (step, rows) = (probe.step, &probe.rows);
                folder.write(
                    "layers",
                    &json!({ "model": model, "activation": activation, "seed": seed, "step": step, "rows": rows }),
                )?;
            }
            courses.push(course);
        }
        let losses: Vec<String> = courses.iter().map(|c| format!("{:.3}", c.final_loss())).collect();
        say!(
            self.printed,
            "{model:<9} {activation:<8} loss by seed {}  {:.1} s",
            losses.join(" "),
            start.elapsed().as_secs_f64()
        );
        Ok(Side { activation, courses })
    }
}

/// The normalized twin's name.
fn twin(plain: &str) -> String {
    format!("n{plain}")
}
