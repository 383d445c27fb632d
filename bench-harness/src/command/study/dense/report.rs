//! Tables and pictures of the study.

use super::Outcome;
use crate::command::output::{Output, say};
use crate::error::Result;
use crate::plot::{Chart, Series};
use crate::record::{Cell, Csv};
use crate::run::{Ensemble, LayerMeans, Mean, THEORIES};
use crate::study::StudyFolder;
use crate::table::{Table, sig};

const READING: &str = "\
Measured E[δ²] of the first layer over each theory's: geometric mean over seeds ± standard error. The
general form from Gaussian moments alone, and with ρ and ρ′ as measured; every sample by itself, averaged
last; and that with the share of δ that returns along the activations (two-state). Worst: of all layers, the
mean ratio that is farthest from 1. Slope a is the first layer's, the spread of log q the last layer's.
A geometric mean lies below the arithmetic one that a theory predicts, by a factor of about exp(−seeds·error²/2).
`raw` and `centered` are the node λ(f − μ) with either λ; `mean kept` is λ·f with the raw λ.";

const CHAIN_READING: &str = "\
E[δ²] of the first layer over the product of n·Var[w]·λ²ρ′ with pooled moments: by the chain, without any
network, and as measured. The last column is the measured E[δ²], its arithmetic mean over seeds, over the
chain's own. Where the ratios are large, both are means with heavy tails.";

/// Prints and writes everything; `setting` names the networks in titles.
pub(super) fn report(folder: &StudyFolder, outcomes: &[Outcome], setting: &str, out: Output) -> Result<()> {
    say!(out, "{}\n{READING}\n", network_table(outcomes));
    say!(out, "{}\n{CHAIN_READING}\n", chain_table(outcomes));
    folder.csv("layers.csv", &layers_csv(outcomes)?)?;
    for outcome in outcomes {
        folder.chart(&format!("{}.svg", outcome.label.replace(' ', "_")), &chart(outcome, setting))?;
    }
    Ok(())
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
    table = table.number("worst: general").number("worst: two-state").number("slope a").number("spread");
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
        let over: Vec<f64> = outcome.first_layer.iter().map(|delta| delta / chain.two_state).collect();
        // The mean of the chain's samples is arithmetic, and so is this one: its error is absolute.
        let over = Mean::arithmetic(&over).map(|m| Mean { error: m.error.map(|e| e / m.mean), ..m });
        table.row([
            outcome.label.clone(),
            sig(chain.per_sample / chain.pooled, 3),
            sig(chain.two_state / chain.pooled, 3),
            text(first.theories[1].delta_ratio),
            text(over),
        ]);
    }
    table
}

/// E[δ²] of a layer as measured.
fn measured_delta(ensemble: &Ensemble, layer: usize) -> Option<Mean> {
    ensemble.layers[layer].quantities.iter().find(|c| c.name == "delta2")?.measured
}

fn layers_csv(outcomes: &[Outcome]) -> Result<Csv> {
    let mut head = vec!["network", "layer", "measured_delta2", "relative_error"];
    let columns: Vec<String> = theories().map(|i| format!("{}_delta2", THEORIES[i].name)).collect();
    head.extend(columns.iter().map(String::as_str));
    head.extend([
        "chain_pooled_delta2",
        "chain_per_sample_delta2",
        "chain_two_state_delta2",
        "slope",
        "log_q_spread",
    ]);
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
fn chart(outcome: &Outcome, setting: &str) -> Chart {
    let ensemble = &outcome.ensemble;
    let at = |values: Vec<f64>| (1..).map(f64::from).zip(values).collect::<Vec<_>>();
    let value = |m: Option<Mean>| m.map_or(f64::NAN, |m| m.mean);
    let measured: Vec<Option<Mean>> =
        (0..ensemble.layers.len()).map(|i| measured_delta(ensemble, i)).collect();
    let ends = |m: &Option<Mean>| m.map_or((f64::NAN, f64::NAN), |m| m.range());
    let line = Series::line("measured", at(measured.iter().map(|m| value(*m)).collect()))
        .band(measured.iter().map(|m| ends(m).0), measured.iter().map(|m| ends(m).1));
    let mut chart = Chart::new(format!("E[δ²] by layer, {}: {setting}", outcome.label))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Scale;

    fn outcome(ratios: &[f64]) -> Outcome {
        let layer = |&ratio: &f64| LayerMeans {
            layer: "fc".into(),
            activation: None,
            quantities: Vec::new(),
            theories: THEORIES
                .iter()
                .map(|t| crate::run::TheoryMeans {
                    name: t.name,
                    delta: None,
                    delta_ratio: Mean::geometric(&[ratio]),
                    weight_gradient: None,
                    weight_gradient_ratio: None,
                })
                .collect(),
            slope: None,
            log_q_spread: None,
        };
        let ensemble = Ensemble { seeds: vec![0], layers: ratios.iter().map(layer).collect() };
        Outcome { label: "x".into(), ensemble, first_layer: Vec::new(), chain: Vec::new() }
    }

    /// A half is farther from 1 than 1.9 is.
    #[test]
    fn the_worst_layer_is_worst_by_its_factor() {
        assert!((worst(&outcome(&[1.9, 0.5, 1.1]).ensemble, 0).unwrap() - 0.5).abs() < 1e-15);
        assert_eq!(worst(&outcome(&[]).ensemble, 0), None);
    }

    #[test]
    fn a_ratio_has_its_error_where_there_is_one() {
        let scale = Scale::Geometric;
        assert_eq!(text(Some(Mean { mean: 4.417, error: Some(0.1), seeds: 5, scale })), "4.42 ± 0.4");
        assert_eq!(text(Some(Mean { mean: 4.417, error: None, seeds: 1, scale })), "4.42");
        assert_eq!(text(None), "·");
    }
}
