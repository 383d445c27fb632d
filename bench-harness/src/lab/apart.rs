//! In what groups differ.

use super::alike::Key;
use super::flat::NOTHING;

type List = Vec<(String, String)>;

/// Of every group the names and values in which those of its network and data set are not all alike. No two of these have the same:
/// where nothing else tells them apart, they are numbered.
pub(super) fn differing<T: PartialEq>(groups: &[(T, &Key)]) -> Vec<List> {
    let list = |(about, key): &(T, &Key)| {
        // Where one does not say what came of its settings, the settings themselves are what can be told of all.
        let came = groups.iter().filter(|(other, _)| other == about).all(|(_, other)| other.says_what_came());
        key.list(came)
    };
    let lists: Vec<(&T, List)> = groups.iter().map(|group| (&group.0, list(group))).collect();
    let of = |(about, list): &(&T, List)| -> List {
        let others: Vec<&List> =
            lists.iter().filter(|(other, _)| other == about).map(|(_, other)| other).collect();
        let differs = |pair: &&(String, String)| others.iter().any(|other| tells(pair, list, other));
        list.iter().filter(differs).cloned().collect()
    };
    let mut all: Vec<List> = lists.iter().map(of).collect();
    let same = |i: usize, j: usize, all: &[List]| groups[i].0 == groups[j].0 && all[i] == all[j];
    let numbers: Vec<Option<usize>> = (0..all.len())
        .map(|i| {
            let is_alone = (0..all.len()).filter(|&j| same(i, j, &all)).count() == 1;
            (!is_alone).then(|| (0..=i).filter(|&j| same(i, j, &all)).count())
        })
        .collect();
    for (list, number) in all.iter_mut().zip(numbers) {
        list.extend(number.map(|number| ("group".into(), number.to_string())));
    }
    all
}

/// Whether one of `own` is a difference from `other`. What only one of them says is none, unless the other says that there is
/// nothing of the kind, or another kind of it.
fn tells((name, value): &(String, String), own: &List, other: &List) -> bool {
    if let Some((_, others)) = other.iter().find(|(theirs, _)| theirs == name) {
        return others != value;
    }
    let mut within_it = other.iter().filter(|(theirs, _)| is_within(theirs, name));
    if value == NOTHING {
        return within_it.next().is_some();
    }
    let is_nothing = other.iter().any(|(theirs, others)| others == NOTHING && is_within(name, theirs));
    let is_other_kind = name.rsplit_once('.').is_some_and(|(outer, _)| {
        let mut theirs = other.iter().filter(|(theirs, _)| is_within(theirs, outer)).peekable();
        theirs.peek().is_some() && theirs.all(|(theirs, _)| own.iter().all(|(name, _)| name != theirs))
    });
    is_nothing || is_other_kind
}

/// Whether this is `outer.…`.
fn is_within(name: &str, outer: &str) -> bool {
    name.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use datasets::Augmentation;

    use super::super::group::{Group, groups};
    use super::super::run_record::RunRecord;
    use super::super::run_record::tests::{finished, with_start};
    use crate::run::{Options, Settings};

    fn with(options: Options) -> RunRecord {
        let mut run = finished("relu", 1, 0.5);
        run.settings =
            Settings::of(Options { activation: Some("relu".into()), seed: Some(1), ..options }).unwrap();
        run
    }

    fn apart(runs: Vec<RunRecord>) -> Vec<String> {
        groups(runs).unwrap().iter().map(Group::apart).collect()
    }

    #[test]
    fn nothing_against_something_is_a_difference() {
        let plain = || with(Options::default());
        let clipped = with(Options { clip_norm: Some(1.0), ..Options::default() });
        assert_eq!(apart(vec![plain(), clipped.clone()]), ["clipping –", "clipping.norm 1.0"]);
        // And so is one kind against another.
        let cut = with(Options { clip_value: Some(1.0), ..Options::default() });
        assert_eq!(
            apart(vec![plain(), clipped, cut]),
            ["clipping –", "clipping.norm 1.0", "clipping.value 1.0"]
        );
        let mut averaged = plain();
        averaged.settings.average = Some(layers::optim::Averaging::Uniform);
        assert_eq!(apart(vec![averaged, plain()]), ["average.kind uniform", "average –"]);
        let mut augmented = with_start(plain(), None);
        augmented.start.as_mut().unwrap().augmentation_in_effect = Some(Augmentation::CIFAR);
        augmented.settings.augment = Some(true);
        assert_eq!(
            apart(vec![with_start(plain(), None), augmented.clone()]),
            ["augmentation –", "augmentation.pad 4, augmentation.flip true"]
        );
        // Of a record that does not say what came of them, the settings are told.
        assert_eq!(apart(vec![augmented, plain()]), ["augment true", "augment –"]);
    }

    /// As many digits are shown as tell most data apart.
    #[test]
    fn groups_without_a_difference_that_shows_are_numbered() {
        let digests = ["aaaaaaaaaa", "aaaaaaaabb", "cccccccccc"];
        let runs = digests.map(|digest| with_start(with(Options::default()), Some(digest)));
        let want =
            ["data SHA-256 aaaaaaaa, group 1", "data SHA-256 aaaaaaaa, group 2", "data SHA-256 cccccccc"];
        assert_eq!(apart(runs.to_vec()), want);
    }
}
