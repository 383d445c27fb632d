//! What comes back to each layer, measured and by each theory, as a picture.

use crate::plot::{Chart, Series, stacked};
use crate::run::{DELTA, Ensemble, LayerMeans, Mean, THEORIES, TheoryMeans, WEIGHT_GRADIENT};
use crate::table::sig;

/// One chart of E[δ²] above one of E[(∂L/∂w)²].
pub(super) fn svg(ensemble: &Ensemble, title: &str) -> String {
    let layers = ensemble.layers.as_slice();
    let (below, output) = below_output(layers);
    let at_output =
        output.map_or_else(String::new, |d| format!(" below the output, where it is {}", sig(d, 3)));
    let several = ensemble.seeds.len() > 1;
    stacked(&[
        chart(below, several, DELTA, "delta2", |t| t.delta)
            .title(format!("{DELTA} by layer{at_output}: {title}")),
        chart(layers, several, WEIGHT_GRADIENT, "weight_gradient2", |t| t.weight_gradient)
            .title(format!("{WEIGHT_GRADIENT} by layer: {title}")),
    ])
}

/// The layers before the output layer, and its E[δ²]. That is given, as no theory says it, and often so much larger
/// that nothing else could be seen beside it. A single layer is shown all the same.
pub(super) fn below_output(layers: &[LayerMeans]) -> (&[LayerMeans], Option<f64>) {
    match layers.split_last() {
        Some((output, below)) if !below.is_empty() => (below, measured(output, "delta2").map(|m| m.mean)),
        _ => (layers, None),
    }
}

/// A measured quantity by its name in files.
pub(super) fn measured(layer: &LayerMeans, name: &str) -> Option<Mean> {
    layer.quantities.iter().find(|c| c.name == name).and_then(|c| c.measured)
}

fn chart(
    layers: &[LayerMeans],
    several: bool,
    heading: &str,
    name: &str,
    read: fn(&TheoryMeans) -> Option<Mean>,
) -> Chart {
    let value = |m: Option<Mean>| m.map_or(f64::NAN, |m| m.mean);
    let label =
        if several { format!("{heading}, mean and standard error over seeds") } else { heading.into() };
    let mut chart = Chart::by_category("", layers.iter().map(|l| l.layer.clone())).y_label(label).log_y();
    let means = || layers.iter().map(|l| measured(l, name));
    let mut line = Series::line_by_category("measured", means().map(value));
    if several {
        let ends = || means().map(|m| m.map_or((f64::NAN, f64::NAN), |m| m.range()));
        line = line.band(ends().map(|e| e.0), ends().map(|e| e.1));
    }
    chart = chart.series(line);
    for (i, theory) in THEORIES.iter().enumerate() {
        let values: Vec<f64> = layers.iter().map(|l| value(read(&l.theories[i]))).collect();
        // A theory without a number would only fill the legend.
        if values.iter().any(|v| v.is_finite()) {
            chart = chart.series(Series::line_by_category(theory.heading, values).colour(i + 1).dashed());
        }
    }
    chart
}
