//! What comes back to each layer, measured and by each theory, as a picture.

use crate::plot::{Chart, Series, stacked};
use crate::run::{DELTA, Ensemble, LayerMeans, Mean, THEORIES, TheoryMeans, WEIGHT_GRADIENT};

/// One chart of E[δ²] above one of E[(∂L/∂w)²].
pub(super) fn svg(ensemble: &Ensemble, title: &str) -> String {
    let charts = [
        chart(ensemble, DELTA, title, |t| t.delta),
        chart(ensemble, WEIGHT_GRADIENT, title, |t| t.weight_gradient),
    ];
    stacked(&charts)
}

fn chart(ensemble: &Ensemble, heading: &str, title: &str, read: fn(&TheoryMeans) -> Option<Mean>) -> Chart {
    let name = if heading == DELTA { "delta2" } else { "weight_gradient2" };
    let measured = |l: &LayerMeans| l.quantities.iter().find(|c| c.name == name).and_then(|c| c.measured);
    let layers = || ensemble.layers.iter();
    let value = |m: Option<Mean>| m.map_or(f64::NAN, |m| m.mean);
    let end = |m: Option<Mean>| m.map_or((f64::NAN, f64::NAN), |m| m.range());
    let mut chart =
        Chart::by_category(format!("{heading} by layer: {title}"), layers().map(|l| l.layer.clone()))
            .description(title)
            .y_label(format!("{heading}, geometric mean"))
            .log_y();
    let series = Series::line_by_category("measured", layers().map(|l| value(measured(l))));
    chart = chart.series(if ensemble.seeds.len() > 1 {
        series.band(layers().map(|l| end(measured(l)).0), layers().map(|l| end(measured(l)).1))
    } else {
        series
    });
    for (i, theory) in THEORIES.iter().enumerate() {
        let values: Vec<f64> = layers().map(|l| value(read(&l.theories[i]))).collect();
        // A theory without a number would only fill the legend.
        if values.iter().any(|v| v.is_finite()) {
            chart = chart.series(Series::line_by_category(theory.heading, values).colour(i + 1).dashed());
        }
    }
    chart
}
