//! Activations beside each other, with differences paired by seed.

use serde::Serialize;

use super::difference::{Difference, Verdict};
use super::group::Group;
use super::metric::Metric;
use super::run_record::RunRecord;
use crate::error::{Error, Result};
use crate::run::Status;
use crate::statistics::Summary;

/// One activation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its name.
    pub activation: String,
    /// Over its finished runs that have a value; `None` of none.
    pub summary: Option<Summary>,
    /// Runs that diverged: they are in no mean, and say the more against the activation.
    pub diverged: usize,
    /// Runs that are under way, were killed, or ended early for another reason.
    pub unfinished: usize,
    /// Finished runs without a value, as those without validation have no best one.
    pub without_value: usize,
    /// From its plain twin or the baseline, if the group has one.
    pub difference: Option<Difference>,
}

impl Row {
    /// Runs with a value.
    pub fn seeds(&self) -> usize {
        self.summary.map_or(0, |summary| summary.n)
    }

    /// All runs.
    pub fn runs(&self) -> usize {
        self.seeds() + self.diverged + self.unfinished + self.without_value
    }
}

/// The activations of a group by one metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// What is compared.
    pub metric: Metric,
    /// In the group's order.
    pub rows: Vec<Row>,
}

impl Comparison {
    /// Compares every activation with `baseline`, or without one every normalized activation with its plain twin.
    ///
    /// # Errors
    /// A baseline that the group does not have.
    pub fn of(group: &Group, metric: Metric, baseline: Option<&str>) -> Result<Self> {
        if let Some(name) = baseline.filter(|name| !group.activations.iter().any(|a| a == name)) {
            return Err(Error::Setting {
                setting: "--baseline",
                value: name.into(),
                legal: format!("one of {}, which {} has", group.activations.join(", "), group.name()),
            });
        }
        let rows = group.activations.iter().map(|activation| {
            let runs: Vec<&RunRecord> = group.of(activation).collect();
            let finished: Vec<_> = runs.iter().filter(|run| run.is_finished()).collect();
            let values: Vec<f64> = finished.iter().filter_map(|run| (metric.entry().of)(run)).collect();
            let diverged = runs.iter().filter(|run| run.status == Status::Diverged).count();
            let against = match baseline {
                None => group.twin(activation),
                Some(name) => (name != activation).then_some(name),
            };
            Row {
                activation: activation.clone(),
                summary: Summary::of(&values),
                diverged,
                unfinished: runs.len() - finished.len() - diverged,
                without_value: finished.len() - values.len(),
                difference: against.map(|against| {
                    Difference::of(&runs, against, &group.of(against).collect::<Vec<_>>(), metric)
                }),
            }
        });
        Ok(Self { metric, rows: rows.collect() })
    }

    /// Whether any run has a value.
    pub fn has_values(&self) -> bool {
        self.rows.iter().any(|row| row.summary.is_some())
    }

    /// All differences.
    pub fn differences(&self) -> impl Iterator<Item = &Difference> {
        self.rows.iter().filter_map(|row| row.difference.as_ref())
    }

    /// How many differences have this verdict, of those with an interval.
    pub fn count(&self, verdict: Verdict) -> usize {
        let with_interval = self.differences().filter(|d| d.summary.is_some_and(|s| s.t_interval.is_some()));
        with_interval.filter(|d| d.verdict == verdict).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::group::groups;
    use super::super::run_record::tests::finished;
    use super::*;

    fn group() -> Group {
        let accuracies =
            [("relu", [0.5, 0.5, 0.5]), ("nrelu", [0.51, 0.5, 0.53]), ("tanh", [0.4, 0.38, 0.4])];
        let runs = accuracies
            .iter()
            .flat_map(|(name, values)| (1u64..).zip(values).map(|(seed, &v)| finished(name, seed, v)));
        let mut runs: Vec<_> = runs.collect();
        runs[8].status = Status::Paused;
        groups(runs).unwrap().remove(0)
    }

    /// Differences of 1, 0 and 3 points: mean 4/3, squares (−1/3)² + (−4/3)² + (5/3)² = 42/9, so the error is √(42/9/2/3).
    #[test]
    fn normalized_activations_stand_beside_their_twins() {
        let comparison = Comparison::of(&group(), Metric::Accuracy, None).unwrap();
        let [relu, nrelu, tanh] = &comparison.rows[..] else { panic!("{comparison:?}") };
        assert!(relu.difference.is_none() && tanh.difference.is_none());
        assert_eq!((tanh.seeds(), tanh.unfinished, tanh.runs()), (2, 1, 3));
        let d = nrelu.difference.as_ref().unwrap();
        assert_eq!((d.against.as_str(), d.wins, d.ties, d.losses), ("relu", 2, 1, 0));
        let summary = d.summary.unwrap();
        assert!((summary.mean - 4.0 / 3.0).abs() < 1e-12);
        assert!((summary.standard_error.unwrap() - (42.0f64 / 54.0).sqrt()).abs() < 1e-12);
        assert_eq!(d.verdict, Verdict::Open);
        assert_eq!((comparison.count(Verdict::Open), comparison.count(Verdict::Better)), (1, 0));
        let (low, high) = d.bootstrap_interval.unwrap();
        assert!(low.abs() < 1e-12 && (high - 3.0).abs() < 1e-12, "{low} {high}");
    }

    #[test]
    fn a_baseline_takes_the_place_of_twins() {
        let comparison = Comparison::of(&group(), Metric::Loss, Some("tanh")).unwrap();
        let relu = comparison.rows[0].difference.as_ref().unwrap();
        // Two seeds in common, 0.1 and 0.12 less loss.
        assert_eq!((relu.against.as_str(), relu.pairs(), relu.only_this, relu.wins), ("tanh", 2, 1, 2));
        assert!((relu.summary.unwrap().mean + 0.11).abs() < 1e-12);
        assert!(comparison.rows[2].difference.is_none());
        let text = Comparison::of(&group(), Metric::Loss, Some("gelu")).unwrap_err().to_string();
        assert!(text.contains("--baseline is gelu; want one of relu, nrelu, tanh"), "{text}");
    }

    #[test]
    fn runs_are_counted_by_what_became_of_them() {
        let mut runs: Vec<_> =
            (1..=3).flat_map(|seed| [finished("relu", seed, 0.5), finished("nrelu", seed, 0.6)]).collect();
        runs[5].status = Status::Diverged;
        runs[5].test = None;
        let group = groups(runs).unwrap().remove(0);
        let row = &Comparison::of(&group, Metric::Accuracy, None).unwrap().rows[1];
        assert_eq!((row.seeds(), row.diverged, row.unfinished, row.without_value), (2, 1, 0, 0));
        // Without validation there is no best one, and yet the runs are finished.
        let comparison = Comparison::of(&group, Metric::BestValidation, None).unwrap();
        let row = &comparison.rows[1];
        assert_eq!((row.seeds(), row.diverged, row.unfinished, row.without_value), (0, 1, 0, 2));
        assert!(!comparison.has_values() && row.difference.as_ref().unwrap().summary.is_none());
    }
}
