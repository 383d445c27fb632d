//! Logs besides the record: `--log csv,tensorboard`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{fails, record, refuses, signal, succeeds};
use crate::resume::{start, wait_for};

const TRAIN: &str =
    "train --model mlp --width 8 --activation nswish --train-images 128 --test-images 32 --batch 8 --seed 4";

/// The event files of a run, oldest first.
fn events(run: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(run.join("tensorboard")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The cells of a CSV file but for times, which no two runs share.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap();
    let head: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let is_clock = |column: usize| ["seconds", "waited_s", "images_per_s"].contains(&head[column]);
    let cells = |line: &str| {
        let cells = line.split(',').enumerate().filter(|(column, _)| !is_clock(*column));
        cells.map(|(_, cell)| cell.to_string()).collect()
    };
    text.lines().map(cells).collect()
}

/// What the record has of a run that must not depend on logs.
fn weights_sha256(run: &Path) -> String {
    record(run).last().unwrap()["weights_sha256"].as_str().unwrap().to_string()
}

#[test]
fn logs_follow_a_run_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str| folder.path().join(name);
    let options = "--epochs 2 --inspect-every 7";
    succeeds(folder.path(), &format!("{TRAIN} {options} --log tensorboard,csv,jsonl --output logged"));
    succeeds(folder.path(), &format!("{TRAIN} {options} --output plain"));
    assert_eq!(weights_sha256(&run("logged")), weights_sha256(&run("plain")));
    assert!(!run("plain").join("steps.csv").exists() && !run("plain").join("tensorboard").exists());

    let lines = record(&run("logged"));
    assert_eq!(lines[0]["settings"]["log"], serde_json::json!(["jsonl", "csv", "tensorboard"]));
    assert_eq!(rows(&run("logged").join("epochs.csv")), rows(&run("plain").join("epochs.csv")));
    let steps = rows(&run("logged").join("steps.csv"));
    let per_epoch = lines.iter().find(|line| line["kind"] == "start").unwrap()["steps_per_epoch"].as_u64();
    assert_eq!(steps.len() as u64, 1 + 2 * per_epoch.unwrap());
    assert_eq!(
        steps[0],
        ["step", "activation", "seed", "epoch", "loss", "lr", "epoch_loss", "epoch_accuracy"]
    );
    // The epoch's means in its last step are those of the record.
    let epoch = lines.iter().find(|line| line["kind"] == "epoch").unwrap();
    let last = &steps[per_epoch.unwrap() as usize];
    assert_eq!(last[..4], [per_epoch.unwrap().to_string(), "nswish".into(), "4".into(), "1".into()]);
    for (cell, key) in [(6, "loss"), (7, "accuracy")] {
        assert_eq!(last[cell].parse::<f64>().unwrap(), epoch["train"][key].as_f64().unwrap());
    }

    let files = events(&run("logged"));
    assert_eq!(files.len(), 1);
    let bytes = fs::read(&files[0]).unwrap();
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    for tag in
        ["loss/step", "loss/train", "accuracy/test", "first_batch", "confusion", "gradient/", "lambda/"]
    {
        assert!(has(tag), "{tag}");
    }
}

/// Stopped in the middle of an epoch and resumed: the tables are those of a run that was left alone, and a second event file
/// follows the first.
#[test]
#[cfg(unix)]
fn logs_go_on_as_they_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str| folder.path().join(name);
    let arguments = |name: &str| {
        format!("{TRAIN} --epochs 30 --checkpoint-steps 3 --log csv,tensorboard --output {name}")
    };
    succeeds(folder.path(), &arguments("alone"));
    let arguments = arguments("stopped");
    let child = start(folder.path(), &arguments.split_whitespace().collect::<Vec<_>>());
    wait_for(&run("stopped"), 9);
    signal(child.id(), "KILL");
    child.wait_with_output().unwrap();
    // What a crash may leave of a row.
    let steps = run("stopped").join("steps.csv");
    let text = fs::read_to_string(&steps).unwrap();
    fs::write(&steps, format!("{text}9999,nsw")).unwrap();
    let before = fs::read(&events(&run("stopped"))[0]).unwrap();
    succeeds(folder.path(), "train --resume stopped");
    for name in ["steps.csv", "epochs.csv"] {
        assert_eq!(rows(&run("stopped").join(name)), rows(&run("alone").join(name)), "{name}");
    }
    let files = events(&run("stopped"));
    assert_eq!(files.len(), 2);
    assert!(fs::read(&files[0]).unwrap() == before, "what is written is never changed");
    refuses(folder.path(), "train --resume alone --log csv", &["given with --log"]);
}

#[test]
fn logs_that_cannot_be_written_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    refuses(folder.path(), &format!("{TRAIN} --log csv,xml"), &["xml", "jsonl, csv or tensorboard"]);
    for (log, name) in [("tensorboard", "tensorboard"), ("csv", "steps.csv")] {
        let run = folder.path().join(log);
        fs::create_dir(&run).unwrap();
        // A file where a folder is wanted, and the other way round.
        match log {
            "csv" => fs::create_dir(run.join(name)).unwrap(),
            _ => fs::write(run.join(name), "").unwrap(),
        }
        fails(folder.path(), &format!("{TRAIN} --epochs 1 --log {log} --output {log}"), 2, &[name]);
        assert_eq!(record(&run).last().unwrap()["kind"], "stopped");
    }
    refuses(folder.path(), &format!("lr-find {} --log csv", &TRAIN["train".len()..]), &["--log"]);
}
