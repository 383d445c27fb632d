//! Runs that are stopped, killed or damaged, and go on: the trained weights are those of a run that was left alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Instant;

use bench_harness::checkpoint::{Checkpoints, Loaded};

use crate::data::cifar;
use crate::program::{self, anact, command, ignores, refuses, signal, succeeds, text, wait_until};

/// A run that is over in a moment and has everything a checkpoint must remember.
const SMALL: [&str; 14] = [
    "train",
    "--model",
    "mlp",
    "--width",
    "16",
    "--train-images",
    "256",
    "--test-images",
    "50",
    "--batch",
    "16",
    "--checkpoint-steps",
    "3",
    "--seed=5",
];

pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Child {
    program::start(folder, arguments, Stdio::null())
}

fn weights(run: &Path) -> Vec<u8> {
    fs::read(run.join("weights.safetensors")).expect("a finished run leaves weights")
}

/// The names of a run's checkpoints, oldest first.
fn checkpoints(run: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(run.join("checkpoints")).into_iter().flatten().flatten().map(|e| e.path());
    let mut paths: Vec<_> =
        entries.filter(|p| p.file_name().unwrap().to_string_lossy().starts_with("step-")).collect();
    paths.sort();
    paths
}

/// The step of a run's newest checkpoint.
fn newest(run: &Path) -> u64 {
    let path = checkpoints(run).pop();
    path.map_or(0, |p| p.file_name().unwrap().to_string_lossy()["step-".len()..][..10].parse().unwrap())
}

/// Waits until the run has a checkpoint of step `step` or later.
pub(crate) fn wait_for(run: &Path, step: u64) {
    wait_until(&format!("a checkpoint of step {step}"), || newest(run) >= step);
}

/// The signal that Ctrl-C sends; SIGTERM, which does the same to a run, where this test was started to ignore it and hands that on.
fn key() -> &'static str {
    if ignores("self", "INT") { "TERM" } else { "INT" }
}

/// The lines of a record without times and the command, which names the folder: no two runs share them.
fn lines(run: &Path) -> Vec<String> {
    let text = fs::read_to_string(run.join("record.jsonl")).unwrap();
    let line = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        for key in ["seconds", "waited", "images_per_s", "versions", "command"] {
            line.as_object_mut().unwrap().remove(key);
        }
        line.to_string()
    };
    let lines = text.lines().map(line);
    lines.filter(|l| !l.contains("\"kind\":\"resumed\"")).collect()
}

/// Interrupted in the middle of an epoch and resumed with another number of threads, twice: weights, record and best weights
/// are those of a run on one thread that was left alone. For several ways to train, since each has its own state.
#[test]
#[cfg(unix)]
fn a_run_goes_on_bit_for_bit_on_any_number_of_threads() {
    let ways: [&[&str]; 3] = [
        &["--activation", "nswish", "--epochs", "60", "--inspect-every", "40"],
        &[
            "--activation",
            "nprelu",
            "--optimizer",
            "adam",
            "--lr",
            "0.001",
            "--epochs",
            "50",
            "--average",
            "ema",
            "--augment",
        ],
        &[
            "--epochs",
            "60",
            "--mixup",
            "0.4",
            "--accumulate",
            "4",
            "--clip-norm",
            "1",
            "--average=swa",
            "--schedule=one-cycle",
        ],
    ];
    for way in ways {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let arguments = |threads: &'static str, name: &'static str| {
            [&["--threads", threads][..], &SMALL, way, &["--output", name]].concat()
        };
        succeeds(folder.path(), &arguments("1", "alone"));

        let child = start(folder.path(), &arguments("2", "stopped"));
        wait_for(&path("stopped"), 9);
        signal(child.id(), key());
        let output = child.wait_with_output().unwrap();
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(75), "{way:?}: {message}");
        assert!(message.contains("anact train --resume stopped"), "{message}");
        let step = newest(&path("stopped"));

        let child = start(folder.path(), &["--threads", "3", "train", "--resume", "stopped"]);
        wait_for(&path("stopped"), step + 9);
        signal(child.id(), "TERM");
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(75));
        assert!(newest(&path("stopped")) > step);
        succeeds(folder.path(), &["--threads", "2", "train", "--resume", "stopped"]);
        assert!(weights(&path("stopped")) == weights(&path("alone")), "{way:?}");
        assert_eq!(lines(&path("stopped")), lines(&path("alone")), "{way:?}");
        for name in ["best.safetensors", "layers.csv", "confusion.csv"] {
            assert!(
                fs::read(path("stopped").join(name)).unwrap() == fs::read(path("alone").join(name)).unwrap(),
                "{name}"
            );
        }
    }
}

/// Killed at 50 random moments, from before the first checkpoint to the last epoch, and resumed each time.
#[test]
fn a_run_that_is_killed_50_times_ends_in_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let way = ["--epochs", "40", "--activation", "nswish"];
    let start_of_all = Instant::now();
    succeeds(folder.path(), &[&SMALL[..], &way, &["--output", "alone"]].concat());
    let expected = weights(&folder.path().join("alone"));

    // Moments within half of what the whole run takes, which on a busy machine is many times more than on an idle one. Of a
    // generator in the test: as good as any, and the same shares when a failure is looked into.
    let half = start_of_all.elapsed() / 2;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut moment = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        half.mul_f64((state >> 33) as f64 / (1u64 << 31) as f64)
    };
    let (mut kills, mut resumed, mut runs) = (0, 0, 0);
    while kills < 50 {
        let name = format!("killed-{runs}");
        let run = folder.path().join(&name);
        runs += 1;
        loop {
            // Without a checkpoint there is nothing to resume: the run begins anew.
            let is_new = checkpoints(&run).is_empty();
            let arguments = match is_new {
                true => {
                    let _ = fs::remove_dir_all(&run);
                    [&SMALL[..], &way, &["--output", &name]].concat()
                }
                false => vec!["train", "--resume", &name],
            };
            let mut child = start(folder.path(), &arguments);
            std::thread::sleep(moment());
            if let Some(status) = child.try_wait().unwrap() {
                let output = child.wait_with_output().unwrap();
                assert!(status.success(), "{arguments:?}: {}", text(&output.stderr));
                break;
            }
            if kills < 50 {
                child.kill().unwrap();
                kills += 1;
                resumed += usize::from(!is_new);
            }
            child.wait().unwrap();
        }
        assert!(weights(&run) == expected, "{name} ended in other weights");
    }
    assert!(resumed > 25, "only {resumed} of {kills} killed processes were started from a checkpoint");
}

/// The first SIGINT ends the run after the present step, and nothing looks as if it had finished.
#[test]
#[cfg(unix)]
fn an_interrupted_run_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let child = start(folder.path(), &[&SMALL[..], &["--epochs", "1000000", "--output", "run"]].concat());
    // 15 steps an epoch: the first is over.
    wait_for(&run, 18);
    signal(child.id(), key());
    let output = child.wait_with_output().unwrap();
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(75), "{message}");
    assert!(message.contains("stopping after this step; press Ctrl-C again to stop at once"), "{message}");
    assert!(message.contains("with a checkpoint; to go on: anact train --resume run"), "{message}");
    let record = lines(&run);
    let kind = |line: &String| serde_json::from_str::<serde_json::Value>(line).unwrap()["kind"].clone();
    let kinds: Vec<_> = record.iter().map(kind).collect();
    assert_eq!(kinds[..4], ["config", "start", "layers", "epoch"]);
    assert_eq!(kinds.last().unwrap(), "paused");
    assert!(!kinds.contains(&"result".into()));
    let names = fs::read_dir(&run).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let finished =
        |name: &String| name.ends_with(".csv") || name.ends_with(".svg") || name == "weights.safetensors";
    assert_eq!(names.filter(finished).collect::<Vec<_>>(), [""; 0]);
}

/// The terminal goes away: as SIGTERM, unless `nohup` has it ignored.
#[test]
#[cfg(target_os = "linux")]
fn a_hang_up_stops_a_run_with_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = |name| [&SMALL[..], &["--epochs", "1000000", "--output", name]].concat();
    // Started with `nohup`, this test hands that on to whatever it starts.
    if !ignores("self", "HUP") {
        let child = start(folder.path(), &arguments("heard"));
        wait_for(&folder.path().join("heard"), 9);
        signal(child.id(), "HUP");
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(75), "{}", text(&output.stderr));
    }

    let run = folder.path().join("ignored");
    let program = command(folder.path(), &arguments("ignored"));
    let child = std::process::Command::new("sh")
        .args(["-c", "trap '' HUP; exec \"$0\" \"$@\""])
        .arg(program.get_program())
        .args(program.get_args())
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for(&run, 9);
    signal(child.id(), "HUP");
    wait_for(&run, newest(&run) + 30);
    signal(child.id(), "TERM");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(75));
}

#[test]
fn a_damaged_checkpoint_is_passed_over_with_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    succeeds(folder.path(), &[&SMALL[..], &["--epochs", "2", "--output", "run"]].concat());
    let expected = weights(&run);
    let newest = checkpoints(&run).pop().unwrap();
    let file = newest.join("optimizer.safetensors");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    fs::remove_file(run.join("weights.safetensors")).unwrap();
    let output = anact(folder.path(), &["train", "--resume", "run"]);
    let message = text(&output.stderr);
    assert!(output.status.success(), "{message}");
    assert!(
        message.contains("passed over, since it is damaged") && message.contains("another SHA-256"),
        "{message}"
    );
    assert!(weights(&run) == expected);
    // A run that is over ends the same again.
    succeeds(folder.path(), &["train", "--resume", "run"]);
    assert!(weights(&run) == expected);

    for path in checkpoints(&run) {
        fs::write(path.join("state"), b"ANCKPT\0").unwrap();
    }
    let output = anact(folder.path(), &["train", "--resume", "run"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no checkpoint is whole"), "{}", text(&output.stderr));
}

#[test]
fn a_resumed_run_keeps_its_settings_and_its_data() {
    let folder = tempfile::tempdir().unwrap();
    succeeds(folder.path(), &[&SMALL[..], &["--epochs", "1", "--output", "run"]].concat());
    let refused = |arguments: &[&str], part: &str| refuses(folder.path(), arguments, &[part]);
    refused(
        &["train", "--resume", "run", "--lr", "0.5"],
        "--resume is given with --lr; want no option of the run but --data",
    );
    refused(&["train", "--resume", "nowhere"], "nowhere/record.jsonl does not exist");
    refused(&["train", "--resume", "run", "--config", "x.toml"], "--config");
    fs::create_dir(folder.path().join("empty")).unwrap();
    fs::write(folder.path().join("empty/record.jsonl"), "").unwrap();
    refused(&["train", "--resume", "empty"], "no checkpoint to go on from");

    // A state that is whole, of a larger network than the weights beside it.
    let checkpoints = Checkpoints::of(&folder.path().join("run"), 1);
    let Loaded { path, mut state, files } = checkpoints.newest().unwrap().newest.unwrap();
    fs::remove_dir_all(path).unwrap();
    let larger = state.settings.replace("\"width\":16", "\"width\":1000000");
    assert_ne!(state.settings, larger);
    state.settings = larger;
    let files: Vec<_> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    checkpoints.write(state, &files).unwrap();
    refused(&["train", "--resume", "run"], "the network of its settings has at least");

    // One bit of one test image.
    let of = |name: &str| folder.path().join(name);
    for name in ["data", "other"] {
        fs::create_dir(of(name)).unwrap();
        cifar(&of(name));
    }
    let changed = of("other/test_batch.bin");
    let mut bytes = fs::read(&changed).unwrap();
    bytes[100] ^= 1;
    fs::write(&changed, bytes).unwrap();
    let train = "train --dataset cifar10 --model mlp --width 4 --epochs 1 --batch 10 --validation-images 0 --augment false \
                 --data data --output seen";
    succeeds(folder.path(), train);
    let card = fs::read(of("seen/model.json")).unwrap();
    refused(&["train", "--resume", "seen", "--data", "other"], "with other pixels");
    assert!(fs::read(of("seen/model.json")).unwrap() == card, "what is refused changes nothing");
    refuses(folder.path(), "eval seen --split validation", &["the run held no images out"]);
    // A run whose data have moved remembers where to.
    fs::rename(of("data"), of("moved")).unwrap();
    succeeds(folder.path(), "train --resume seen --data moved");
    succeeds(folder.path(), "eval seen");
}

/// Two processes in one folder would write over each other.
#[test]
fn a_folder_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(folder.path(), &[&SMALL[..], &["--epochs", "100000", "--output", "run"]].concat());
    wait_for(&folder.path().join("run"), 3);
    let output = anact(folder.path(), &["train", "--resume", "run"]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(output.status.code(), Some(75));
    assert!(text(&output.stderr).contains("run is in use by another process"), "{}", text(&output.stderr));
}

/// The loss becomes infinite in some step: the message says where, and the checkpoint before stands.
#[test]
fn a_run_that_diverges_keeps_its_last_good_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let way = [
        "--epochs",
        "9",
        "--lr",
        "1e18",
        "--warmup-epochs",
        "9",
        "--activation",
        "relu",
        "--checkpoint-steps=1",
    ];
    let output = anact(
        folder.path(),
        &[&SMALL[..12], &way, &["--output", "run"]]
            .concat()
            .iter()
            .filter(|a| **a != "--checkpoint-steps")
            .copied()
            .collect::<Vec<_>>(),
    );
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("the loss is") && message.contains("a smaller --lr"), "{message}");
    let run = folder.path().join("run");
    let step = newest(&run);
    let again = anact(folder.path(), &["train", "--resume", "run"]);
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(newest(&run), step);
    assert_eq!(text(&again.stderr).lines().last(), message.lines().last());
}

/// The folder vanishes under the run: it ends with a message that names it.
#[test]
fn a_folder_that_vanishes_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let child = start(folder.path(), &[&SMALL[..], &["--epochs", "100000", "--output", "run"]].concat());
    let run = folder.path().join("run");
    wait_for(&run, 3);
    // Another checkpoint may be written between the files and the folder.
    while run.exists() {
        let _ = fs::remove_dir_all(&run);
    }
    let output = child.wait_with_output().unwrap();
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.contains("cannot") && message.contains("run/") && !message.contains("panicked"),
        "{message}"
    );
}

/// What a run leaves serves: evaluated again it gives the recorded numbers, the best weights those of their epoch; exported
/// weights are the run's, bit for bit; a picture gets probabilities.
#[test]
fn a_finished_run_is_evaluated_exported_and_asked() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let way = ["--epochs", "3", "--activation", "nswish", "--batch", "24", "--output", "run"];
    succeeds(folder.path(), &[&SMALL[..8], &["50"], &way, &["--seed=5"]].concat());
    let lines: Vec<serde_json::Value> =
        lines(&run).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).cloned().collect::<Vec<_>>();
    let result = &line("result")[0];
    let eval = |rest: &[&str]| -> serde_json::Value {
        serde_json::from_str(&succeeds(folder.path(), &[&["eval", "run", "--json"][..], rest].concat()))
            .unwrap()
    };
    let test = eval(&["--confusion", "confusion.csv"]);
    for key in ["loss", "accuracy", "top5", "images"] {
        assert_eq!(test[key], result["test"][key], "{key}");
    }
    let confusion = fs::read_to_string(folder.path().join("confusion.csv")).unwrap();
    assert_eq!(confusion, fs::read_to_string(run.join("confusion.csv")).unwrap());
    let counted: u64 = test["confusion"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row.as_array().unwrap())
        .map(|n| n.as_u64().unwrap())
        .sum();
    assert_eq!(counted, 50);
    let best = eval(&["--split", "validation", "--weights", "best"]);
    assert_eq!((&best["accuracy"], &best["loss"]), (&result["best"]["accuracy"], &result["best"]["loss"]));
    let epochs = line("epoch");
    let accuracies = epochs.iter().map(|e| e["validation"]["accuracy"].as_f64().unwrap());
    assert_eq!(best["accuracy"].as_f64().unwrap(), accuracies.fold(0.0, f64::max));
    assert_eq!(eval(&["--split", "train"])["images"], 256 - best["images"].as_u64().unwrap());

    succeeds(folder.path(), &["export", "run", "--output", "copy.safetensors"]);
    assert!(fs::read(folder.path().join("copy.safetensors")).unwrap() == weights(&run));
    succeeds(folder.path(), &["export", "run", "--output", "copy.npz"]);
    assert!(fs::read(folder.path().join("copy.npz")).unwrap().starts_with(b"PK\x03\x04"));
    let unknown = ["export", "run", "--output", "copy.h5"];
    refuses(folder.path(), &unknown, &["want a name that ends in .safetensors or .npz"]);

    // A sheet of pictures is a picture, too.
    succeeds(folder.path(), &["data", "show", "fashion-mnist-5k", "--output", "sheet.png", "--count", "4"]);
    let answer = succeeds(folder.path(), &["predict", "run", "sheet.png", "--top", "10", "--json"]);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let classes = answer["classes"].as_array().unwrap();
    let sum: f64 = classes.iter().map(|c| c["probability"].as_f64().unwrap()).sum();
    assert_eq!(classes.len(), 10);
    assert!((sum - 1.0).abs() < 1e-12, "{answer}");
    refuses(folder.path(), &["predict", "run", "confusion.csv"], &["confusion.csv"]);
}

/// While the rate rises the loss falls fastest somewhere, and that is said; what a search does not use is refused.
#[test]
fn a_learning_rate_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let search = [
        "lr-find", "--model", "mlp", "--width", "16", "--batch", "32", "--steps", "60", "--figure",
        "rate.svg",
    ];
    let found: serde_json::Value =
        serde_json::from_str(&succeeds(folder.path(), &[&search[..], &["--json"]].concat())).unwrap();
    let rate = found["suggestion"].as_f64().unwrap();
    assert!((1e-5..10.0).contains(&rate), "{rate}");
    let rates: Vec<f64> =
        found["points"].as_array().unwrap().iter().map(|p| p["rate"].as_f64().unwrap()).collect();
    assert!(rates.is_sorted() && rates[0] == 1e-6, "{rates:?}");
    assert!(folder.path().join("rate.svg").exists());
    let rate = [&search[..], &["--lr", "0.1"]].concat();
    refuses(folder.path(), &rate, &["given --lr; want only options that bear on a step"]);
    // Clipped by norm, a search ends where gradients are not finite any more, like any other.
    let clipped = ["--clip-norm", "1", "--highest", "1e38", "--json"];
    let lost = anact(folder.path(), &[&search[..], &clipped].concat());
    let found: serde_json::Value = serde_json::from_slice(&lost.stdout).unwrap();
    assert_eq!(found["diverged"], true, "{}", text(&lost.stderr));
    assert!(found["points"].as_array().unwrap().len() < 60);
}
