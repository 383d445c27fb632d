//! Comparisons in words.

use super::comparison::{Comparison, Row};
use super::difference::{Difference, Verdict};
use super::group::Group;

impl Comparison {
    /// What the paired differences say, and what is missing, a sentence each.
    pub fn sentences(&self, group: &Group) -> Vec<String> {
        let entry = self.metric.entry();
        let name = group.name();
        if !self.has_values() {
            return vec![format!("{name}: no run has a {} yet.", entry.title)];
        }
        let compared = self.rows.iter().filter_map(|row| Some((row, row.difference.as_ref()?)));
        let mut sentences: Vec<String> =
            compared.map(|(row, d)| format!("{name}: {}", self.sentence(row, d))).collect();
        if sentences.is_empty() {
            sentences.push(format!("{name}: no activation stands beside its plain twin or a baseline."));
        }
        sentences.extend(self.rows.iter().filter(|row| row.diverged > 0).map(|row| {
            let verb = if row.diverged == 1 { "is" } else { "are" };
            format!(
                "{name}: {} of {} runs of {} diverged and {verb} in no mean.",
                row.diverged,
                row.runs(),
                row.activation
            )
        }));
        sentences
    }

    fn sentence(&self, row: &Row, d: &Difference) -> String {
        let entry = self.metric.entry();
        let (this, other) = (&row.activation, &d.against);
        let finished = |name: &str| self.rows.iter().any(|row| row.activation == name && row.seeds() > 0);
        let Some(summary) = d.summary else {
            let missing = [this, other].into_iter().find(|name| !finished(name));
            return match missing {
                Some(name) => {
                    format!("{this} is not compared with {other}: no run of {name} has a {}.", entry.title)
                }
                None => format!("{this} is not compared with {other}: they have no seed in common."),
            };
        };
        let by = entry.title;
        let diverged = d.diverged_alone + d.other_diverged_alone;
        let said = match (d.verdict, summary.t_interval) {
            (Verdict::Better, _) if diverged > 0 => {
                format!("{this} is better than {other} by {by} where both finished")
            }
            (Verdict::Worse, _) if diverged > 0 => {
                format!("{this} is worse than {other} by {by} where both finished")
            }
            (Verdict::Better, _) => format!("{this} is better than {other} by {by}"),
            (Verdict::Worse, _) => format!("{this} is worse than {other} by {by}"),
            (Verdict::Open, None) if summary.n < 2 => {
                format!("too few seeds to tell {this} and {other} apart by {by}")
            }
            (Verdict::Open, None) => {
                format!(
                    "the differences of {this} and {other} by {by} have no spread between seeds, so no interval"
                )
            }
            (Verdict::Open, Some((low, high))) if low > 0.0 || high < 0.0 => {
                format!(
                    "{this} and {other} differ by {by} where both finished, but a run that diverged is in no mean"
                )
            }
            (Verdict::Open, Some(_)) => format!("{this} and {other} cannot be told apart by {by}"),
        };
        let decimals = entry.decimals;
        let interval = summary.t_interval.map_or(String::new(), |(low, high)| {
            format!(", 95 % t interval {low:+.decimals$} to {high:+.decimals$}")
        });
        let lone = [(d.only_this, this), (d.only_other, other)];
        let lone = lone.into_iter().filter(|(count, _)| *count > 0);
        let lone: String = lone
            .map(|(count, name)| format!("; {count} {} of {name} alone", plural(count, "seed")))
            .collect();
        format!(
            "{said}: {:+.decimals$}{} (paired over {} {}{interval}{lone}).",
            summary.mean,
            entry.difference_unit,
            summary.n,
            plural(summary.n, "seed")
        )
    }
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.into() } else { format!("{word}s") }
}

/// What has to be known to read intervals, and how many of them say what.
pub fn notes(comparisons: &[&Comparison]) -> Vec<String> {
    let of = |verdict| comparisons.iter().map(|comparison| comparison.count(verdict)).sum::<usize>();
    let (better, open, worse) = (of(Verdict::Better), of(Verdict::Open), of(Verdict::Worse));
    let intervals = better + open + worse;
    if intervals == 0 {
        return Vec::new();
    }
    let mut notes = vec![
        "Intervals cover the choice of seeds (initial weights, batches, augmentation and images held out). They do not cover the \
         choice of test images, which are the same for all runs, nor settings that were not tried."
            .to_string(),
    ];
    if intervals > 1 {
        notes.push(format!(
            "{intervals} comparisons have an interval: {better} better, {open} open, {worse} worse. Each is at 95 % by itself: were \
             there no difference anywhere, about one in twenty would still not hold 0."
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::super::group::groups;
    use super::super::metric::Metric;
    use super::super::run_record::RunRecord;
    use super::super::run_record::tests::finished;
    use super::*;
    use crate::run::Status;

    fn sentences(runs: Vec<RunRecord>) -> Vec<String> {
        let group = groups(runs).unwrap().remove(0);
        let comparison = Comparison::of(&group, Metric::Accuracy, None).unwrap();
        let start = "resnet20 on fashion-mnist-5k: ";
        comparison.sentences(&group).iter().map(|s| s.strip_prefix(start).unwrap().to_string()).collect()
    }

    fn pairs(points: &[f64]) -> Vec<RunRecord> {
        let pair = |(seed, point): (u64, &f64)| {
            [finished("relu", seed, 0.5), finished("nrelu", seed, 0.5 + point / 100.0)]
        };
        (1..).zip(points).flat_map(pair).collect()
    }

    /// The intervals are those of Python's `statistics` and mpmath in the tests of differences.
    #[test]
    fn every_verdict_has_its_words() {
        assert_eq!(
            sentences(pairs(&[1.0, 2.0, 4.0, 3.0])),
            [
                "nrelu is better than relu by test accuracy: +2.50 points (paired over 4 seeds, 95 % t interval +0.45 to +4.55)."
            ]
        );
        assert_eq!(
            sentences(pairs(&[-1.0, -2.0, -4.0, -3.0])),
            [
                "nrelu is worse than relu by test accuracy: -2.50 points (paired over 4 seeds, 95 % t interval -4.55 to -0.45)."
            ]
        );
        assert_eq!(
            sentences(pairs(&[1.0, 2.0, 4.0])),
            [
                "nrelu and relu cannot be told apart by test accuracy: +2.33 points (paired over 3 seeds, 95 % t interval -1.46 to +6.13)."
            ]
        );
        assert_eq!(
            sentences(pairs(&[1.0])),
            [
                "too few seeds to tell nrelu and relu apart by test accuracy: +1.00 points (paired over 1 seed)."
            ]
        );
        assert_eq!(
            sentences(pairs(&[10.0, 10.0])),
            [
                "the differences of nrelu and relu by test accuracy have no spread between seeds, so no interval: +10.00 points (paired over 2 seeds)."
            ]
        );
        assert_eq!(
            sentences(vec![finished("relu", 1, 0.5)]),
            ["no activation stands beside its plain twin or a baseline."]
        );
    }

    #[test]
    fn what_is_missing_is_said() {
        let mut runs = pairs(&[1.0, 2.0, 4.0, 3.0, 5.0]);
        runs[9].status = Status::Diverged;
        runs[9].test = None;
        assert_eq!(
            sentences(runs),
            [
                "nrelu and relu differ by test accuracy where both finished, but a run that diverged is in no mean: +2.50 points \
                 (paired over 4 seeds, 95 % t interval +0.45 to +4.55; 1 seed of relu alone).",
                "1 of 5 runs of nrelu diverged and is in no mean.",
            ]
        );
        let mut runs = pairs(&[-1.0, -2.0, -4.0, -3.0, 5.0]);
        runs[9].status = Status::Diverged;
        runs[9].test = None;
        assert!(
            sentences(runs)[0]
                .starts_with("nrelu is worse than relu by test accuracy where both finished: -2.50")
        );
        let apart = vec![finished("relu", 1, 0.5), finished("nrelu", 2, 0.5)];
        assert_eq!(sentences(apart), ["nrelu is not compared with relu: they have no seed in common."]);
        let mut begun = pairs(&[1.0]);
        (begun[1].status, begun[1].test) = (Status::Unfinished, None);
        assert_eq!(
            sentences(begun),
            ["nrelu is not compared with relu: no run of nrelu has a test accuracy."]
        );
    }

    #[test]
    fn notes_count_the_verdicts() {
        let of = |points: &[f64]| {
            let group = groups(pairs(points)).unwrap().remove(0);
            Comparison::of(&group, Metric::Accuracy, None).unwrap()
        };
        let all = [of(&[1.0, 2.0, 4.0, 3.0]), of(&[1.0, 2.0, 4.0]), of(&[1.0, 2.0, 4.5]), of(&[1.0])];
        let text = notes(&all.iter().collect::<Vec<_>>()).join("\n");
        assert!(text.contains("3 comparisons have an interval: 1 better, 2 open, 0 worse."), "{text}");
        assert!(notes(&[&all[3]]).is_empty());
    }
}
