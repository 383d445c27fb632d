//! The terminal's tables.

use super::figure::below_output;
use super::strip::Strip;
use crate::run::{
    CAUSES, Cause, Compared, DELTA, Ensemble, GENERAL_FORM, LayerMeans, Mean, QUANTITIES, Quantity, THEORIES,
    TWO_STATE, TheoryMeans, WEIGHT_GRADIENT, pair,
};
use crate::table::Table;

/// Columns of [`QUANTITIES`] that stand in one table, since all in one would be wider than any terminal.
const PARTS: [std::ops::Range<usize>; 4] = [0..2, 2..5, 5..7, 7..9];

/// How the tables are to be read.
const READING: &str = "\
Each column is predicted | measured, then their ratio measured/predicted with one standard error over
seeds; means are geometric. A number in brackets counts the seeds that had one, where not all did.
Predicted is the general form: the input's moments, the weights' mean squares and E[δ²] at the output are
given, z is taken as Gaussian, δ as independent of the weights, and all samples are pooled.";

/// How the last tables are to be read.
const BREAKS: &str = "\
Where it breaks: measured over each theory. The general form; the same with ρ and ρ′ as measured; every
sample (and position) by itself, averaged last, its units taken for alike, even the winners of a maximum;
every unit by itself; and that with the share of δ that returns along the activations (two-state). Slope a says how differences between the samples' norms grow
from layer to layer, and the spread how far they have drifted apart: the standard deviation over samples of
log q, q = |z|²/n.";

/// How the strips are to be read.
const LEGEND: &str = "E[δ²] on a logarithmic axis: ● measured, ○ general form, ◇ two-state.";

/// Everything in tables.
pub(super) fn text(ensemble: &Ensemble) -> String {
    let mut out = String::new();
    for part in PARTS {
        out += &format!("{}\n", compared(ensemble, part));
    }
    out += &format!("{READING}\n\n{BREAKS}\n\n");
    out += &breaks(ensemble, &DELTA, |t| t.delta_ratio, &CAUSES).to_string();
    out.push('\n');
    out += &breaks(ensemble, &WEIGHT_GRADIENT, |t| t.weight_gradient_ratio, &[]).to_string();
    if let Some(strip) = strip(ensemble) {
        out += &format!("\n{LEGEND}\n\n{}", levels(ensemble, strip));
    }
    out
}

/// Some of the quantities with their ratios.
fn compared(ensemble: &Ensemble, part: std::ops::Range<usize>) -> Table {
    let mut table = Table::new().text("layer");
    for quantity in &QUANTITIES[part.clone()] {
        table = table.number(quantity.heading).number("ratio");
    }
    for layer in &ensemble.layers {
        let cells = layer.quantities[part.clone()].iter().flat_map(|c: &Compared| {
            let mean = |m: Option<Mean>| m.map(|m| m.mean);
            [pair(mean(c.predicted), mean(c.measured)), written(c.ratio, ensemble)]
        });
        table.row(std::iter::once(layer.layer.clone()).chain(cells));
    }
    table
}

/// Measured over each theory, and why that is not 1.
fn breaks(
    ensemble: &Ensemble,
    quantity: &Quantity,
    read: fn(&TheoryMeans) -> Option<Mean>,
    causes: &[Cause],
) -> Table {
    let headings = THEORIES.iter().map(|t| t.heading).chain(causes.iter().map(|c| c.heading));
    let mut table = headings.fold(Table::new().text(quantity.heading), Table::number);
    for layer in &ensemble.layers {
        let ratios = THEORIES.iter().map(|t| read(layer.theory(t)));
        let means = ratios.chain(causes.iter().map(|c| (c.mean)(layer)));
        table.row(std::iter::once(layer.layer.clone()).chain(means.map(|m| written(m, ensemble))));
    }
    table
}

/// E[δ²] of every layer below the output on one axis.
fn levels(ensemble: &Ensemble, strip: Strip) -> Table {
    let mut table = Table::new().text("layer").text(strip.axis());
    for layer in below_output(&ensemble.layers).0 {
        let [general, two_state, measured] = marks(layer);
        table.row([layer.layer.clone(), strip.draw(&[('○', general), ('◇', two_state), ('●', measured)])]);
    }
    table
}

fn strip(ensemble: &Ensemble) -> Option<Strip> {
    Strip::around(below_output(&ensemble.layers).0.iter().flat_map(marks).flatten())
}

/// E[δ²] by the general form, by the two-state theory and as measured.
fn marks(layer: &LayerMeans) -> [Option<f64>; 3] {
    let delta = |theory| layer.theory(theory).delta;
    [delta(&GENERAL_FORM), delta(&TWO_STATE), layer.measured(&DELTA)].map(|m| m.map(|m| m.mean))
}

/// A mean over seeds; empty where there is none.
fn written(mean: Option<Mean>, ensemble: &Ensemble) -> String {
    mean.map_or_else(String::new, |m| m.text(ensemble.seeds.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_layers_are_no_panic() {
        let text = text(&Ensemble { seeds: Vec::new(), layers: Vec::new() });
        assert!(text.contains("two-state") && !text.contains("logarithmic"), "{text}");
    }
}
