//! Which runs are alike.

use super::alike::Key;

/// Runs that are alike.
#[derive(Debug)]
pub(super) struct Gathered {
    /// What they share, of a run whose record says most.
    pub(super) key: Key,
    /// Positions among all runs, in order.
    pub(super) places: Vec<usize>,
    /// What has to be said of them together.
    pub(super) remarks: Vec<String>,
}

const APART: &str = "the records do not say all of the data and their augmentation, so that the runs fit several other groups; they \
stand in one of their own";

/// Puts runs together that are alike but for activation, seed and how activations are normalized, whatever their order.
///
/// Records of earlier versions say less. One of them goes where the only runs stand that say more and fit; where several such
/// groups fit, none is more right than the others, and it stands apart from them, with a remark.
pub(super) fn gather(keys: &[Key]) -> Vec<Gathered> {
    let mut all: Vec<Gathered> = Vec::new();
    for said in (0..=Key::ALL).rev() {
        // Among those that say equally much, to fit is to be equal in all that is said.
        let mut classes: Vec<Vec<usize>> = Vec::new();
        for place in (0..keys.len()).filter(|&place| keys[place].said() == said) {
            match classes.iter_mut().find(|class| keys[class[0]].fits(&keys[place])) {
                Some(class) => class.push(place),
                None => classes.push(vec![place]),
            }
        }
        let there = all.len();
        for class in classes {
            let key = &keys[class[0]];
            let fits = |group: &Gathered| {
                group.places.iter().any(|&place| keys[place].said() > said && keys[place].fits(key))
            };
            let fitting: Vec<usize> = (0..there).filter(|&i| fits(&all[i])).collect();
            match fitting[..] {
                [only] => all[only].places.extend(class),
                _ => {
                    let remarks = if fitting.is_empty() { Vec::new() } else { vec![APART.into()] };
                    all.push(Gathered { key: key.clone(), places: class, remarks });
                }
            }
        }
    }
    for group in &mut all {
        group.places.sort_unstable();
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::group::{Group, groups};
    use super::super::run_record::tests::{finished, with_start};
    use super::*;

    fn names_of(group: &Group) -> Vec<String> {
        group.runs.iter().map(|run| run.name()).collect()
    }

    #[test]
    fn runs_on_different_data_are_not_compared() {
        let runs = vec![
            with_start(finished("relu", 1, 0.5), Some("aaaaaaaaaa")),
            with_start(finished("nrelu", 1, 0.5), Some("bbbbbbbbbb")),
            with_start(finished("nrelu", 2, 0.5), Some("aaaaaaaaaa")),
        ];
        let found = groups(runs).unwrap();
        assert_eq!(names_of(&found[0]), ["relu seed 1", "nrelu seed 2"]);
        assert_eq!(found[1].name(), "resnet20 on fashion-mnist-5k (data SHA-256 bbbbbbbb)");

        // An older record has no digest, but says what was strange.
        let mut stand_in = finished("nrelu", 1, 0.5);
        stand_in.config.insert("data".into(), json!({ "remarks": ["a stand-in"] }));
        let found = groups(vec![finished("relu", 1, 0.5), stand_in.clone()]).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].remarks, ["data: a stand-in"]);
        let mut same = finished("relu", 1, 0.5);
        same.config.clone_from(&stand_in.config);
        assert_eq!(groups(vec![same, stand_in]).unwrap().len(), 1);
    }

    #[test]
    fn what_came_of_a_setting_counts() {
        let mut asked = with_start(finished("nrelu", 1, 0.5), None);
        (asked.settings.validation_images, asked.settings.augment) = (Some(500), Some(false));
        let runs = vec![with_start(finished("relu", 1, 0.5), None), asked.clone()];
        assert_eq!(groups(runs).unwrap().len(), 1);
        // Of a record that does not say what came of it, the settings count.
        assert_eq!(groups(vec![finished("relu", 1, 0.5), asked]).unwrap().len(), 2);
    }

    /// What an old record leaves open does not depend on which run comes first.
    #[test]
    fn the_order_of_runs_does_not_decide() {
        let a = with_start(finished("relu", 1, 0.5), Some("aaaaaaaaaa"));
        let b = with_start(finished("nrelu", 1, 0.5), Some("bbbbbbbbbb"));
        let old = [finished("nrelu", 2, 0.5), finished("relu", 3, 0.5)];
        let runs = [a, b, old[0].clone(), old[1].clone()];
        let found = |order: &[usize]| {
            let found = groups(order.iter().map(|&i| runs[i].clone()).collect()).unwrap();
            let mut found: Vec<_> = found
                .iter()
                .map(|group| {
                    let mut names = names_of(group);
                    names.sort();
                    (names.join(", "), group.apart(), group.remarks.len())
                })
                .collect();
            found.sort();
            found
        };
        let row = |names: &str, apart: &str, remarks| (names.to_string(), apart.to_string(), remarks);
        // Both data fit the old runs.
        let want = [
            row("nrelu seed 1", "data SHA-256 bbbbbbbb", 0),
            row("nrelu seed 2, relu seed 3", "", 1),
            row("relu seed 1", "data SHA-256 aaaaaaaa", 0),
        ];
        for order in [[0, 1, 2, 3], [2, 0, 3, 1], [3, 1, 0, 2], [2, 3, 1, 0], [0, 2, 1, 3]] {
            assert_eq!(found(&order), want, "{order:?}");
        }
        // Where one alone is there, they are its.
        let want = [row("nrelu seed 2, relu seed 1, relu seed 3", "", 0)];
        for order in [[0, 2, 3], [3, 2, 0], [2, 0, 3]] {
            assert_eq!(found(&order), want, "{order:?}");
        }
        let keys: Vec<Key> = runs.iter().map(Key::of).collect();
        assert_eq!(gather(&keys).len(), 3);
    }
}
