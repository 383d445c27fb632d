//! What the layers did in the steps that were looked at, as pictures.

use anact::theory::LayerRow;

use crate::plot::{Chart, Series, stacked};
use crate::run::{DELTA, LayersAtStep, WEIGHT_GRADIENT};

/// Lines of one chart that can still be told apart.
const LINES: usize = 8;

/// Reads a number of a row.
type Read = fn(&LayerRow) -> Option<f64>;

/// λ, λ²ρ and λ²ρ′ over the steps, a line for each of up to [`LINES`] layers and a band around all of them; `None` if no
/// layer has an activation.
pub(super) fn factors(steps: &[LayersAtStep]) -> Option<String> {
    let first = &steps.first()?.comparison.rows;
    let layers: Vec<usize> = (0..first.len()).filter(|&i| first[i].measured.kappa.is_some()).collect();
    let chart = |what: &str, read: Read, reference: bool| {
        let shown: Vec<usize> = evenly(layers.len()).into_iter().map(|i| layers[i]).collect();
        let note = if shown.len() < layers.len() {
            format!(", {} of {} layers and the range of all", shown.len(), layers.len())
        } else {
            String::new()
        };
        let mut chart = Chart::new(format!("{what} in training, measured on each step's batch{note}"))
            .x_label("step")
            .y_label(what)
            .plot_height(220.0);
        let at = |step: &LayersAtStep, i: usize| read(&step.comparison.rows[i]).unwrap_or(f64::NAN);
        if shown.len() < layers.len() {
            // Around its middle, which nobody asked for: the band alone is of interest.
            let end = |step: &LayersAtStep, start: f64, pick: fn(f64, f64) -> f64| {
                layers.iter().map(|&i| at(step, i)).fold(start, pick)
            };
            let lower: Vec<f64> = steps.iter().map(|s| end(s, f64::INFINITY, f64::min)).collect();
            let upper: Vec<f64> = steps.iter().map(|s| end(s, f64::NEG_INFINITY, f64::max)).collect();
            let middle = steps.iter().zip(lower.iter().zip(&upper));
            let middle: Vec<_> =
                middle.map(|(s, (low, high))| (s.step as f64, f64::midpoint(*low, *high))).collect();
            chart = chart.series(Series::line("all layers", middle).band(lower, upper).dashed().colour(5));
        }
        for (colour, &i) in shown.iter().enumerate() {
            let points = steps.iter().map(|s| (s.step as f64, at(s, i)));
            chart = chart.series(Series::line(first[i].layer.as_str(), points).colour(colour));
        }
        if reference { chart.reference("normalized", 1.0) } else { chart }
    };
    (!layers.is_empty()).then(|| {
        stacked(&[
            chart("λ", |r| r.measured.kappa, false),
            chart("λ²ρ", |r| r.measured.scaled_rho, true),
            chart("λ²ρ′", |r| r.measured.scaled_rho_prime, true),
        ])
    })
}

/// E[δ²] and E[(∂L/∂w)²] by layer, a line for each of up to [`LINES`] steps, and the general form for the first and the
/// last.
pub(super) fn gradients(steps: &[LayersAtStep]) -> Option<String> {
    let first = steps.first()?;
    let shown: Vec<&LayersAtStep> = evenly(steps.len()).into_iter().map(|i| &steps[i]).collect();
    let chart = |what: &str, measured: Read, predicted: Read| {
        let layers = first.comparison.rows.iter().map(|r| r.layer.as_str());
        let mut chart =
            Chart::by_category(format!("{what} by layer in training"), layers).y_label(what).log_y();
        let values = |s: &LayersAtStep, read: Read| {
            s.comparison.rows.iter().map(read).map(|v| v.unwrap_or(f64::NAN)).collect::<Vec<_>>()
        };
        for (colour, step) in shown.iter().enumerate() {
            let name = format!("step {}", step.step);
            chart = chart.series(Series::line_by_category(name, values(step, measured)).colour(colour));
            if colour == 0 || colour + 1 == shown.len() {
                let name = format!("step {}, predicted", step.step);
                let line = Series::line_by_category(name, values(step, predicted));
                chart = chart.series(line.colour(colour).dashed());
            }
        }
        chart
    };
    Some(stacked(&[
        chart(DELTA, |r| r.measured.delta, |r| r.predicted.delta),
        chart(WEIGHT_GRADIENT, |r| r.measured.weight_gradient, |r| r.predicted.weight_gradient),
    ]))
}

/// Up to [`LINES`] of `count` positions, the first and the last among them.
fn evenly(count: usize) -> Vec<usize> {
    if count <= LINES {
        return (0..count).collect();
    }
    (0..LINES).map(|i| (i * (count - 1) + (LINES - 1) / 2) / (LINES - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_spread_from_end_to_end() {
        assert_eq!(evenly(0), [0_usize; 0]);
        assert_eq!(evenly(1), [0]);
        assert_eq!(evenly(8), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(evenly(9), [0, 1, 2, 3, 5, 6, 7, 8]);
        assert_eq!(evenly(15), [0, 2, 4, 6, 8, 10, 12, 14]);
    }
}
