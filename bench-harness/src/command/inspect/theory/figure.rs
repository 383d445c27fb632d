//! What comes back to each layer, measured and by each theory, as a picture.

use crate::plot::{Chart, Series, stacked};
use crate::run::{DELTA, Ensemble, LayerMeans, Mean, Quantity, THEORIES, TheoryMeans, WEIGHT_GRADIENT};
use crate::table::sig;

/// One chart of E[δ²] above one of E[(∂L/∂w)²].
pub(super) fn svg(ensemble: &Ensemble, title: &str) -> String {
    let layers = ensemble.layers.as_slice();
    let (below, output) = below_output(layers);
    let at_output =
        output.map_or_else(String::new, |d| format!(" below the output, where it is {}", sig(d, 3)));
    let seeds = ensemble.seeds.len();
    stacked(&[
        chart(below, seeds, &DELTA, |t| t.delta)
            .title(format!("{} by layer{at_output}: {title}", DELTA.heading)),
        chart(layers, seeds, &WEIGHT_GRADIENT, |t| t.weight_gradient)
            .title(format!("{} by layer: {title}", WEIGHT_GRADIENT.heading)),
    ])
}

/// The layers before the output layer, and its E[δ²]. That is given, as no theory says it, and often so much larger
/// that nothing else could be seen beside it. A single layer is shown all the same.
pub(super) fn below_output(layers: &[LayerMeans]) -> (&[LayerMeans], Option<f64>) {
    match layers.split_last() {
        Some((output, below)) if !below.is_empty() => (below, output.measured(&DELTA).map(|m| m.mean)),
        _ => (layers, None),
    }
}

fn chart(
    layers: &[LayerMeans],
    seeds: usize,
    quantity: &Quantity,
    read: fn(&TheoryMeans) -> Option<Mean>,
) -> Chart {
    let value = |m: Option<Mean>| m.map_or(f64::NAN, |m| m.mean);
    let label = match seeds {
        0 | 1 => quantity.heading.to_string(),
        _ => format!("{}, mean and standard error over seeds", quantity.heading),
    };
    let mut chart = Chart::by_category("", layers.iter().map(|l| l.layer.clone())).y_label(label).log_y();
    let means = || layers.iter().map(|l| l.measured(quantity));
    let mut line = Series::line_by_category("measured", means().map(value));
    if seeds > 1 {
        let ends = || means().map(|m| m.map_or((f64::NAN, f64::NAN), |m| m.range()));
        line = line.band(ends().map(|e| e.0), ends().map(|e| e.1));
    }
    chart = chart.series(line);
    for (i, theory) in THEORIES.iter().enumerate() {
        let values: Vec<f64> = layers.iter().map(|l| value(read(l.theory(theory)))).collect();
        // A theory without a number would only fill the legend.
        if values.iter().any(|v| v.is_finite()) {
            chart = chart.series(Series::line_by_category(theory.heading, values).colour(i + 1).dashed());
        }
    }
    chart
}

#[cfg(test)]
mod tests {
    use anact::theory::{BackwardMoments, LayerRow, Quantities};

    use super::*;

    /// Three layers whose E[δ²] grows upwards in every theory, the more the fewer it assumes.
    fn rows(seed: u64) -> Vec<LayerRow> {
        let row = |i: u64| {
            let delta = |strength: f64| {
                let delta = Some(1e-3 * (1.0 + strength).powi(3 - i as i32) * (1.0 + 0.1 * seed as f64));
                BackwardMoments { delta, weight_gradient: delta }
            };
            let quantities = |b: BackwardMoments| Quantities {
                delta: b.delta,
                weight_gradient: b.weight_gradient,
                ..Quantities::default()
            };
            LayerRow {
                layer: format!("fc{i}"),
                activation: None,
                predicted: quantities(delta(0.1)),
                with_measured_ratios: quantities(delta(0.2)),
                per_sample: delta(0.5),
                per_unit: delta(0.6),
                two_state: delta(0.9),
                slope: Some(1.2),
                log_q_spread: Some(0.3),
                measured: quantities(delta(1.0)),
            }
        };
        (1..=3).map(row).collect()
    }

    #[test]
    fn every_theory_that_has_numbers_is_drawn() {
        let runs: Vec<_> = (0..2).map(|seed| (seed, rows(seed))).collect();
        let of = |count: usize| {
            Ensemble::of(runs[..count].iter().map(|(seed, rows)| (*seed, rows.as_slice()))).unwrap()
        };
        let picture = svg(&of(2), "a title");
        for theory in THEORIES {
            // In the legend and as the line's tooltip, in both charts.
            assert!(picture.matches(theory.heading).count() >= 4, "{}", theory.heading);
        }
        assert!(picture.contains("below the output, where it is"));
        // Two bands and their samples; none for a single seed.
        assert_eq!(picture.matches("class=\"band\"").count(), 4);
        assert_eq!(svg(&of(1), "a title").matches("class=\"band\"").count(), 0);
        // fc3 is the output: its E[δ²] is in the title, not in the first chart.
        let (first, second) = picture.split_once(WEIGHT_GRADIENT.heading).unwrap();
        assert!(!first.contains(">fc3<") && second.contains(">fc3<"));
        // A network without layers is an empty picture, not a panic.
        assert!(svg(&of(0), "nothing").ends_with("</svg>\n"));
    }
}
