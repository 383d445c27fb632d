//! Runs that may be compared.

use std::sync::Arc;

use anact::registry::plain_name;
use serde_json::Value;

use super::alike::Key;
use super::apart::differing;
use super::gather::{Gathered, gather};
use super::remarks::remarks;
use super::run_record::RunRecord;
use crate::error::{Error, Result};
use crate::run::{Settings, Status};

/// Runs that differ in activation and seed alone.
#[derive(Debug, Clone)]
pub struct Group {
    /// What they share, with the first run's activation and seed and whatever has no effect.
    pub settings: Settings,
    /// In the order of activations and seeds.
    pub runs: Vec<Arc<RunRecord>>,
    /// The activations, in the order they were met.
    pub activations: Vec<String>,
    /// In what it differs from the other groups of its network and data set, as names and values.
    pub settings_that_differ: Vec<(String, String)>,
    /// What has to be known of its runs: remarks on their data, versions that differ, runs that were left out.
    pub remarks: Vec<String>,
}

/// The plain activation of a normalized one: `nswish` → `swish`.
pub fn plain_twin(activation: &str) -> Option<&str> {
    plain_name(activation).or_else(|| (activation == anact::NORMALIZED_PRELU).then_some(anact::PRELU))
}

impl Group {
    /// `MODEL on DATASET`, and in parentheses what tells it from others.
    pub fn name(&self) -> String {
        let name = format!("{} on {}", self.settings.model, self.settings.dataset);
        match self.apart() {
            apart if apart.is_empty() => name,
            apart => format!("{name} ({apart})"),
        }
    }

    /// What tells it from others of its network and data set, in words: `lr 0.1, epochs 10`.
    pub fn apart(&self) -> String {
        let words = self.settings_that_differ.iter().map(|(name, value)| format!("{name} {value}"));
        words.collect::<Vec<_>>().join(", ")
    }

    /// The runs of one activation, by seed.
    pub fn of<'a>(&'a self, activation: &'a str) -> impl Iterator<Item = &'a RunRecord> {
        self.runs.iter().map(AsRef::as_ref).filter(move |run| run.settings.activation == activation)
    }

    /// The plain activation of a normalized one, if it is in the group, too.
    pub fn twin<'a>(&'a self, activation: &str) -> Option<&'a str> {
        let plain = plain_twin(activation)?;
        self.activations.iter().map(String::as_str).find(|name| *name == plain)
    }
}

/// Puts runs together that differ in activation and seed alone, in the order in which they come. How activations are normalized has
/// no effect on a plain one, whose runs therefore stand beside every way of normalizing.
///
/// # Errors
/// Two runs of one activation, one seed and the same other settings.
pub fn groups(runs: Vec<RunRecord>) -> Result<Vec<Group>> {
    let runs: Vec<Arc<RunRecord>> = runs.into_iter().map(Arc::new).collect();
    let keys: Vec<Key> = runs.iter().map(|run| Key::of(run)).collect();
    let mut gathered = Vec::new();
    for alike in gather(&keys) {
        gathered.extend(by_normalization(&alike, &keys));
    }
    for group in &mut gathered {
        leave_doubles_out(group, &runs)?;
    }
    // The order of those that begin with the same plain run stays.
    gathered.sort_by_key(|group| group.places[0]);
    let about = |group: &Gathered| {
        let settings = &runs[group.places[0]].settings;
        (settings.model.clone(), settings.dataset.clone())
    };
    let named: Vec<_> = gathered.iter().map(|group| (about(group), &group.key)).collect();
    let differing = differing(&named);
    let all = gathered.iter().zip(differing);
    Ok(all.map(|(group, differing)| finish(group, differing, &runs)).collect())
}

/// The groups of runs that are alike but for how their activations are normalized: one for each way, with all plain runs.
fn by_normalization(alike: &Gathered, keys: &[Key]) -> Vec<Gathered> {
    let mut ways: Vec<Option<&Value>> = Vec::new();
    for way in alike.places.iter().filter_map(|&place| keys[place].normalized()) {
        if !ways.contains(&Some(way)) {
            ways.push(Some(way));
        }
    }
    if ways.is_empty() {
        ways.push(None);
    }
    let of = |way: Option<&Value>| Gathered {
        key: alike.key.normalized_as(way),
        places: alike
            .places
            .iter()
            .copied()
            .filter(|&place| keys[place].normalized().is_none_or(|own| Some(own) == way))
            .collect(),
        remarks: alike.remarks.clone(),
    };
    ways.into_iter().map(of).collect()
}

/// Of plain runs that do the same under several settings of normalization, leaves the one that is furthest.
fn leave_doubles_out(group: &mut Gathered, runs: &[Arc<RunRecord>]) -> Result<()> {
    let mut kept: Vec<usize> = Vec::new();
    let is_double = |a: &RunRecord, b: &RunRecord| {
        a.settings.activation == b.settings.activation && a.settings.seed == b.settings.seed
    };
    for (i, &place) in group.places.iter().enumerate() {
        let run = &runs[place];
        let before = group.places[..i].iter().map(|&place| &runs[place]);
        let mut same = before.filter(|other| is_double(run, other));
        if let Some(other) = same.find(|other| other.settings.normalized == run.settings.normalized) {
            let problem = format!(
                "is a run of {} with seed {}, and so is {}; leave one of them out",
                run.settings.activation,
                run.settings.seed,
                other.folder.display()
            );
            return Err(Error::File { path: run.folder.clone(), problem });
        }
        match kept.iter_mut().find(|kept| is_double(run, &runs[**kept])) {
            None => kept.push(place),
            Some(kept) if rank(run.status) < rank(runs[*kept].status) => *kept = place,
            Some(_) => {}
        }
    }
    for &place in group.places.iter().filter(|place| !kept.contains(place)) {
        let run = &runs[place];
        let stays = kept.iter().map(|&kept| &runs[kept]).find(|kept| is_double(run, kept));
        group.remarks.extend(stays.map(|stays| {
            format!(
                "{} does the same as {}, since {} is not normalized; it is left out",
                run.folder.display(),
                stays.folder.display(),
                run.settings.activation
            )
        }));
    }
    kept.sort_unstable();
    group.places = kept;
    Ok(())
}

/// Smaller where a run says more.
fn rank(status: Status) -> usize {
    match status {
        Status::Finished => 0,
        Status::Diverged => 1,
        Status::Paused => 2,
        Status::Failed | Status::Unfinished => 3,
    }
}

fn finish(gathered: &Gathered, settings_that_differ: Vec<(String, String)>, all: &[Arc<RunRecord>]) -> Group {
    let mut runs: Vec<Arc<RunRecord>> = gathered.places.iter().map(|&place| all[place].clone()).collect();
    let mut activations: Vec<String> = Vec::new();
    for run in &runs {
        if !activations.contains(&run.settings.activation) {
            activations.push(run.settings.activation.clone());
        }
    }
    let place = |run: &RunRecord| activations.iter().position(|name| *name == run.settings.activation);
    runs.sort_by_key(|run| (place(run), run.settings.seed));
    let mut remarks = remarks(&runs);
    remarks.extend(gathered.remarks.iter().cloned());
    let settings = all[gathered.places[0]].settings.clone();
    Group { settings, runs, activations, settings_that_differ, remarks }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::run_record::tests::finished;
    use super::*;
    use crate::run::Options;

    fn names_of(group: &Group) -> Vec<String> {
        group.runs.iter().map(|run| run.name()).collect()
    }

    #[test]
    fn runs_that_differ_in_activation_and_seed_alone_belong_together() {
        let mut other = finished("swish", 1, 0.5);
        other.settings.epochs += 1;
        let mut elsewhere = finished("nswish", 2, 0.5);
        elsewhere.settings.data = Some("elsewhere".into());
        elsewhere.settings.workers = 2;
        elsewhere.settings.inspect_every = Some(7);
        let runs = vec![
            finished("nswish", 1, 0.5),
            finished("swish", 2, 0.5),
            other,
            finished("swish", 1, 0.5),
            elsewhere,
        ];
        let groups = groups(runs).unwrap();
        assert_eq!(names_of(&groups[0]), ["nswish seed 1", "nswish seed 2", "swish seed 1", "swish seed 2"]);
        assert_eq!(names_of(&groups[1]), ["swish seed 1"]);
        let twins = [groups[0].twin("nswish"), groups[0].twin("swish"), groups[1].twin("nswish")];
        assert_eq!(twins, [Some("swish"), None, Some("swish")]);
        assert_eq!(
            groups.iter().map(Group::name).collect::<Vec<_>>(),
            ["resnet20 on fashion-mnist-5k (epochs 10)", "resnet20 on fashion-mnist-5k (epochs 11)"]
        );
    }

    #[test]
    fn twins_are_those_of_the_registry() {
        let twins = ["nswish(1.702)", "nprelu", "nothing", "swish"].map(plain_twin);
        assert_eq!(twins, [Some("swish(1.702)"), Some("prelu"), None, None]);
    }

    #[test]
    fn a_seed_that_is_there_twice_is_refused() {
        let text = groups(vec![finished("relu", 1, 0.5), finished("relu", 1, 0.6)]).unwrap_err().to_string();
        assert!(text.contains("relu with seed 1") && text.contains("leave one of them out"), "{text}");
    }

    /// A plain activation has no moment: it stands beside every way of normalizing its twin.
    #[test]
    fn settings_of_normalization_do_not_part_a_plain_activation_from_its_twin() {
        let centered = |activation: &str| {
            let mut run = finished(activation, 1, 0.5);
            let options = Options { moment: Some("centered".into()), ..Options::default() };
            run.settings.normalized = Settings::of(options).unwrap().normalized;
            run.folder = format!("{activation}-centered").into();
            run
        };
        let found = groups(vec![finished("swish", 1, 0.5), centered("nswish")]).unwrap();
        assert_eq!(
            (found.len(), names_of(&found[0])),
            (1, vec!["swish seed 1".into(), "nswish seed 1".into()])
        );

        let runs = vec![
            finished("swish", 1, 0.5),
            centered("swish"),
            centered("nswish"),
            finished("nswish", 1, 0.5),
        ];
        let found = groups(runs).unwrap();
        assert_eq!(found.len(), 2);
        for group in &found {
            assert_eq!(names_of(group), ["swish seed 1", "nswish seed 1"]);
            assert_eq!(
                group.remarks,
                ["swish-centered does the same as swish-1, since swish is not normalized; it is left out"]
            );
        }
        let apart: Vec<_> = found.iter().map(Group::apart).collect();
        assert_eq!(apart, ["normalized.moment centered", "normalized.moment raw"]);
    }

    /// The one that says most stays, wherever it stands; what is done twice is refused.
    #[test]
    fn of_equal_plain_runs_the_furthest_stays() {
        let run = |moment: &str, status: Status| {
            let mut run = finished("swish", 1, 0.5);
            let options = Options { moment: Some(moment.into()), ..Options::default() };
            run.settings.normalized = Settings::of(options).unwrap().normalized;
            run.folder = format!("{moment}-{status:?}").into();
            run.status = status;
            run
        };
        let kept = |runs: &[RunRecord]| {
            let group = groups(runs.to_vec()).unwrap().remove(0);
            assert_eq!((group.runs.len(), group.remarks.len()), (1, runs.len() - 1));
            group.runs[0].folder.display().to_string()
        };
        let [raw, centered] =
            [Status::Unfinished, Status::Paused].map(|status| [run("raw", status), run("centered", status)]);
        assert_eq!(kept(&[raw[0].clone(), centered[1].clone()]), "centered-Paused");
        assert_eq!(kept(&[centered[1].clone(), raw[0].clone()]), "centered-Paused");
        assert_eq!(kept(&[centered[0].clone(), run("centered", Status::Finished)]), "centered-Finished");
        // The third is the first's double, not that of the one that stays.
        let twice = [raw[0].clone(), run("centered", Status::Finished), raw[0].clone()];
        let text = groups(twice.to_vec()).unwrap_err().to_string();
        assert!(
            text.contains("raw-Unfinished: is a run of swish with seed 1, and so is raw-Unfinished"),
            "{text}"
        );
    }

    #[test]
    fn versions_that_differ_are_remarked() {
        let with = |activation: &str, seed, commit: &str| {
            let mut run = finished(activation, seed, 0.5);
            run.config.insert("versions".into(), json!({ "git_commit": commit, "threads": seed }));
            run
        };
        let found =
            groups(vec![with("relu", 1, "a1"), with("relu", 2, "b2"), with("nrelu", 1, "a1")]).unwrap();
        assert_eq!(
            found[0].remarks,
            ["runs differ in the commit: a1 of relu seed 1, nrelu seed 1; b2 of relu seed 2"]
        );
    }
}
