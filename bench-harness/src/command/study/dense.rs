//! `anact study dense`: where the general form breaks, and what replaces it.

mod report;

use std::path::PathBuf;

use anact::theory::{ChainRow, DenseNet, LayerRow, OutputMean, dense_chain};
use anact::{ForwardMoment, registry};
use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::{check_list, refused};
use crate::command::output::{Output, say};
use crate::error::Result;
use crate::run::{Ensemble, Interrupt};
use crate::study::{StudyFolder, dense_rows};

/// Arguments of `anact study dense`.
#[derive(Debug, Args, Serialize)]
pub(super) struct Dense {
    /// Activations, see `anact list activations`. A normalized one is also taken with the centred λ, and with its mean
    /// kept, λ·f
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "relu,nrelu,tanh,ntanh,elu,nelu,swish,nswish,gelu,ngelu"
    )]
    activations: Vec<String>,
    /// Units of every layer
    #[arg(long, default_value_t = 512)]
    width: usize,
    /// Layers with weights
    #[arg(long, default_value_t = 20)]
    depth: usize,
    /// Samples in a batch
    #[arg(long, default_value_t = 256)]
    batch: usize,
    /// n·Var[w]: 1 is LeCun's initialisation, 2 He's
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    gain: f64,
    /// Networks measured for each row, with seeds 0, 1, …
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// Samples drawn for the chain, which predicts without a network
    #[arg(long, default_value_t = 1500)]
    chain_samples: usize,
    /// Folder for the study's record; must not hold one yet [default: runs/TIME-study-dense]
    #[arg(long)]
    #[serde(skip)]
    output: Option<PathBuf>,
    #[command(flatten)]
    #[serde(skip)]
    printed: Output,
}

/// Far beyond any use, and small enough that no size overflows.
const MAX_WIDTH: usize = 65_536;
/// Likewise.
const MAX_DEPTH: usize = 1000;
/// Likewise, of a batch and of the chain.
const MAX_SAMPLES: usize = 65_536;

/// One kind of network.
#[derive(Debug)]
struct Kind {
    label: String,
    net: DenseNet,
}

/// What came of it.
#[derive(Debug)]
struct Outcome {
    label: String,
    ensemble: Ensemble,
    /// E[δ²] of the first layer as measured, by seed.
    first_layer: Vec<f64>,
    chain: Vec<ChainRow>,
}

impl Dense {
    pub(super) fn run(self) -> Result<()> {
        check_list("--activations", &self.activations)?;
        if self.seeds == 0 {
            return Err(refused("--seeds", "0", "at least 1"));
        }
        if self.width == 0 {
            return Err(refused("--width", "0", "at least 1"));
        }
        for (setting, value, least) in
            [("--width", self.width, 1), ("--batch", self.batch, 2), ("--depth", self.depth, 2)]
        {
            if value < least {
                return Err(refused(setting, value.to_string(), &format!("at least {least}")));
            }
        }
        let limits = [
            ("--width", self.width, MAX_WIDTH),
            ("--depth", self.depth, MAX_DEPTH),
            ("--batch", self.batch, MAX_SAMPLES),
            ("--chain-samples", self.chain_samples, MAX_SAMPLES),
        ];
        for (setting, value, most) in limits {
            if value > most {
                return Err(refused(setting, value.to_string(), &format!("at most {most}")));
            }
        }
        let kinds = self.kinds();
        for kind in &kinds {
            // A small one of each, so that whatever can be refused is refused before there is a folder.
            let widths = vec![self.width.min(2); 3];
            dense_chain(&DenseNet { widths, ..kind.net.clone() }, self.chain_samples.min(2), 0)?;
        }
        let mut folder = StudyFolder::create(self.output.clone(), "study-dense", &self)?;
        say!(self.printed, "Dense nets, {}, normal inputs and cotangents\n", self.setting());
        let interrupt = Interrupt::listen();
        let outcomes = folder.during(|folder| {
            kinds.iter().map(|kind| self.outcome(kind, folder, &interrupt)).collect::<Result<Vec<_>>>()
        })?;
        report::report(&folder, &outcomes, &self.setting(), self.printed)?;
        say!(self.printed, "recorded in {}: record.jsonl, layers.csv, SVG pictures", folder.path().display());
        self.printed.record(folder.run())
    }

    /// As in titles.
    fn setting(&self) -> String {
        let Self { width, depth, batch, gain, seeds, .. } = self;
        format!("width {width}, depth {depth}, batch {batch}, n·Var[w] = {gain}, seeds: {seeds}")
    }

    fn kinds(&self) -> Vec<Kind> {
        let kind = |name: &str, how: &str, moment, output_mean| Kind {
            label: [name, how].join(" ").trim_end().to_string(),
            net: DenseNet {
                widths: vec![self.width; self.depth + 1],
                gain: self.gain,
                activation: name.to_string(),
                moment,
                output_mean,
            },
        };
        let of = |name: &String| {
            if registry::plain_name(name).is_none() {
                return vec![kind(name, "", ForwardMoment::Raw, OutputMean::Subtracted)];
            }
            vec![
                kind(name, "raw", ForwardMoment::Raw, OutputMean::Subtracted),
                kind(name, "centered", ForwardMoment::Centered, OutputMean::Subtracted),
                kind(name, "mean kept", ForwardMoment::Raw, OutputMean::Kept),
            ]
        };
        self.activations.iter().flat_map(of).collect()
    }

    fn outcome(&self, kind: &Kind, folder: &mut StudyFolder, interrupt: &Interrupt) -> Result<Outcome> {
        let mut runs: Vec<(u64, Vec<LayerRow>)> = Vec::new();
        for seed in 0..self.seeds {
            interrupt.check()?;
            let rows = dense_rows(&kind.net, self.batch, seed)?;
            folder.write("layers", &json!({ "network": kind.label, "seed": seed, "rows": rows }))?;
            runs.push((seed, rows));
        }
        interrupt.check()?;
        let chain = dense_chain(&kind.net, self.chain_samples, 0)?;
        folder.write("chain", &json!({ "network": kind.label, "rows": chain }))?;
        let ensemble = Ensemble::of(runs.iter().map(|(seed, rows)| (*seed, rows.as_slice())))?;
        let first_layer = runs.iter().filter_map(|(_, rows)| rows[0].measured.delta).collect();
        Ok(Outcome { label: kind.label.clone(), ensemble, first_layer, chain })
    }
}
