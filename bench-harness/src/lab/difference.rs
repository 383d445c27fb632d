//! The difference of two activations, paired by seed.

use serde::Serialize;

use super::metric::Metric;
use super::run_record::RunRecord;
use crate::run::Status;
use crate::statistics::{Summary, bootstrap_interval};

/// What can be said of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All of Student's interval is on the better side of 0.
    Better,
    /// All of it is on the worse side.
    Worse,
    /// The interval holds 0, or there is none.
    Open,
}

impl Verdict {
    /// In files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Open => "open",
        }
    }
}

/// A paired difference from another activation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The activation subtracted.
    pub against: String,
    /// Over the seeds that both have: mean, standard error and Student's interval. `None` of no seed in common.
    pub summary: Option<Summary>,
    /// The 95 % percentile interval over resampled seeds; `None` likewise, and of fewer than two.
    pub bootstrap_interval: Option<(f64, f64)>,
    /// Seeds in which this activation is better.
    pub wins: usize,
    /// Seeds in which both are equal.
    pub ties: usize,
    /// Seeds in which it is worse.
    pub losses: usize,
    /// Seeds of which only this activation has a value.
    pub only_this: usize,
    /// Seeds of which only the other has one.
    pub only_other: usize,
    /// What can be said of it. Where one of both diverged and the other did not, the difference is of the seeds that went well and
    /// never in favour of the one that diverged.
    pub verdict: Verdict,
    /// Seeds in which this activation diverged and the other finished.
    pub diverged_alone: usize,
    /// Seeds in which the other diverged and this one finished.
    pub other_diverged_alone: usize,
}

/// Spread below this share of the values is their rounding.
const ROUNDING: f64 = 1e-12;

impl Difference {
    /// Of an activation's runs from another's.
    pub(super) fn of(own: &[&RunRecord], against: &str, other: &[&RunRecord], metric: Metric) -> Self {
        let entry = metric.entry();
        let value = |run: &RunRecord| run.is_finished().then(|| (entry.of)(run)).flatten();
        let (mut differences, mut size) = (Vec::new(), 0.0_f64);
        let (mut only_this, mut diverged_alone) = (0, 0);
        for run in own {
            match (value(run), twin(other, run).and_then(value)) {
                (Some(own), Some(other)) => {
                    differences.push(own - other);
                    size = size.max(own.abs()).max(other.abs());
                }
                (Some(_), None) => only_this += 1,
                (None, Some(_)) => diverged_alone += usize::from(run.status == Status::Diverged),
                (None, None) => {}
            }
        }
        let (mut only_other, mut other_diverged_alone) = (0, 0);
        for run in other {
            let own = twin(own, run).and_then(value);
            only_other += usize::from(value(run).is_some() && own.is_none());
            other_diverged_alone += usize::from(run.status == Status::Diverged && own.is_some());
        }
        let gain = |d: f64| if entry.is_gain { d } else { -d };
        let count = |is: fn(f64) -> bool| differences.iter().filter(|&&d| is(gain(d))).count();
        let mut summary = Summary::of(&differences);
        let mut bootstrap_interval = bootstrap_interval(&differences);
        let range = |pick: fn(f64, f64) -> f64| differences.iter().copied().reduce(pick).unwrap_or_default();
        if range(f64::max) - range(f64::min) <= ROUNDING * size {
            // Equal differences have no spread from which an interval could be taken.
            summary = summary.map(|summary| Summary { t_interval: None, ..summary });
            bootstrap_interval = None;
        }
        let verdict = match summary.and_then(|summary| summary.t_interval) {
            Some((low, high)) if (low > 0.0 || high < 0.0) => match (low > 0.0) == entry.is_gain {
                true if diverged_alone == 0 => Verdict::Better,
                false if other_diverged_alone == 0 => Verdict::Worse,
                _ => Verdict::Open,
            },
            _ => Verdict::Open,
        };
        Self {
            against: against.into(),
            summary,
            bootstrap_interval,
            wins: count(|d| d > 0.0),
            ties: count(|d| d == 0.0),
            losses: count(|d| d < 0.0),
            only_this,
            only_other,
            verdict,
            diverged_alone,
            other_diverged_alone,
        }
    }

    /// Seeds of which both have a value.
    pub fn pairs(&self) -> usize {
        self.summary.map_or(0, |summary| summary.n)
    }
}

/// The run of `runs` with the seed of this one.
fn twin<'r>(runs: &[&'r RunRecord], run: &RunRecord) -> Option<&'r RunRecord> {
    runs.iter().copied().find(|other| other.settings.seed == run.settings.seed)
}

#[cfg(test)]
mod tests {
    use super::super::run_record::tests::finished;
    use super::*;

    /// Runs of relu at 50 % and of nrelu at these points more.
    fn pairs(points: &[f64]) -> [Vec<RunRecord>; 2] {
        let runs = |name: &str, value: &dyn Fn(f64) -> f64| {
            (1..).zip(points).map(|(seed, &point)| finished(name, seed, value(point))).collect()
        };
        [runs("nrelu", &|point| 0.5 + point / 100.0), runs("relu", &|_| 0.5)]
    }

    fn difference([own, other]: &[Vec<RunRecord>; 2], metric: Metric) -> Difference {
        let [own, other] = [own, other].map(|runs| runs.iter().collect::<Vec<_>>());
        Difference::of(&own, "relu", &other, metric)
    }

    fn close(got: f64, want: f64) {
        assert!((got - want).abs() < 1e-10, "{got} {want}");
    }

    /// Python's `statistics` and the quantile 3.18244630528370959… of Student's t with 3 degrees of freedom from mpmath: the mean of
    /// 1, 2, 4 and 3 is 2.5, its error 0.6454972243679028, so the interval is 0.44573974… to 4.55426025….
    #[test]
    fn an_interval_beside_zero_decides() {
        let d = difference(&pairs(&[1.0, 2.0, 4.0, 3.0]), Metric::Accuracy);
        let summary = d.summary.unwrap();
        close(summary.mean, 2.5);
        close(summary.standard_error.unwrap(), 0.645_497_224_367_902_8);
        let (low, high) = summary.t_interval.unwrap();
        close(low, 0.445_739_743_239_478_07);
        close(high, 4.554_260_256_760_521);
        assert_eq!((d.verdict, d.wins, d.ties, d.losses, d.pairs()), (Verdict::Better, 4, 0, 0, 4));
        // More is worse of a loss, and less is worse of an accuracy.
        let worse = difference(&pairs(&[-1.0, -2.0, -4.0, -3.0]), Metric::Accuracy);
        assert_eq!((worse.verdict, worse.losses), (Verdict::Worse, 4));
        close(worse.summary.unwrap().t_interval.unwrap().0, -high);
        // The loss of these runs is 1 − accuracy.
        assert_eq!(difference(&pairs(&[1.0, 2.0, 4.0, 3.0]), Metric::Loss).verdict, Verdict::Better);
        assert_eq!(difference(&pairs(&[-1.0, -2.0, -4.0, -3.0]), Metric::Loss).verdict, Verdict::Worse);
    }

    /// By the same sources, with the quantile 4.30265272974946385… of 2 degrees: the mean of 1, 2 and 4 is 7/3, the interval
    /// −1.46124970… to 6.12791636….
    #[test]
    fn an_interval_around_zero_does_not() {
        let d = difference(&pairs(&[1.0, 2.0, 4.0]), Metric::Accuracy);
        let (low, high) = d.summary.unwrap().t_interval.unwrap();
        close(low, -1.461_249_700_263_428_2);
        close(high, 6.127_916_366_930_095);
        assert_eq!((d.verdict, d.wins), (Verdict::Open, 3));
    }

    #[test]
    fn equal_differences_and_single_seeds_say_nothing() {
        for points in [&[10.0, 10.0, 10.0][..], &[0.0, 0.0], &[3.0]] {
            let mut runs = pairs(points);
            // Equal differences of unequal numbers are not equal to the last bit.
            for side in &mut runs {
                for run in side {
                    run.test.as_mut().unwrap().accuracy += 0.003 * run.settings.seed as f64;
                }
            }
            let d = difference(&runs, Metric::Accuracy);
            let interval = d.summary.unwrap().t_interval;
            assert_eq!(
                (d.verdict, interval, d.bootstrap_interval),
                (Verdict::Open, None, None),
                "{points:?}"
            );
        }
    }

    #[test]
    fn who_diverges_alone_is_not_better() {
        let mut runs = pairs(&[1.0, 2.0, 4.0, 3.0, 5.0]);
        runs[0][4].status = Status::Diverged;
        runs[0][4].test = None;
        let d = difference(&runs, Metric::Accuracy);
        close(d.summary.unwrap().t_interval.unwrap().0, 0.445_739_743_239_478_07);
        assert_eq!((d.verdict, d.only_this, d.only_other, d.diverged_alone), (Verdict::Open, 0, 1, 1));
        // The other way about it is no worse for that.
        runs.swap(0, 1);
        let d = difference(&runs, Metric::Accuracy);
        assert_eq!((d.verdict, d.only_this, d.only_other, d.other_diverged_alone), (Verdict::Open, 1, 0, 1));
        // Where both diverge, nothing is in anybody's favour.
        for side in &mut runs {
            side[4].status = Status::Diverged;
            side[4].test = None;
        }
        let d = difference(&runs, Metric::Accuracy);
        assert_eq!((d.verdict, d.only_this, d.only_other), (Verdict::Worse, 0, 0));
    }

    #[test]
    fn seeds_that_only_one_has_are_counted() {
        let mut runs = pairs(&[1.0, 2.0]);
        runs[1].iter_mut().for_each(|run| run.settings.seed += 1);
        let d = difference(&runs, Metric::Accuracy);
        assert_eq!((d.pairs(), d.only_this, d.only_other, d.verdict), (1, 1, 1, Verdict::Open));
        runs[1].clear();
        let d = difference(&runs, Metric::Accuracy);
        assert_eq!((d.summary, d.only_this, d.only_other, d.verdict), (None, 2, 0, Verdict::Open));
    }
}
