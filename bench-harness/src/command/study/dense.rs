//! `anact study dense`: where the general form breaks, and what replaces it.

use anact::theory::{ChainRow, DenseNet, LayerRow, Output, chain};
use anact::{ForwardMoment, registry};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;

use super::{check_list, refused};
use crate::error::Result;
use crate::plot::{Chart, Series};
use crate::record::{Cell, Csv};
use crate::run::{Ensemble, Interrupt, LayerMeans, Mean, THEORIES};
use crate::study::{StudyFolder, dense_rows};
use crate::table::{Table, sig};

/// Arguments of `anact study dense`.
#[derive(Debug, Args, Serialize)]
pub(super) struct Dense {
    /// Activations, see `anact list activations`; each normalized one in three ways
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
    #[arg(long, default_value_t = 1.0)]
    gain: f64,
    /// Networks of each kind
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// Samples of the chain, which needs no network
    #[arg(long, default_value_t = 1500)]
    chain_samples: usize,
    /// Folder for the study's record; must not hold one yet [default: runs/TIME-study-dense]
    #[arg(long)]
    #[serde(skip)]
    output: Option<PathBuf>,
}

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
    chain: Vec<ChainRow>,
}

const READING: &str = "\
Measured E[δ²] of the first layer over each theory's: geometric mean over seeds ± standard error. The general form from
Gaussian moments alone, and with ρ and ρ′ as measured; every sample by itself, averaged last; and that with the share of
δ that returns along the activations (two-state). The worst layer: the mean ratio that is farthest from 1.
`raw` and `centered` are the node λ(f − μ) with either λ; `uncentred` is λ·f with the raw λ.";

const CHAIN_READING: &str = "\
E[δ²] of the first layer over what pooled moments give, λ²ρ′ multiplied: by the chain, without any network, and as
measured. The last column is measured over the chain's own E[δ²]. Both means have heavy tails where they are large.";

impl Dense {
    pub(super) fn run(self) -> Result<()> {
        check_list("--activations", &self.activations)?;
        if self.seeds == 0 {
            return Err(refused("--seeds", "0", "at least 1"));
        }
        if self.batch < 2 || self.depth < 2 {
            let (setting, value) =
                if self.batch < 2 { ("--batch", self.batch) } else { ("--depth", self.depth) };
            return Err(refused(setting, value.to_string(), "at least 2"));
        }
        let kinds = self.kinds();
        for kind in &kinds {
            // A small one of each, so that whatever can be refused is refused before there is a folder.
            let widths = vec![self.width.min(2); 3];
            chain(&DenseNet { widths, ..kind.net.clone() }, self.chain_samples.min(2), 0)?;
        }
        let mut folder = StudyFolder::create(self.output.clone(), "study-dense", &self)?;
        println!(
            "Dense nets of width {}, depth {}, batch {}, n·Var[w] = {}, normal inputs and cotangents, seeds: {}\n",
            self.width, self.depth, self.batch, self.gain, self.seeds
        );
        let interrupt = Interrupt::listen();
        let outcomes = folder.during(|folder| {
            kinds.iter().map(|kind| self.outcome(kind, folder, &interrupt)).collect::<Result<Vec<_>>>()
        })?;
        println!("{}\n{READING}\n", network_table(&outcomes));
        println!("{}\n{CHAIN_READING}\n", chain_table(&outcomes));
        folder.csv("layers.csv", &layers_csv(&outcomes)?)?;
        for outcome in &outcomes {
            folder.chart(&format!("{}.svg", outcome.label.replace(' ', "_")), &chart(outcome))?;
        }
        println!("recorded in {}: record.jsonl, layers.csv, SVG pictures", folder.path().display());
        Ok(())
    }

    fn kinds(&self) -> Vec<Kind> {
        let kind = |name: &str, how: &str, moment, output| Kind {
            label: [name, how].join(" ").trim_end().to_string(),
            net: DenseNet {
                widths: vec![self.width; self.depth + 1],
                gain: self.gain,
                activation: name.to_string(),
                moment,
                output,
            },
        };
        let of = |name: &String| {
            if registry::plain_name(name).is_none() {
                return vec![kind(name, "", ForwardMoment::Raw, Output::Centred)];
            }
            vec![
                kind(name, "raw", ForwardMoment::Raw, Output::Centred),
                kind(name, "centered", ForwardMoment::Centered, Output::Centred),
                kind(name, "uncentred", ForwardMoment::Raw, Output::Uncentred),
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
        // Not the seed of a network: the two are to be independent.
        let chain = chain(&kind.net, self.chain_samples, self.seeds)?;
        folder.write("chain", &json!({ "network": kind.label, "rows": chain }))?;
        let ensemble = Ensemble::of(runs.iter().map(|(seed, rows)| (*seed, rows.as_slice())))?;
        Ok(Outcome { label: kind.label.clone(), ensemble, chain })
    }
}

/// General form, measured ratios, per sample, two-state: the theories that differ in a dense net, where no sum keeps units
/// apart.
fn theories() -> impl Iterator<Item = usize> {
    (0..THEORIES.len()).filter(|&i| THEORIES[i].name != "per_unit")
}

fn delta_ratio(layer: &LayerMeans, theory: usize) -> Option<Mean> {
    layer.theories[theory].delta_ratio
}

fn text(mean: Option<Mean>) -> String {
    match mean {
        Some(Mean { mean, error: Some(error), .. }) => format!("{} ± {}", sig(mean, 3), sig(mean * error, 1)),
        Some(Mean { mean, .. }) => sig(mean, 3),
        None => "·".into(),
    }
}

/// The mean ratio that is farthest from 1 on the logarithmic scale, over the layers.
fn worst(ensemble: &Ensemble, theory: usize) -> Option<f64> {
    let ratios = ensemble.layers.iter().filter_map(|layer| Some(delta_ratio(layer, theory)?.mean));
    ratios.max_by(|a, b| a.ln().abs().total_cmp(&b.ln().abs()))
}

fn network_table(outcomes: &[Outcome]) -> Table {
    let mut table = Table::new().text("measured over");
    for i in theories() {
        table = table.number(THEORIES[i].heading);
    }
    table = table.number("worst layer: general").number("two-state").number("a").number("spread");
    let two_state = THEORIES.len() - 1;
    for outcome in outcomes {
        let layers = &outcome.ensemble.layers;
        let number = |x: Option<f64>| x.map_or_else(|| "·".to_string(), |x| sig(x, 3));
        let mut cells = vec![outcome.label.clone()];
        cells.extend(theories().map(|i| text(delta_ratio(&layers[0], i))));
        cells.extend([0, two_state].map(|i| number(worst(&outcome.ensemble, i))));
        let last = &layers[layers.len() - 1];
        cells.push(number(layers[0].slope.map(|m| m.mean)));
        cells.push(number(last.log_q_spread.map(|m| m.mean)));
        table.row(cells);
    }
    table
}

fn chain_table(outcomes: &[Outcome]) -> Table {
    let mut table = Table::new()
        .text("E[δ₁²] over pooled")
        .number("chain, per sample")
        .number("chain, two-state")
        .number("measured")
        .number("measured / chain");
    for outcome in outcomes {
        let (first, chain) = (&outcome.ensemble.layers[0], outcome.chain[0]);
        // Cotangents are standard normal but for their draw: what is measured is taken per unit of E[δ_D²].
        let level = measured_delta(&outcome.ensemble, 0);
        let over = |x: f64| level.map(|m| Mean { mean: m.mean / x, ..m });
        table.row([
            outcome.label.clone(),
            sig(chain.per_sample / chain.pooled, 3),
            sig(chain.two_state / chain.pooled, 3),
            text(first.theories[1].delta_ratio),
            text(over(chain.two_state)),
        ]);
    }
    table
}

/// E[δ²] of a layer as measured.
fn measured_delta(ensemble: &Ensemble, layer: usize) -> Option<Mean> {
    ensemble.layers[layer].quantities.iter().find(|c| c.name == "delta2")?.measured
}

fn layers_csv(outcomes: &[Outcome]) -> Result<Csv> {
    let mut head = vec!["network", "layer", "measured", "measured_relative_error"];
    head.extend(theories().map(|i| THEORIES[i].name));
    head.extend(["chain_pooled", "chain_per_sample", "chain_two_state", "slope", "log_q_spread"]);
    let mut csv = Csv::new(head);
    for outcome in outcomes {
        for (i, (layer, chain)) in outcome.ensemble.layers.iter().zip(&outcome.chain).enumerate() {
            let measured = measured_delta(&outcome.ensemble, i);
            let mean = |m: Option<Mean>| m.map(|m| m.mean);
            let mut cells = vec![Cell::from(outcome.label.as_str()), Cell::from(layer.layer.as_str())];
            cells.extend([mean(measured), measured.and_then(|m| m.error)].map(Cell::from));
            cells.extend(theories().map(|t| Cell::from(mean(layer.theories[t].delta))));
            cells.extend([chain.pooled, chain.per_sample, chain.two_state].map(Cell::from));
            cells.extend([mean(layer.slope), mean(layer.log_q_spread)].map(Cell::from));
            csv.row(cells)?;
        }
    }
    Ok(csv)
}

/// E[δ²] by layer: measured with its standard error, the theories on the tape, and the chain.
fn chart(outcome: &Outcome) -> Chart {
    let ensemble = &outcome.ensemble;
    let at = |values: Vec<f64>| (1..).map(f64::from).zip(values).collect::<Vec<_>>();
    let value = |m: Option<Mean>| m.map_or(f64::NAN, |m| m.mean);
    let measured: Vec<Option<Mean>> =
        (0..ensemble.layers.len()).map(|i| measured_delta(ensemble, i)).collect();
    let ends = |m: &Option<Mean>| m.map_or((f64::NAN, f64::NAN), |m| m.range());
    let line = Series::line("measured", at(measured.iter().map(|m| value(*m)).collect()))
        .band(measured.iter().map(|m| ends(m).0), measured.iter().map(|m| ends(m).1));
    let mut chart = Chart::new(format!("E[δ²] by layer, {}", outcome.label))
        .x_label("layer")
        .y_label("E[δ²], 1 at the output; band: standard error over seeds")
        .log_y()
        .series(line);
    for i in theories() {
        let values = ensemble.layers.iter().map(|l| value(l.theories[i].delta)).collect();
        chart = chart.series(Series::line(THEORIES[i].heading, at(values)).colour(i + 1).dashed());
    }
    let values = outcome.chain.iter().map(|r| r.two_state).collect();
    chart.series(Series::line("chain, no network", at(values)).colour(6).dashed())
}
