//! A run on the page.

use anact::theory::{BackwardMoments, LayerRow, Quantities};
use serde::Serialize;

use crate::checkpoint::Best;
use crate::lab::RunRecord;
use crate::run::{EpochMetrics, LayersLine, Status, TestResult};
use crate::statistics::evenly;

/// Looks at the layers that a page has room for, of each run.
pub(super) const MOST_LOOKS: usize = 200;

#[derive(Debug, Clone, Serialize)]
pub(super) struct ReportRun {
    name: String,
    folder: String,
    activation: String,
    seed: u64,
    status: Status,
    epochs: Vec<EpochMetrics>,
    layers: Vec<ReportLayers>,
    test: Option<TestResult>,
    best: Option<Best>,
    weights_sha256: Option<String>,
    confusion: Option<Vec<Vec<u64>>>,
    command: String,
}

#[derive(Debug, Clone, Serialize)]
struct ReportLayers {
    when: String,
    step: u64,
    rows: Vec<ReportRow>,
}

/// What the page draws of a layer.
#[derive(Debug, Clone, Serialize)]
struct ReportRow {
    layer: String,
    measured: Shown,
    /// Of the first and the last look; of those between they would be most of the page's size, and nothing draws them.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    theories: Option<Theories>,
}

/// What each theory says of a layer.
#[derive(Debug, Clone, Serialize)]
struct Theories {
    predicted: Shown,
    with_measured_ratios: Shown,
    per_sample: BackwardMoments,
    per_unit: BackwardMoments,
    two_state: BackwardMoments,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Shown {
    weight_gradient: Option<f64>,
    delta: Option<f64>,
    variance_z: Option<f64>,
    kappa: Option<f64>,
}

impl From<&Quantities> for Shown {
    fn from(q: &Quantities) -> Self {
        let Quantities { weight_gradient, delta, variance_z, kappa, .. } = *q;
        Self { weight_gradient, delta, variance_z, kappa }
    }
}

impl From<&LayerRow> for Theories {
    fn from(row: &LayerRow) -> Self {
        Self {
            predicted: (&row.predicted).into(),
            with_measured_ratios: (&row.with_measured_ratios).into(),
            per_sample: row.per_sample,
            per_unit: row.per_unit,
            two_state: row.two_state,
        }
    }
}

impl ReportLayers {
    fn of(line: &LayersLine) -> Self {
        let has_theories = line.when != "training";
        let row = |row: &LayerRow| ReportRow {
            layer: row.layer.clone(),
            measured: (&row.measured).into(),
            theories: has_theories.then(|| row.into()),
        };
        Self { when: line.when.clone(), step: line.step, rows: line.rows.iter().map(row).collect() }
    }
}

impl ReportRun {
    pub(super) fn of(run: &RunRecord) -> Self {
        let layers = thinned(&run.layers).map(ReportLayers::of);
        Self {
            name: run.name(),
            folder: run.folder.display().to_string(),
            activation: run.settings.activation.clone(),
            seed: run.settings.seed,
            status: run.status,
            epochs: run.epochs.clone(),
            layers: layers.collect(),
            test: run.test,
            best: run.best.clone(),
            weights_sha256: run.weights_sha256.clone(),
            confusion: run.confusion.clone(),
            command: run.command(),
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.status == Status::Finished
    }
}

/// At most [`MOST_LOOKS`] of them, the first and the last among them, the others at even distances.
fn thinned(looks: &[LayersLine]) -> impl Iterator<Item = &LayersLine> {
    evenly(looks.len(), MOST_LOOKS).into_iter().map(move |i| &looks[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_thinned_to_the_first_the_last_and_some_between() {
        for (count, want) in [(0, 0), (1, 1), (200, 200), (201, 200), (5000, 200)] {
            let looks: Vec<_> = (0..count)
                .map(|step| LayersLine { when: "training".into(), step, rows: Vec::new() })
                .collect();
            let steps: Vec<u64> = thinned(&looks).map(|look| look.step).collect();
            assert_eq!(steps.len(), want, "{count}");
            assert!(steps.is_sorted_by(|a, b| a < b));
            let ends = (steps.first().copied(), steps.last().copied());
            assert_eq!(ends, (looks.first().map(|l| l.step), looks.last().map(|l| l.step)));
        }
    }
}
