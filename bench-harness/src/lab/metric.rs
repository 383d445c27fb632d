//! What runs are compared by.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use serde::{Serialize, Serializer};

use super::run_record::RunRecord;

/// What runs are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Test accuracy after the last epoch.
    Accuracy,
    /// Share of test images whose label is among the five likeliest classes.
    Top5,
    /// Test cross-entropy.
    Loss,
    /// The best accuracy on the images held out, of all epochs.
    BestValidation,
}

/// A metric's name, and how its numbers are read and written.
#[derive(Debug, Clone, Copy)]
pub struct MetricEntry {
    /// Which it is.
    pub metric: Metric,
    /// Its name in options and files.
    pub id: &'static str,
    /// What it is called in tables.
    pub title: &'static str,
    /// What stands behind its numbers.
    pub unit: &'static str,
    /// What stands behind a difference of two.
    pub difference_unit: &'static str,
    /// Decimals that tell runs apart.
    pub decimals: usize,
    /// Whether more of it is better.
    pub is_gain: bool,
    /// The value of a finished run, in its unit.
    pub of: fn(&RunRecord) -> Option<f64>,
}

const fn share(
    metric: Metric,
    id: &'static str,
    title: &'static str,
    of: fn(&RunRecord) -> Option<f64>,
) -> MetricEntry {
    let (unit, difference_unit) = (" %", " points");
    MetricEntry { metric, id, title, unit, difference_unit, decimals: 2, is_gain: true, of }
}

/// Every metric.
pub const METRICS: [MetricEntry; 4] = [
    share(Metric::Accuracy, "accuracy", "test accuracy", |run| run.test.map(|test| 100.0 * test.accuracy)),
    share(Metric::Top5, "top5", "test top 5", |run| run.test.map(|test| 100.0 * test.top5)),
    MetricEntry {
        metric: Metric::Loss,
        id: "loss",
        title: "test loss",
        unit: "",
        difference_unit: "",
        decimals: 4,
        is_gain: false,
        of: |run| run.test.map(|test| test.loss),
    },
    share(Metric::BestValidation, "best-validation", "best validation accuracy", |run| {
        run.best.as_ref().map(|best| 100.0 * best.accuracy)
    }),
];

impl Metric {
    /// Its name, and how its numbers are read and written.
    pub fn entry(self) -> &'static MetricEntry {
        METRICS.iter().find(|entry| entry.metric == self).expect("every metric is listed")
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.entry().id)
    }
}

impl ValueEnum for Metric {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Accuracy, Self::Top5, Self::Loss, Self::BestValidation]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.entry().id).help(self.entry().title))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_listed_once() {
        let listed: Vec<_> = METRICS.iter().map(|entry| entry.metric).collect();
        assert_eq!(listed, Metric::value_variants());
        assert_eq!(serde_json::to_string(&Metric::BestValidation).unwrap(), "\"best-validation\"");
        assert_eq!(Metric::from_str("top5", false), Ok(Metric::Top5));
    }
}
