//! How far a planned run is, by its folder.

use serde::Serialize;
use serde_json::{Map, Value};

use super::expand::PlannedRun;
use crate::error::{Error, Result};
use crate::record::{RecordError, RunFolder};
use crate::run::{LAST, RunHistory, Settings, Status, TestResult, WITHOUT_EFFECT};

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "stage", rename_all = "lowercase")]
pub enum Stage {
    /// Nothing is there.
    Missing,
    /// It was begun.
    Begun {
        /// Epochs that are over.
        epochs: usize,
        /// Why it stopped, if it says so.
        stopped: Option<String>,
    },
    /// Its numbers ceased to be finite, which they would do again.
    Diverged {
        /// Where and how.
        reason: String,
    },
    /// Its result and its weights are there.
    Finished {
        /// What the test said.
        test: TestResult,
        /// What its epochs took, as far as that is known.
        seconds: f64,
    },
}

impl Stage {
    /// What a record comes to. The result is final once it is in the record, but what the run leaves besides is complete only with
    /// the weights, which are written last: a process that was killed before them is called again for the rest.
    fn of(history: RunHistory, has_weights: bool) -> Self {
        match (history.status, history.result) {
            (Status::Finished, Some(result)) if has_weights => Self::Finished {
                test: result.test,
                seconds: history.epochs.iter().map(|epoch| epoch.seconds).filter(|s| s.is_finite()).sum(),
            },
            (Status::Diverged, _) => Self::Diverged { reason: history.reason.unwrap_or_default() },
            _ => Self::Begun { epochs: history.epochs.len(), stopped: history.reason },
        }
    }

    /// Whether its result is there.
    pub fn is_finished(&self) -> bool {
        matches!(self, Self::Finished { .. })
    }

    /// Whether there is nothing left to do.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Finished { .. } | Self::Diverged { .. })
    }
}

impl PlannedRun {
    /// What the run's record comes to, without the layers; `None` before its first line.
    ///
    /// # Errors
    /// No record there, or one that cannot be read.
    pub fn history(&self) -> Result<Option<RunHistory>> {
        RunHistory::without_layers(&RunFolder::open(&self.folder)?.record_path())
    }

    /// How far the run is.
    ///
    /// # Errors
    /// Its folder holds something else: a run with other settings, or a record that cannot be read.
    pub fn stage(&self) -> Result<Stage> {
        let folder = match RunFolder::open(&self.folder) {
            Err(RecordError::NoRun { .. }) => return Ok(Stage::Missing),
            other => other?,
        };
        let path = folder.record_path();
        // Killed before it wrote anything.
        let Some(history) = RunHistory::without_layers(&path)? else {
            return Ok(Stage::Begun { epochs: 0, stopped: None });
        };
        let differences = differences(&history.settings, &self.settings);
        if !differences.is_empty() {
            let problem = format!(
                "is of a run with other settings than the plan's: {}; change the plan's name or output, or move that folder",
                differences.join(", ")
            );
            return Err(Error::File { path, problem });
        }
        Ok(Stage::of(history, folder.file(LAST).is_file()))
    }
}

/// What differs, in words: `epochs is 3, not 5`.
fn differences(there: &Settings, planned: &Settings) -> Vec<String> {
    let fields = |settings: &Settings| match serde_json::to_value(settings).expect("settings are plain data")
    {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    let (there, planned) = (fields(there), fields(planned));
    planned
        .iter()
        .filter(|(key, value)| !WITHOUT_EFFECT.contains(&key.as_str()) && there.get(*key) != Some(*value))
        .map(|(key, value)| {
            let other = there.get(key).unwrap_or(&Value::Null);
            format!("{key} is {other}, not {value}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde_json::json;

    use super::super::file::Plan;
    use super::*;
    use crate::run::{EpochMetrics, Metrics};

    fn planned(folder: &Path) -> PlannedRun {
        let text = "name = \"p\"\n[options]\nmodel = \"mlp\"\nepochs = 2";
        Plan::parse(text, &folder.join("p.toml")).unwrap().run(1).unwrap()
    }

    fn epoch(epoch: u64, seconds: f64) -> EpochMetrics {
        let train = Metrics { loss: 1.0, accuracy: 0.5 };
        EpochMetrics { epoch, train, validation: None, lr: 0.1, seconds, waited: 0.0, images_per_s: 1.0 }
    }

    #[test]
    fn a_run_goes_from_missing_to_finished() {
        let root = tempfile::tempdir().unwrap();
        let run = planned(root.path());
        assert_eq!(run.stage().unwrap(), Stage::Missing);
        let folder = RunFolder::create(&run.folder).unwrap();
        let begun = |epochs| Stage::Begun { epochs, stopped: None };
        assert_eq!(run.stage().unwrap(), begun(0));
        let mut record = folder.records().unwrap();
        let mut settings = run.settings.clone();
        // What has no effect may differ.
        (settings.workers, settings.keep) = (7, 9);
        record.write("config", &json!({ "settings": settings })).unwrap();
        record.write("epoch", &epoch(1, 1.5)).unwrap();
        record.write("stopped", &json!({ "reason": "the disk is full" })).unwrap();
        let stopped = Some("the disk is full".into());
        assert_eq!(run.stage().unwrap(), Stage::Begun { epochs: 1, stopped });
        record.write("resumed", &json!({})).unwrap();
        record.write("epoch", &epoch(2, 2.0)).unwrap();
        let test = TestResult { loss: 0.5, accuracy: 0.75, top5: 1.0, images: 4 };
        record.write("result", &json!({ "test": test })).unwrap();
        assert_eq!(run.stage().unwrap(), begun(2));
        fs::write(folder.file(LAST), b"").unwrap();
        assert_eq!(run.stage().unwrap(), Stage::Finished { test, seconds: 3.5 });

        record.cut(0).unwrap();
        record.write("config", &json!({ "settings": run.settings })).unwrap();
        record.write("stopped", &json!({ "reason": "NaN", "diverged": true })).unwrap();
        assert_eq!(run.stage().unwrap(), Stage::Diverged { reason: "NaN".into() });
    }

    #[test]
    fn a_folder_of_something_else_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let run = planned(root.path());
        let folder = RunFolder::create(&run.folder).unwrap();
        let settings = Settings { epochs: 3, ..run.settings.clone() };
        folder.records().unwrap().write("config", &json!({ "settings": settings })).unwrap();
        let text = run.stage().unwrap_err().to_string();
        assert!(text.contains("other settings than the plan's: epochs is 3, not 2;"), "{text}");
        fs::write(folder.record_path(), "{\"kind\":\"config\",\"sides\":[]}\n").unwrap();
        let text = run.stage().unwrap_err().to_string();
        assert!(text.contains("no record of a run of anact train"), "{text}");
    }
}
