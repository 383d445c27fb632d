//! The terminal's tables.

use super::figure::{below_output, measured};
use super::strip::Strip;
use crate::run::{
    Compared, DELTA, Ensemble, LayerMeans, Mean, QUANTITIES, THEORIES, TWO_STATE, TheoryMeans,
    WEIGHT_GRADIENT, pair,
};
use crate::table::{Table, sig};

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
sample (and position) by itself, averaged last; every unit by itself; and that with the share of δ that
returns along the activations (two-state). a says how differences between the samples' norms grow from
layer to layer, and the spread how far they have drifted apart: the standard deviation over samples of
log q, q = |z|²/n.";

/// Everything in tables.
pub(super) fn text(ensemble: &Ensemble) -> String {
    let mut out = String::new();
    for part in PARTS {
        out += &format!("{}\n", compared(ensemble, part));
    }
    out += &format!("{READING}\n\n{BREAKS}\n\n");
    out += &breaks(ensemble, DELTA, |t| t.delta_ratio, true).to_string();
    out.push('\n');
    out += &breaks(ensemble, WEIGHT_GRADIENT, |t| t.weight_gradient_ratio, false).to_string();
    if let Some(strip) = strip(ensemble) {
        out += &format!("\n{}", levels(ensemble, strip));
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
            [pair(mean(c.predicted), mean(c.measured)), ratio(c.ratio, ensemble)]
        });
        table.row(std::iter::once(layer.layer.clone()).chain(cells));
    }
    table
}

/// Measured over each theory.
fn breaks(
    ensemble: &Ensemble,
    heading: &str,
    read: fn(&TheoryMeans) -> Option<Mean>,
    with_causes: bool,
) -> Table {
    let mut table = Table::new().text(heading);
    for theory in THEORIES {
        table = table.number(theory.heading);
    }
    if with_causes {
        table = table.number("a").number("spread of log q");
    }
    for layer in &ensemble.layers {
        let ratios = layer.theories.iter().map(|t| ratio(read(t), ensemble));
        let causes = [layer.slope, layer.log_q_spread].map(|m| plain(m, ensemble));
        let causes = causes.into_iter().take(if with_causes { 2 } else { 0 });
        table.row(std::iter::once(layer.layer.clone()).chain(ratios).chain(causes));
    }
    table
}

/// E[δ²] of every layer below the output on one axis.
fn levels(ensemble: &Ensemble, strip: Strip) -> Table {
    let (low, high) = strip.ends();
    let axis = format!(
        "{} {} … {}, logarithmic: ● measured, ○ general form, ◇ two-state",
        DELTA,
        sig(low, 2),
        sig(high, 2)
    );
    let mut table = Table::new().text("layer").text(axis);
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
    let two_state = layer.theories.iter().find(|t| t.name == TWO_STATE).and_then(|t| t.delta);
    [layer.theories[0].delta, two_state, measured(layer, "delta2")].map(|m| m.map(|m| m.mean))
}

/// A geometric mean with its error in the same unit.
fn ratio(mean: Option<Mean>, ensemble: &Ensemble) -> String {
    written(mean, |m, error| m * error, ensemble)
}

/// An arithmetic mean with its error.
fn plain(mean: Option<Mean>, ensemble: &Ensemble) -> String {
    written(mean, |_, error| error, ensemble)
}

/// Relative errors below this are rounding, of numbers that are given and not predicted.
const ROUNDING: f64 = 1e-12;

/// `1.02 ± 0.013 (2)`, the brackets only where not all seeds had a number.
fn written(mean: Option<Mean>, absolute: fn(f64, f64) -> f64, ensemble: &Ensemble) -> String {
    let Some(m) = mean else { return String::new() };
    let error =
        m.error.map(|e| absolute(m.mean, e)).map(|e| if e.abs() < ROUNDING * m.mean.abs() { 0.0 } else { e });
    let error = error.map_or_else(String::new, |e| format!(" ± {}", sig(e, 2)));
    let seeds = if m.seeds == ensemble.seeds.len() { String::new() } else { format!(" ({})", m.seeds) };
    format!("{}{error}{seeds}", sig(m.mean, 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_written_with_what_is_known_of_them() {
        let of_three = Ensemble { seeds: vec![0, 1, 2], layers: Vec::new() };
        let mean = |mean, error, seeds| Some(Mean { mean, error, seeds });
        // The error of a geometric mean is relative.
        assert_eq!(ratio(mean(20.0, Some(0.25), 3), &of_three), "20.0 ± 5.0");
        assert_eq!(plain(mean(20.0, Some(0.25), 3), &of_three), "20.0 ± 0.25");
        assert_eq!(ratio(mean(20.0, Some(0.25), 2), &of_three), "20.0 ± 5.0 (2)");
        assert_eq!(ratio(mean(1.0, Some(1e-16), 3), &of_three), "1.00 ± 0");
        assert_eq!(ratio(mean(0.0, None, 3), &of_three), "0");
        assert_eq!(ratio(mean(f64::NAN, None, 1), &of_three), "NaN (1)");
        assert_eq!(ratio(None, &of_three), "");
    }

    #[test]
    fn no_layers_are_no_panic() {
        let text = text(&Ensemble { seeds: Vec::new(), layers: Vec::new() });
        assert!(text.contains("two-state") && !text.contains("logarithmic"), "{text}");
    }
}
