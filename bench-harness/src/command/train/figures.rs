//! What the layers did in the steps that were looked at, as pictures.

use anact::theory::LayerRow;

use crate::plot::{Chart, Series, stacked};
use crate::run::{DELTA, FACTOR, LayersAtStep, WEIGHT_GRADIENT};
use crate::statistics::evenly;

/// Colours of the lines of one chart: as many as can still be told apart, without the black of the band and the yellow
/// that fades on white.
const COLOURS: [usize; 6] = [0, 1, 2, 3, 4, 6];
const LINES: usize = COLOURS.len();
const BAND: usize = 5;

/// Reads a number of a row.
type Read = fn(&LayerRow) -> Option<f64>;

/// λ, λ²ρ and λ²ρ′ over the steps, a line for each of up to [`LINES`] layers, and mean and range of all of them; `None` if
/// no layer has an activation.
pub(super) fn factors(steps: &[LayersAtStep]) -> Option<String> {
    let rows = &steps.first()?.comparison.rows;
    let layers: Vec<usize> = (0..rows.len()).filter(|&i| rows[i].measured.kappa.is_some()).collect();
    let shown: Vec<usize> = evenly(layers.len(), LINES).into_iter().map(|i| layers[i]).collect();
    let chart = |what: &str, read: Read, reference: Option<f64>| {
        let mut chart = Chart::new(format!("{what} in training, measured on each step's batch"))
            .x_label("step")
            .y_label(what)
            .plot_height(220.0);
        let at = |step: &LayersAtStep, i: usize| read(&step.comparison.rows[i]).unwrap_or(f64::NAN);
        if layers.len() > 1 {
            let all = |s: &LayersAtStep| layers.iter().map(|&i| at(s, i)).collect::<Vec<f64>>();
            let mean = |s: &LayersAtStep| all(s).iter().sum::<f64>() / layers.len() as f64;
            let end = |pick: fn(f64, f64) -> f64| {
                steps.iter().map(|s| all(s).into_iter().fold(f64::NAN, pick)).collect::<Vec<f64>>()
            };
            let name = format!("mean and range of all {} layers", layers.len());
            let line = Series::line(name, steps.iter().map(|s| (s.step as f64, mean(s))));
            chart = chart.series(line.band(end(f64::min), end(f64::max)).dashed().colour(BAND));
        }
        for (&colour, &i) in COLOURS.iter().zip(&shown) {
            let points = steps.iter().map(|s| (s.step as f64, at(s, i)));
            chart = chart.series(Series::line(rows[i].layer.as_str(), points).colour(colour));
        }
        reference.into_iter().fold(chart, |chart, y| chart.reference("normalized", y))
    };
    (!layers.is_empty()).then(|| {
        stacked(&[
            chart(FACTOR.heading, |r| r.measured.kappa, None),
            chart("λ²ρ", |r| r.measured.scaled_rho, Some(1.0)),
            chart("λ²ρ′", |r| r.measured.scaled_rho_prime, Some(1.0)),
        ])
    })
}

/// E[δ²] and E[(∂L/∂w)²] by layer, a line for each of up to [`LINES`] steps, and the general form for the first and the
/// last.
pub(super) fn gradients(steps: &[LayersAtStep]) -> Option<String> {
    let rows = &steps.first()?.comparison.rows;
    let shown: Vec<&LayersAtStep> = evenly(steps.len(), LINES).into_iter().map(|i| &steps[i]).collect();
    let chart = |what: &str, count: usize, measured: Read, predicted: Read| {
        let title = match count {
            _ if count < rows.len() => format!("{what} by layer in training, below the output layer"),
            _ => format!("{what} by layer in training"),
        };
        let layers = rows[..count].iter().map(|r| r.layer.as_str());
        let mut chart = Chart::by_category(title, layers).y_label(what).log_y();
        let line = |name: String, step: &LayersAtStep, read: Read| {
            let rows = &step.comparison.rows[..count];
            Series::line_by_category(name, rows.iter().map(|r| read(r).unwrap_or(f64::NAN)))
        };
        for (i, step) in shown.iter().enumerate() {
            let name = format!("step {}", step.step);
            chart = chart.series(line(name.clone(), step, measured).colour(COLOURS[i]));
            if i == 0 || i + 1 == shown.len() {
                let name = format!("{name}, predicted");
                chart = chart.series(line(name, step, predicted).colour(COLOURS[i]).dashed());
            }
        }
        chart
    };
    // The output's E[δ²] is given, and often so much larger that nothing else could be seen.
    let below = rows.len().saturating_sub(1).max(1);
    Some(stacked(&[
        chart(DELTA.heading, below, |r| r.measured.delta, |r| r.predicted.delta),
        chart(
            WEIGHT_GRADIENT.heading,
            rows.len(),
            |r| r.measured.weight_gradient,
            |r| r.predicted.weight_gradient,
        ),
    ]))
}
