//! From a plan to its runs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::file::Plan;
use super::names::{combination, run_name};
use crate::error::{Error, Result};
use crate::run::{Options, Settings, WITHOUT_EFFECT};

/// Runs of a plan: more are a mistake in a list sooner than a wish.
pub const MOST_RUNS: usize = 10_000;

/// The longest name of a folder; file systems take 255 bytes, and a log's name is longer.
const LONGEST_NAME: usize = 200;

/// One run of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedRun {
    /// Its number, from 1.
    pub index: usize,
    /// The name of its folder.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Its options, with its folder.
    pub options: Options,
    /// What they come to.
    pub settings: Settings,
}

impl Plan {
    /// Every run, in the order of their numbers: seeds change slowest, so that what a sweep has done when it is cut short are
    /// pairs; then the options that vary in the order of `anact train --help`, the last one fastest.
    ///
    /// # Errors
    /// Settings that are wrong, two runs that are the same or share a folder, too many runs.
    pub fn runs(&self) -> Result<Vec<PlannedRun>> {
        let folder = self.folder();
        let mut by_settings: HashMap<String, usize> = HashMap::new();
        let mut by_name: HashMap<String, usize> = HashMap::new();
        let mut runs = Vec::new();
        for (place, varied) in self.combinations()?.into_iter().enumerate() {
            let index = place + 1;
            let what = combination(&varied);
            let refuse = |problem: String| Error::File {
                path: self.path().into(),
                problem: format!("run {index} ({what}): {problem}"),
            };
            let run = self.run_of(index, &folder, &varied).map_err(refuse)?;
            if let Some(other) = by_settings.insert(run.settings.that_count(), index) {
                let idle = varied.keys().filter(|key| WITHOUT_EFFECT.contains(&key.as_str()));
                let idle = idle.map(String::as_str).collect::<Vec<_>>().join(", ");
                let but =
                    if idle.is_empty() { idle } else { format!(" but for what changes no result ({idle})") };
                return Err(refuse(format!("is the same as run {other}{but}; leave one of them out")));
            }
            if let Some(other) = by_name.insert(run.name.clone(), index) {
                return Err(refuse(format!(
                    "would have the folder of run {other}, {}; shorten what both have in common",
                    run.name
                )));
            }
            runs.push(run);
        }
        Ok(runs)
    }

    /// The run of number `index`, from 1.
    ///
    /// # Errors
    /// As [`Plan::runs`]; a number that is none of a run.
    pub fn run(&self, index: usize) -> Result<PlannedRun> {
        let mut runs = self.runs()?;
        match index.checked_sub(1).filter(|&place| place < runs.len()) {
            Some(place) => Ok(runs.swap_remove(place)),
            None => Err(Error::Setting {
                setting: "--index",
                value: index.to_string(),
                legal: format!("from 1 to {}, the runs of {}", runs.len(), self.path().display()),
            }),
        }
    }

    /// The options that vary, of every run in order.
    fn combinations(&self) -> Result<Vec<Table>> {
        let mut counts = self.grids.iter().map(|grid| {
            grid.iter().try_fold(1usize, |product, (_, values)| product.checked_mul(values.len()))
        });
        let count = counts.try_fold(0usize, |sum, count| sum.checked_add(count?));
        if count.is_none_or(|count| count > MOST_RUNS) {
            let count = count.map_or("more than can be counted".into(), |count| count.to_string());
            let problem = format!("has {count} runs; want at most {MOST_RUNS}");
            return Err(Error::File { path: self.path().into(), problem });
        }
        if self.grids.is_empty() {
            return Ok(vec![Table::new()]);
        }
        let mut all: Vec<Table> = self.grids.iter().flat_map(|grid| product(grid)).collect();
        let mut seeds: Vec<Value> = Vec::new();
        for seed in all.iter().filter_map(|table| table.get("seed")) {
            if !seeds.contains(seed) {
                seeds.push(seed.clone());
            }
        }
        all.sort_by_key(|table| table.get("seed").and_then(|seed| seeds.iter().position(|s| s == seed)));
        Ok(all)
    }

    fn run_of(&self, index: usize, folder: &Path, varied: &Table) -> Result<PlannedRun, String> {
        let words = |error: &dyn std::fmt::Display| error.to_string();
        let table: Table = self.options.iter().chain(varied).map(|(k, v)| (k.clone(), v.clone())).collect();
        // Its second line has the option.
        let mut options: Options = Value::Table(table)
            .try_into()
            .map_err(|error: toml::de::Error| error.to_string().trim_end().replace('\n', " "))?;
        options.data = options.data.map(|data| self.place(&data));
        let mut settings = Settings::of(options.clone()).map_err(|e| words(&e))?;
        let entry = datasets::find(&settings.dataset).map_err(|e| words(&e))?;
        if !entry.needs_folder() && !varied.contains_key("data") {
            // A plan's data are for those of its data sets that have files.
            (options.data, settings.data) = (None, None);
        }
        let _ =
            anact::activation::<f32>(&settings.activation, &settings.normalized).map_err(|e| words(&e))?;
        let name = run_name(&settings, varied);
        if name.len() > LONGEST_NAME {
            return Err(format!(
                "its name is {name}; want at most {LONGEST_NAME} characters, for it is a folder's"
            ));
        }
        let folder = folder.join(&name);
        options.output = Some(folder.clone());
        Ok(PlannedRun { index, name, folder, options, settings })
    }
}

impl PlannedRun {
    /// The words that repeat it without the plan.
    pub fn command(&self) -> Vec<String> {
        ["anact", "train"].map(String::from).into_iter().chain(self.options.arguments()).collect()
    }

    /// Whether its data are where they are said to be, before anything is started.
    ///
    /// # Errors
    /// A data set with files and no place for them, or one where nothing is.
    pub fn check_data(&self) -> Result<()> {
        let name = &self.settings.dataset;
        let refuse = |value: String, legal: String| Err(Error::Setting { setting: "--data", value, legal });
        match &self.settings.data {
            None if datasets::find(name)?.needs_folder() => {
                refuse("not given".into(), format!("where the files of {name} are; see anact data fetch"))
            }
            Some(path) if !path.exists() => {
                refuse(path.display().to_string(), format!("a path that exists, where {name} is"))
            }
            _ => Ok(()),
        }
    }
}

/// Every combination of one grid, the last option's value changing fastest.
fn product(grid: &[(String, Vec<Value>)]) -> Vec<Table> {
    let count = grid.iter().map(|(_, values)| values.len()).product();
    let combination = |mut number: usize| {
        let mut table = Table::new();
        for (key, values) in grid.iter().rev() {
            table.insert(key.clone(), values[number % values.len()].clone());
            number /= values.len();
        }
        table
    };
    (0..count).map(combination).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(text: &str) -> Result<Vec<PlannedRun>, String> {
        let plan = Plan::parse(&format!("name = \"p\"\n{text}"), Path::new("dir/p.toml")).unwrap();
        plan.runs().map_err(|e| e.to_string())
    }

    fn names(text: &str) -> Vec<String> {
        runs(text).unwrap().into_iter().map(|run| run.name).collect()
    }

    #[test]
    fn every_combination_is_a_run_and_seeds_change_slowest() {
        let text = "[options]\nepochs = 3\n[grid]\nseed = [2, 1]\nactivation = [\"relu\", \"nrelu\"]\nmodel = [\"mlp\", \"cnn\"]";
        let runs = runs(text).unwrap();
        let names: Vec<_> = runs.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "mlp-relu-seed-2",
                "mlp-nrelu-seed-2",
                "cnn-relu-seed-2",
                "cnn-nrelu-seed-2",
                "mlp-relu-seed-1",
                "mlp-nrelu-seed-1",
                "cnn-relu-seed-1",
                "cnn-nrelu-seed-1",
            ]
        );
        let last = &runs[7];
        assert_eq!((last.index, &last.folder), (8, &PathBuf::from("dir/p/cnn-nrelu-seed-1")));
        assert_eq!((last.settings.epochs, last.settings.seed), (3, 1));
        assert_eq!(
            last.command().join(" "),
            "anact train --model cnn --activation nrelu --epochs 3 --seed 1 --output dir/p/cnn-nrelu-seed-1"
        );
    }

    #[test]
    fn several_grids_are_one_list_with_seeds_slowest_over_all() {
        let grids = "[[grid]]\nmodel = [\"mlp\"]\nlr = [0.1, 1]\nseed = [1, 2]\n[[grid]]\nmodel = [\"cnn\"]\nseed = [1, 2]";
        assert_eq!(
            names(grids),
            [
                "mlp-nswish-lr-0.1-seed-1",
                "mlp-nswish-lr-1-seed-1",
                "cnn-nswish-seed-1",
                "mlp-nswish-lr-0.1-seed-2",
                "mlp-nswish-lr-1-seed-2",
                "cnn-nswish-seed-2",
            ]
        );
        assert_eq!(names("[options]\nmodel = \"mlp\""), ["mlp-nswish-seed-0"]);
        assert_eq!(names("[[grid]]"), ["resnet20-nswish-seed-0"]);
    }

    #[test]
    fn data_go_to_the_data_sets_that_have_files() {
        let text = "[options]\ndata = \"d\"\n[grid]\ndataset = [\"cifar10\", \"fashion-mnist-5k\"]";
        let data: Vec<_> = runs(text).unwrap().into_iter().map(|run| run.settings.data).collect();
        assert_eq!(data, [Some(PathBuf::from("dir/d")), None]);
        let absolute = runs("[options]\ndataset = \"cifar10\"\ndata = \"/d\"").unwrap().remove(0);
        assert_eq!(absolute.options.data, Some(PathBuf::from("/d")));
        assert!(
            absolute.check_data().unwrap_err().to_string().contains("a path that exists, where cifar10 is")
        );
        let none = runs("[options]\ndataset = \"cifar10\"").unwrap().remove(0);
        assert!(none.check_data().unwrap_err().to_string().contains("--data is not given"));
    }

    #[test]
    fn what_is_wrong_with_a_run_is_said_before_any_is_started() {
        for (text, part) in [
            ("[grid]\nseed = [1, 1]", "run 2 (seed 1): is the same as run 1"),
            ("[grid]\nlr = [0.1, -1.0]", "run 2 (lr -1.0): --lr is -1; want a positive number"),
            (
                "[grid]\nactivation = [\"relu\", \"nswihs\"]",
                "unknown activation `nswihs`; did you mean nswish",
            ),
            ("[grid]\nmodel = [\"resnet21\"]", "resnet20"),
            ("[grid]\ndataset = [\"cifar-10\"]", "cifar10"),
            ("[grid]\nepochs = [\"many\"]", "epochs many"),
            (
                "[options]\nepochs = true",
                "run 1 (the only one): invalid type: boolean `true`, expected u64 in `epochs`",
            ),
            (
                "[grid]\nworkers = [0, 1]",
                "run 2 (workers 1): is the same as run 1 but for what changes no result (workers)",
            ),
            // The same by default and by name.
            ("[[grid]]\nseed = [0]\n[[grid]]\nseed = [0]\nepochs = [10]", "is the same as run 1"),
        ] {
            let text = runs(text).unwrap_err();
            assert!(text.starts_with("dir/p.toml: ") && text.contains(part), "no `{part}` in: {text}");
            assert_eq!(text.matches("dir/p.toml").count(), 1, "{text}");
        }
        let hundred: Vec<_> = (1..=101).map(|n| n.to_string()).collect();
        let hundred = hundred.join(",");
        let text = runs(&format!("[grid]\nseed = [{hundred}]\nepochs = [{hundred}]")).unwrap_err();
        assert!(text.contains("has 10201 runs; want at most 10000"), "{text}");
        let axes = [
            "seed",
            "epochs",
            "batch",
            "width",
            "depth",
            "keep",
            "workers",
            "cutout",
            "accumulate",
            "image_size",
        ];
        let huge: Vec<_> = axes.iter().map(|key| format!("{key} = [{hundred}]")).collect();
        let text = runs(&format!("[grid]\n{}", huge.join("\n"))).unwrap_err();
        assert!(text.contains("more than can be counted"), "{text}");
        let plan = Plan::parse("name = \"p\"", Path::new("p.toml")).unwrap();
        for index in [0, 2] {
            let text = plan.run(index).unwrap_err().to_string();
            assert_eq!(text, format!("--index is {index}; want from 1 to 1, the runs of p.toml"));
        }
    }
}
