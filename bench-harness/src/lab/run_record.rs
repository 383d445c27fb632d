//! What a run's folder says.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::checkpoint::Best;
use crate::error::{Error, Result};
use crate::record::RunFolder;
use crate::run::{EpochMetrics, LayersLine, ModelCard, RunHistory, Settings, StartLine, Status, TestResult};

/// Everything that a run wrote down.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// Its folder.
    pub folder: PathBuf,
    /// Its settings.
    pub settings: Settings,
    /// What was checked and remarked of its data, what it was made with, and the command that began it.
    pub config: Map<String, Value>,
    /// How far it is.
    pub status: Status,
    /// What it is, once it was built.
    pub start: Option<StartLine>,
    /// The epochs that are over.
    pub epochs: Vec<EpochMetrics>,
    /// Layers at the start, on the way and at the end, by step.
    pub layers: Vec<LayersLine>,
    /// The test, once it is finished.
    pub test: Option<TestResult>,
    /// The epoch whose validation was best, once it is finished.
    pub best: Option<Best>,
    /// SHA-256 of the weights that it left.
    pub weights_sha256: Option<String>,
    /// The classes' names.
    pub classes: Vec<String>,
    /// Test images by true class and prediction, once it is finished. Records of the first runs have none, but their folders do.
    pub confusion: Option<Vec<Vec<u64>>>,
}

impl RunRecord {
    /// Reads the folder of a run that `anact train` made.
    ///
    /// # Errors
    /// No record there, one without a line, one that is damaged, or one of another command.
    pub fn read(folder: &Path) -> Result<Self> {
        let run = RunFolder::open(folder)?;
        let path = run.record_path();
        let Some(history) = RunHistory::read(&path)? else {
            return Err(Error::File { path, problem: "has no line yet".into() });
        };
        let RunHistory { settings, config, status, start, epochs, layers, result, .. } = history;
        let classes = ModelCard::read(&run)?.classes;
        let folder = folder.to_path_buf();
        let (test, best, weights_sha256, confusion) = match result {
            Some(result) => {
                let confusion = result.confusion.or_else(|| written_confusion(&run, classes.len()));
                (Some(result.test), result.best, result.weights_sha256, confusion)
            }
            None => (None, None, None, None),
        };
        Ok(Self {
            folder,
            settings,
            config,
            status,
            start,
            epochs,
            layers,
            test,
            best,
            weights_sha256,
            classes,
            confusion,
        })
    }

    /// `ACTIVATION seed N`.
    pub fn name(&self) -> String {
        format!("{} seed {}", self.settings.activation, self.settings.seed)
    }

    /// Whether it has its result.
    pub fn is_finished(&self) -> bool {
        self.status == Status::Finished
    }

    /// What was remarked of its data: where they differ from what was published.
    pub fn data_remarks(&self) -> Vec<&str> {
        let remarks = self.config.get("data").and_then(|data| data.get("remarks")).and_then(Value::as_array);
        remarks.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The command that repeats it, for a shell, in a folder of its own: as it was given, or what is known of it.
    pub fn command(&self) -> String {
        let Some(given) = self.config.get("command").and_then(Value::as_array) else {
            let s = &self.settings;
            let words = [
                ["anact", "train"],
                ["--dataset", &s.dataset],
                ["--model", &s.model],
                ["--activation", &s.activation],
                ["--seed", &s.seed.to_string()],
            ];
            let words: Vec<String> = words.as_flattened().iter().map(|word| quoted(word)).collect();
            let card = self.folder.join("model.json").display().to_string().replace(['\n', '\r'], " ");
            return format!("{} # the other settings are in {card}", words.join(" "));
        };
        let mut words = Vec::new();
        let mut is_elsewhere = false;
        let mut given = given.iter().filter_map(Value::as_str);
        while let Some(word) = given.next() {
            let (flag, joined) =
                word.split_once('=').map_or((word, None), |(flag, value)| (flag, Some(value)));
            let is_path = matches!(flag, "--output" | "--data");
            let apart = if is_path && joined.is_none() { given.next() } else { None };
            // A run refuses the folder of another one.
            if flag == "--output" {
                continue;
            }
            if flag == "--data" {
                is_elsewhere = Path::new(joined.or(apart).unwrap_or_default()).is_relative();
            }
            words.push(quoted(word));
            words.extend(apart.map(quoted));
        }
        let remark = if is_elsewhere { " # --data is relative to the folder where it was given" } else { "" };
        format!("{}{remark}", words.join(" "))
    }
}

/// The counts in `confusion.csv`, which are the last cells of its rows: one for each class, as there is one row for each. `None`
/// unless they are there whole.
fn written_confusion(run: &RunFolder, classes: usize) -> Option<Vec<Vec<u64>>> {
    let text = fs::read_to_string(run.file("confusion.csv")).ok()?;
    let row = |line: &str| {
        let cells: Vec<&str> = line.rsplitn(classes + 1, ',').take(classes).collect();
        let counts: Option<Vec<u64>> = cells.iter().rev().map(|cell| cell.parse().ok()).collect();
        counts.filter(|counts| counts.len() == classes)
    };
    let rows: Vec<Vec<u64>> = text.lines().skip(1).map(row).collect::<Option<_>>()?;
    (classes > 0 && rows.len() == classes).then_some(rows)
}

/// A word as a POSIX shell takes it for one.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./,=:@+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;
    use crate::run::{ImageCounts, Options};

    /// A finished run with this accuracy.
    pub(crate) fn finished(activation: &str, seed: u64, accuracy: f64) -> RunRecord {
        let options = Options { activation: Some(activation.into()), seed: Some(seed), ..Options::default() };
        RunRecord {
            folder: PathBuf::from(format!("{activation}-{seed}")),
            settings: Settings::of(options).unwrap(),
            config: Map::new(),
            status: Status::Finished,
            start: None,
            epochs: Vec::new(),
            layers: Vec::new(),
            test: Some(TestResult { loss: 1.0 - accuracy, accuracy, top5: 1.0, images: 100 }),
            best: None,
            weights_sha256: None,
            classes: Vec::new(),
            confusion: None,
        }
    }

    /// A run whose record says what came of its settings, and which data it had if this is their digest.
    pub(crate) fn with_start(mut run: RunRecord, data: Option<&str>) -> RunRecord {
        run.start = Some(StartLine {
            settings: run.settings.clone(),
            parameters: 1,
            steps_per_epoch: 1,
            augmentation_in_effect: None,
            images: Some(ImageCounts { train: 4500, validation: 500, test: 1000 }),
            data_sha256: data.map(String::from),
        });
        run
    }

    fn command(words: &[&str]) -> String {
        let mut run = finished("relu", 1, 0.5);
        run.config.insert("command".into(), json!(words));
        run.command()
    }

    #[test]
    fn commands_are_quoted_for_a_shell_and_can_be_given_again() {
        let text = command(&["anact", "train", "--data", "/my data", "--group", "fc.*:rate=1"]);
        assert_eq!(text, "anact train --data '/my data' --group 'fc.*:rate=1'");
        let text = command(&["anact", "train", "--output", "runs/it's", "--dataset", "", "--data", "it's"]);
        assert_eq!(
            text,
            "anact train --dataset '' --data 'it'\\''s' # --data is relative to the folder where it was given"
        );
        // As a sweep hands on a value that begins with a dash.
        let text = command(&["anact", "train", "--output=-o", "--data=-d", "--seed", "1"]);
        assert_eq!(
            text,
            "anact train --data=-d --seed 1 # --data is relative to the folder where it was given"
        );
        let text = finished("elu(0.5)", 1, 0.5).command();
        assert_eq!(
            text,
            "anact train --dataset fashion-mnist-5k --model resnet20 --activation 'elu(0.5)' --seed 1 # the other settings are in elu(0.5)-1/model.json"
        );
    }

    /// A shell takes every word for what it was.
    #[cfg(unix)]
    #[test]
    fn a_shell_reads_the_words_that_were_given() {
        let words = ["", "it's", "a  b", "$HOME `x` \\", "*", "\"", "#", "plain-1.5"];
        let line = command(&[&["printf", "<%s>"][..], &words].concat());
        let output = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
        let want: String = words.iter().map(|word| format!("<{word}>")).collect();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), want, "{line}");
    }

    #[test]
    fn a_folder_is_read_with_what_it_has() {
        let root = tempfile::tempdir().unwrap();
        let run = RunFolder::create(root.path().join("run")).unwrap();
        let settings = finished("nrelu", 3, 0.0).settings;
        let card = json!({ "settings": settings, "input": [1, 28, 28], "classes": ["a", "b"], "mean": [0.0], "deviation": [1.0] });
        fs::write(run.file("model.json"), card.to_string()).unwrap();
        let text = |folder: &RunFolder| RunRecord::read(folder.path()).unwrap_err().to_string();
        let mut record = run.records().unwrap();
        assert!(text(&run).ends_with("has no line yet"), "{}", text(&run));
        let data = json!({ "remarks": ["not the official pixels"] });
        record.write("config", &json!({ "settings": settings, "data": data })).unwrap();
        let read = RunRecord::read(run.path()).unwrap();
        assert_eq!((read.status, read.test, read.classes.len()), (Status::Unfinished, None, 2));
        assert_eq!(
            (read.name().as_str(), read.data_remarks()),
            ("nrelu seed 3", vec!["not the official pixels"])
        );
        // Without a digest and without a confusion, as the first version wrote it.
        let test = json!({ "loss": 0.5, "accuracy": 0.75, "top5": 1.0, "images": 4 });
        record
            .write("result", &json!({ "test": test, "best": { "epoch": 2, "accuracy": 0.5, "loss": 1.0 } }))
            .unwrap();
        let read = RunRecord::read(run.path()).unwrap();
        assert!(read.is_finished() && read.weights_sha256.is_none() && read.confusion.is_none());
        assert_eq!((read.test.unwrap().accuracy, read.best.unwrap().epoch), (0.75, 2));
        // What it lacks is in a file beside it, as `label,samples,accuracy` and the counts.
        let table = "label,samples,accuracy,as a,as b\n\"a, or 1\",3,0.5,2,1\nb,4,0.75,0,3\n";
        run.write("confusion.csv", table).unwrap();
        assert_eq!(RunRecord::read(run.path()).unwrap().confusion.unwrap(), [[2, 1], [0, 3]]);
        for damaged in
            [&table[..table.len() - 10], &table[..table.len() - 4], "", &format!("{table}c,1,1,1,1\n")]
        {
            run.write("confusion.csv", damaged).unwrap();
            assert_eq!(RunRecord::read(run.path()).unwrap().confusion, None, "{damaged}");
        }
        record
            .write("result", &json!({ "test": test, "weights_sha256": "ab", "confusion": [[2, 1], [0, 1]] }))
            .unwrap();
        let read = RunRecord::read(run.path()).unwrap();
        assert_eq!(read.weights_sha256.as_deref(), Some("ab"));
        assert_eq!(read.confusion.unwrap(), [[2, 1], [0, 1]]);
    }
}
