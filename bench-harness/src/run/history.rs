//! A run's record, read back: how far the run is and what it wrote down.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use super::epoch::EpochMetrics;
use super::lines::{LayersLine, Line, ResultLine, StartLine};
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::record::read_records;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It has its result.
    Finished,
    /// It was stopped with a checkpoint, and can go on.
    Paused,
    /// Its loss, gradients or weights ceased to be finite: with these settings it has no result.
    Diverged,
    /// It ended early for another reason.
    Failed,
    /// It is under way, or was killed.
    Unfinished,
}

/// What the lines of a record come to.
#[derive(Debug, Clone, PartialEq)]
pub struct RunHistory {
    /// The run's settings.
    pub settings: Settings,
    /// The first line's other fields: what was checked and remarked of the data, and what the run was made with.
    pub config: Map<String, Value>,
    /// How far it is.
    pub status: Status,
    /// Why it is paused, failed or diverged, in words.
    pub reason: Option<String>,
    /// What it is, once it was built.
    pub start: Option<StartLine>,
    /// The epochs that are over.
    pub epochs: Vec<EpochMetrics>,
    /// Layers at the start, on the way and at the end, by step.
    pub layers: Vec<LayersLine>,
    /// Its result, once it is finished.
    pub result: Option<ResultLine>,
}

impl RunHistory {
    /// Reads a record; `None` of one without a line, as a run leaves it that was killed at once.
    ///
    /// # Errors
    /// A record that is damaged, of another command, or of a later version.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        Self::of(path, |_| true, false)
    }

    /// Without the layers, which are most of a record; and an epoch that this version does not read is one whose numbers are not
    /// known, which matters to nobody who asks how far the run is.
    ///
    /// # Errors
    /// As [`RunHistory::read`], but for epochs.
    pub fn without_layers(path: &Path) -> Result<Option<Self>> {
        Self::of(path, |kind| kind != "layers", true)
    }

    /// The settings and the layers and nothing else, which is all that a run that goes on needs of its record.
    ///
    /// # Errors
    /// As [`RunHistory::read`], but for other lines.
    pub(super) fn of_layers(path: &Path) -> Result<Option<Self>> {
        Self::of(path, |kind| kind == "layers", false)
    }

    fn of(path: &Path, wanted: fn(&str) -> bool, any_epoch: bool) -> Result<Option<Self>> {
        let refuse = |problem: String| Error::File { path: path.to_path_buf(), problem };
        let mut lines = read_records(path)?;
        let Some(mut config) = lines.next().transpose()? else { return Ok(None) };
        let settings = config.remove("settings").filter(|_| config["kind"] == "config");
        let settings = settings
            .ok_or_else(|| refuse("is no record of a run of anact train; give the folder of one".into()))?;
        let settings = serde_json::from_value(settings)
            .map_err(|e| refuse(format!("has settings that this version does not read: {e}")))?;
        let mut history = Self {
            settings,
            config,
            status: Status::Unfinished,
            reason: None,
            start: None,
            epochs: Vec::new(),
            layers: Vec::new(),
            result: None,
        };
        for line in lines {
            let line = line?;
            if !line["kind"].as_str().is_some_and(wanted) {
                continue;
            }
            let is_epoch = line["kind"] == "epoch";
            match serde_json::from_value(Value::Object(line)) {
                Ok(line) => history.take(line),
                Err(_) if is_epoch && any_epoch => {
                    history.epochs.push(EpochMetrics::unknown(history.epochs.len() as u64 + 1));
                }
                Err(e) => return Err(refuse(format!("has a line that this version does not read: {e}"))),
            }
        }
        Ok(Some(history))
    }

    /// Takes the next line.
    fn take(&mut self, line: Line) {
        let (status, reason) = match line {
            Line::Start(start) => return self.start = Some(*start),
            Line::Epoch(epoch) => return self.epochs.push(epoch),
            Line::Layers(layers) => return self.layers.push(layers),
            Line::Other => return,
            Line::Resumed(_) => (Status::Unfinished, None),
            Line::Paused(end) => (Status::Paused, end.reason),
            Line::Stopped(end) if end.diverged => (Status::Diverged, end.reason),
            Line::Stopped(end) => (Status::Failed, end.reason),
            Line::Result(result) => {
                self.result = Some(*result);
                (Status::Finished, None)
            }
        };
        (self.status, self.reason) = (status, reason);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::super::lines::TestResult;
    use super::*;
    use crate::record::RunFolder;

    #[test]
    fn a_run_changes_its_status_line_by_line() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(root.path().join("run")).unwrap();
        let path = folder.record_path();
        let mut record = folder.records().unwrap();
        assert_eq!(RunHistory::read(&path).unwrap(), None);
        record
            .write("config", &json!({ "settings": { "model": "mlp" }, "command": ["anact", "train"] }))
            .unwrap();
        let metrics = json!({ "loss": 1.5, "accuracy": 0.25 });
        let epoch = json!({
            "activation": "relu", "seed": 0, "epoch": 1, "train": metrics, "validation": null,
            "lr": 0.1, "seconds": 2.0, "waited": 0.5, "images_per_s": 10.0,
        });
        // The names that earlier versions had.
        let start = json!({
            "settings": {}, "parameters": 3, "steps_per_epoch": 2, "augmentation": null,
            "images": { "training": 45_000, "validation": 5_000, "test": 10_000 },
        });
        let test = json!({ "loss": 0.5, "accuracy": 0.75, "top5": 1.0, "images": 4 });
        let lines = [
            ("start", start, Status::Unfinished),
            ("epoch", epoch, Status::Unfinished),
            ("paused", json!({ "reason": "Ctrl-C", "diverged": false }), Status::Paused),
            ("resumed", json!({ "step": 2 }), Status::Unfinished),
            ("stopped", json!({ "reason": "the disk is full", "diverged": false }), Status::Failed),
            ("resumed", json!({ "step": 2 }), Status::Unfinished),
            ("stopped", json!({ "reason": "the loss is NaN", "diverged": true }), Status::Diverged),
            ("resumed", json!({}), Status::Unfinished),
            ("what comes later", json!({ "any": "thing" }), Status::Unfinished),
            ("layers", json!({ "when": "end", "step": 4, "rows": [] }), Status::Unfinished),
            // As the first versions wrote it.
            ("result", json!({ "test": test, "best": null }), Status::Finished),
        ];
        for (kind, body, status) in lines {
            record.write(kind, &body).unwrap();
            let history = RunHistory::read(&path).unwrap().unwrap();
            assert_eq!(history.status, status, "after {kind}");
            let reason = body.get("reason").map(|reason| reason.as_str().unwrap());
            assert_eq!(history.reason.as_deref(), reason, "after {kind}");
        }
        let history = RunHistory::read(&path).unwrap().unwrap();
        assert_eq!(
            (history.settings.model.as_str(), history.config["command"][1].as_str()),
            ("mlp", Some("train"))
        );
        assert_eq!((history.epochs[0].train.loss, history.epochs[0].validation), (1.5, None));
        let start = history.start.as_ref().unwrap();
        assert_eq!((start.parameters, start.images.unwrap().train), (3, 45_000));
        assert_eq!((history.layers[0].when.as_str(), history.layers[0].step), ("end", 4));
        let result = history.result.unwrap();
        assert_eq!(result.test, TestResult { loss: 0.5, accuracy: 0.75, top5: 1.0, images: 4 });
        assert_eq!((result.confusion, result.weights_sha256, result.best), (None, None, None));
        assert!(RunHistory::without_layers(&path).unwrap().unwrap().layers.is_empty());
    }

    /// Some earlier version wrote a rate of no time, which is `null`; a later one may write anything.
    #[test]
    fn an_epoch_that_is_not_read_stops_nobody_who_needs_none_of_it() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("record.jsonl");
        let config = "{\"kind\":\"config\",\"settings\":{}}\n";
        let of_no_time = "{\"kind\":\"epoch\",\"epoch\":1,\"train\":{\"loss\":1,\"accuracy\":0.5},\"validation\":null,\
                          \"lr\":0.1,\"seconds\":0,\"waited\":0,\"images_per_s\":null}\n";
        fs::write(&path, format!("{config}{of_no_time}")).unwrap();
        let epoch = RunHistory::read(&path).unwrap().unwrap().epochs[0];
        assert!(epoch.images_per_s.is_nan() && epoch.train.loss == 1.0);

        let layers = "{\"kind\":\"layers\",\"when\":\"training\",\"step\":3,\"rows\":[]}\n";
        fs::write(&path, format!("{config}{of_no_time}{{\"kind\":\"epoch\"}}\n{layers}")).unwrap();
        assert!(RunHistory::read(&path).is_err());
        let history = RunHistory::without_layers(&path).unwrap().unwrap();
        assert_eq!((history.epochs.len(), history.epochs[1].epoch), (2, 2));
        assert!(history.epochs[1].seconds.is_nan());
        assert_eq!(RunHistory::of_layers(&path).unwrap().unwrap().layers[0].step, 3);
    }

    #[test]
    fn what_is_no_record_of_a_run_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("record.jsonl");
        let wrong = [
            ("{\"kind\":\"config\",\"sides\":[]}\n", "is no record of a run of anact train"),
            ("{\"kind\":\"epoch\",\"settings\":{}}\n", "is no record of a run of anact train"),
            (
                "{\"kind\":\"config\",\"settings\":{\"epoch\":3}}\n",
                "has settings that this version does not read",
            ),
            (
                "{\"kind\":\"config\",\"settings\":{}}\n{\"kind\":\"epoch\"}\n",
                "has a line that this version does not read",
            ),
            ("{\"kind\":\"config\",\"settings\":{}}\nhalf\n", "line 2"),
        ];
        for (text, part) in wrong {
            fs::write(&path, text).unwrap();
            let message = RunHistory::read(&path).unwrap_err().to_string();
            assert!(message.contains(part), "no `{part}` in: {message}");
        }
    }
}
