//! Plans, runs and sweeps: killed, stopped or called twice, every run ends once, in the bits of one that was left alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::program::{self, anact, record, refuses, signal, succeeds, text, wait_until};

/// Four runs that are over in a moment.
const TINY: &str = "name = \"tiny\"
[options]
model = \"mlp\"
width = 8
train_images = 128
test_images = 50
batch = 16
epochs = EPOCHS
[grid]
activation = [\"relu\", \"nrelu\"]
seed = [1, 2]
";

const NAMES: [&str; 4] = ["mlp-relu-seed-1", "mlp-nrelu-seed-1", "mlp-relu-seed-2", "mlp-nrelu-seed-2"];

/// A folder with the plan `tiny.toml`.
fn with_plan(epochs: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.toml"), TINY.replace("EPOCHS", &epochs.to_string())).unwrap();
    folder
}

fn run_folder(folder: &Path, name: &str) -> PathBuf {
    folder.join("tiny").join(name)
}

fn weights(folder: &Path) -> Vec<Vec<u8>> {
    let read = |name| fs::read(run_folder(folder, name).join("weights.safetensors"));
    NAMES.iter().map(|name| read(name).unwrap_or_else(|e| panic!("{name}: {e}"))).collect()
}

fn log(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join("tiny").join(format!("{name}.log"))).unwrap()
}

fn start(folder: &Path, arguments: &str) -> Child {
    program::start(folder, arguments, Stdio::piped())
}

/// Waits until this run has this number of epochs behind it.
fn wait_for(run: &Path, epochs: usize) {
    let count = || {
        let text = fs::read_to_string(run.join("record.jsonl")).unwrap_or_default();
        text.lines().filter(|line| line.contains("\"kind\":\"epoch\"")).count()
    };
    wait_until(&format!("{epochs} epochs in {}", run.display()), || count() >= epochs);
}

#[test]
fn a_plan_is_listed_with_what_it_takes() {
    let folder = with_plan(1);
    assert_eq!(succeeds(folder.path(), "plan tiny.toml --count"), "4\n");
    let list = succeeds(folder.path(), "plan tiny.toml --measure-steps 1");
    let begin = |part: &str| list.find(part).unwrap_or_else(|| panic!("no {part} in: {list}"));
    assert!(begin(NAMES[0]) < begin(NAMES[1]) && begin(NAMES[1]) < begin(NAMES[2]));
    begin("4 runs in tiny, 0 of them finished");
    begin("4 runs left: about");
    let all: Value =
        serde_json::from_str(&succeeds(folder.path(), "plan tiny.toml --json --measure-steps 1")).unwrap();
    assert_eq!(all["count"], 4);
    assert_eq!(all["runs"][1]["name"], NAMES[1]);
    assert_eq!(all["runs"][1]["state"]["stage"], "missing");
    assert_eq!(all["estimate"]["kinds"][0]["runs"], 2);
    assert!(all["estimate"]["total_s"][0].as_f64().unwrap() > 0.0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is written");
}

#[test]
fn what_is_wrong_with_a_plan_is_said_before_anything_is_done() {
    let folder = with_plan(1);
    let path = folder.path().join("wrong.toml");
    let wrong = |text: &str, parts: &[&str]| {
        fs::write(&path, text).unwrap();
        for command in ["plan wrong.toml", "run --plan wrong.toml --index 1", "sweep --plan wrong.toml"] {
            refuses(folder.path(), command, parts);
        }
    };
    wrong(
        "name = \"a\"\n[options]\nepoch = 1",
        &["wrong.toml", "unknown option `epoch`; did you mean epochs"],
    );
    wrong("name = \"a\"\n[grid]\nlr = [0.1, -1.0]", &["run 2 (lr -1.0): --lr is -1; want a positive number"]);
    wrong("name = \"a\"\n[grid]\nseed = [1, 1]", &["is the same as run 1"]);
    let cifar = "name = \"a\"\n[options]\ndataset = \"cifar10\"";
    fs::write(&path, cifar).unwrap();
    refuses(
        folder.path(),
        "sweep --plan wrong.toml",
        &["--data is not given; want where the files of cifar10 are"],
    );
    refuses(folder.path(), "run --plan tiny.toml --index 5", &["--index is 5; want from 1 to 4"]);
    refuses(folder.path(), "sweep --plan tiny.toml --jobs 0", &["--jobs"]);
    refuses(folder.path(), "plan nowhere.toml", &["nowhere.toml: cannot be read"]);
}

/// Called twice, a run is done once; a plan that has changed does not touch what is there.
#[test]
fn a_finished_run_is_left_alone() {
    let folder = with_plan(1);
    let run = "run --plan tiny.toml --index 2";
    succeeds(folder.path(), run);
    let path = run_folder(folder.path(), NAMES[1]);
    let before = fs::read(path.join("record.jsonl")).unwrap();
    let said = succeeds(folder.path(), run);
    assert!(said.contains("mlp-nrelu-seed-1 is finished: accuracy"), "{said}");
    assert_eq!(fs::read(path.join("record.jsonl")).unwrap(), before);
    // From another folder it is the same run.
    fs::create_dir(folder.path().join("elsewhere")).unwrap();
    let said = succeeds(&folder.path().join("elsewhere"), "run --plan ../tiny.toml --index 2");
    assert!(said.contains("is finished"), "{said}");

    fs::write(folder.path().join("tiny.toml"), TINY.replace("EPOCHS", "2")).unwrap();
    refuses(folder.path(), run, &["other settings than the plan's: epochs is 1, not 2"]);
    refuses(folder.path(), "sweep --plan tiny.toml", &["epochs is 1, not 2"]);
    assert_eq!(fs::read(path.join("record.jsonl")).unwrap(), before);
}

/// Killed before its first checkpoint, a run begins anew; killed when only the last file was missing, it writes that.
#[test]
fn a_run_that_was_killed_at_either_end_is_finished() {
    let folder = with_plan(1);
    let run = "run --plan tiny.toml --index 1";
    succeeds(folder.path(), run);
    let path = run_folder(folder.path(), NAMES[0]);
    let weights = fs::read(path.join("weights.safetensors")).unwrap();
    fs::remove_file(path.join("weights.safetensors")).unwrap();
    succeeds(folder.path(), run);
    assert!(fs::read(path.join("weights.safetensors")).unwrap() == weights);

    let first = fs::read_to_string(path.join("record.jsonl")).unwrap().lines().next().unwrap().to_string();
    // The last line is not whole.
    for left in ["".to_string(), format!("{first}\n"), format!("{first}\n{{\"kind\":\"st")] {
        fs::remove_dir_all(&path).unwrap();
        fs::create_dir(&path).unwrap();
        fs::write(path.join("record.jsonl"), left).unwrap();
        succeeds(folder.path(), run);
        assert!(fs::read(path.join("weights.safetensors")).unwrap() == weights);
        let kinds: Vec<_> = record(&path).iter().map(|line| line["kind"].clone()).collect();
        assert_eq!(kinds, ["config", "start", "layers", "epoch", "layers", "result"]);
    }
}

/// SIGKILL in the middle: the runs under way stop by themselves, and the sweep that is called next ends in the weights of one
/// that was left alone.
#[test]
#[cfg(unix)]
fn a_sweep_that_is_killed_goes_on() {
    let (alone, killed) = (with_plan(60), with_plan(60));
    let sweep = "sweep --plan tiny.toml --jobs 2";
    let said = succeeds(alone.path(), sweep);
    assert!(said.contains("4 runs, 0 of them finished; 2 at a time on"), "{said}");
    assert_eq!(said.matches(" is done in ").count(), 4, "{said}");

    let mut child = start(killed.path(), sweep);
    for name in &NAMES[..2] {
        wait_for(&run_folder(killed.path(), name), 3);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let said = succeeds(killed.path(), sweep);
    assert!(said.contains(NAMES[3]), "{said}");
    assert!(weights(killed.path()) == weights(alone.path()));
    let of_both: String = NAMES[..2].iter().map(|name| log(killed.path(), name)).collect();
    assert!(of_both.contains("going on from step"), "{of_both}");
    let said = succeeds(killed.path(), sweep);
    assert!(said.contains("4 runs, 4 of them finished") && !said.contains("begins"), "{said}");
    let all: Value = serde_json::from_str(&succeeds(killed.path(), &format!("{sweep} --json"))).unwrap();
    let accuracy = |run: &Value| run["state"]["test"]["accuracy"].as_f64().unwrap();
    for (run, name) in all["runs"].as_array().unwrap().iter().zip(NAMES) {
        assert_eq!((&run["name"], &run["end"]), (&name.into(), &"done_before".into()));
        let last = record(&run_folder(killed.path(), name)).pop().unwrap();
        assert_eq!(accuracy(run), last["test"]["accuracy"].as_f64().unwrap(), "{name}");
    }
}

/// Asked to stop, a sweep asks its runs, and ends with the code that says so.
#[test]
#[cfg(unix)]
fn a_sweep_that_is_stopped_leaves_checkpoints() {
    let folder = with_plan(100_000);
    let child = start(folder.path(), "sweep --plan tiny.toml --jobs 2");
    for name in &NAMES[..2] {
        wait_for(&run_folder(folder.path(), name), 2);
    }
    // Meanwhile a run of it belongs to its process.
    let busy = anact(folder.path(), "run --plan tiny.toml --index 1");
    assert_eq!(busy.status.code(), Some(75), "{}", text(&busy.stderr));
    assert!(text(&busy.stderr).contains("run 1 is running in another process"), "{}", text(&busy.stderr));
    signal(child.id(), "TERM");
    let output = child.wait_with_output().unwrap();
    let (said, complaint) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(75), "{said}{complaint}");
    assert!(
        complaint.contains("0 of 4 runs are finished; the same command carries out the rest"),
        "{complaint}"
    );
    assert_eq!(said.matches("  paused").count(), 2, "{said}");
    assert_eq!(said.matches("  not begun").count(), 2, "{said}");
    for name in &NAMES[..2] {
        assert_eq!(record(&run_folder(folder.path(), name)).last().unwrap()["kind"], "paused", "{name}");
    }
    assert!(!run_folder(folder.path(), NAMES[2]).exists());
}

/// Somebody stops one run of a sweep: the sweep leaves it, too, until it is called again. It goes on as it was begun.
#[test]
#[cfg(unix)]
fn a_run_that_is_stopped_by_hand_stays_stopped() {
    let folder = with_plan(100_000);
    let path = folder.path().join("tiny.toml");
    let one = fs::read_to_string(&path).unwrap().replace("[\"relu\", \"nrelu\"]", "[\"relu\"]");
    fs::write(&path, one.replace("[1, 2]", "[1]")).unwrap();
    let run = run_folder(folder.path(), NAMES[0]);
    let sweep = start(folder.path(), "sweep --plan tiny.toml --json");
    wait_for(&run, 2);
    let below = Command::new("pgrep").args(["-P", &sweep.id().to_string()]).output().unwrap();
    signal(text(&below.stdout).trim().parse().unwrap(), "TERM");
    let output = sweep.wait_with_output().unwrap();
    let (printed, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(75), "{printed}{said}");
    assert!(said.contains("mlp-relu-seed-1 was stopped, with a checkpoint"), "{said}");
    let all: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(all["runs"][0]["end"], "paused");

    // What a killed process was writing is removed, and a setting that no longer counts is named.
    fs::write(run.join(".best.safetensors.1.0.tmp"), "").unwrap();
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("[grid]", "keep = 5\n[grid]")).unwrap();
    let epochs = record(&run).iter().filter(|line| line["kind"] == "epoch").count();
    let child = start(folder.path(), "run --plan tiny.toml --index 1");
    wait_for(&run, epochs + 1);
    signal(child.id(), "TERM");
    let said = text(&child.wait_with_output().unwrap().stderr);
    assert!(
        said.contains("note: the run goes on with keep 2, as it was begun; the plan now has 5"),
        "{said}"
    );
    assert!(!run.join(".best.safetensors.1.0.tmp").exists());
}

/// Two at once share the work: each run is begun once, and both end when all are there.
#[test]
fn two_sweeps_at_once_do_every_run_once() {
    let folder = with_plan(10);
    let sweeps = [(); 2].map(|()| start(folder.path(), "sweep --plan tiny.toml"));
    for sweep in sweeps {
        let output = sweep.wait_with_output().unwrap();
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    }
    for name in NAMES {
        let kinds: Vec<_> =
            record(&run_folder(folder.path(), name)).iter().map(|l| l["kind"].clone()).collect();
        assert_eq!(kinds.iter().filter(|kind| *kind == "config").count(), 1, "{name}");
        assert_eq!(kinds.iter().filter(|kind| *kind == "epoch").count(), 10, "{name}");
        let log = log(folder.path(), name);
        assert_eq!(log.matches("recording to").count(), 1, "{log}");
        assert!(!log.contains("going on"), "{log}");
    }
}

#[test]
fn a_run_that_fails_does_not_keep_others_from_running() {
    let folder = with_plan(2);
    let path = folder.path().join("tiny.toml");
    let plan = fs::read_to_string(&path).unwrap().replace("seed = [1, 2]", "lr = [1e18, 0.01]");
    fs::write(&path, plan).unwrap();
    let output = anact(folder.path(), "sweep --plan tiny.toml");
    let (said, complaint) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{said}{complaint}");
    assert!(complaint.contains("2 of 4 runs failed, 2 are finished"), "{complaint}");
    // What has diverged is told again, and not done again.
    let again = anact(folder.path(), "sweep --plan tiny.toml");
    assert_eq!(again.status.code(), Some(1));
    assert!(!text(&again.stdout).contains("begins"), "{}", text(&again.stdout));
    let one = anact(folder.path(), "run --plan tiny.toml --index 1");
    assert_eq!(one.status.code(), Some(1));
    assert!(text(&one.stderr).contains("has diverged earlier: "), "{}", text(&one.stderr));
    assert!(said.matches("has failed: ").count() == 2 && said.matches(" is done in ").count() == 2, "{said}");
}

/// The whole question in one command: trained, compared, and the second time only compared.
#[test]
fn activations_are_trained_and_compared_in_one_command() {
    let folder = tempfile::tempdir().unwrap();
    let compare = "compare --activations relu,nrelu --models mlp --seeds 2 --output both --width 8 --train-images 128 \
                   --test-images 50 --batch 16 --epochs 1";
    let first = succeeds(folder.path(), compare);
    assert!(
        first.starts_with("mlp on fashion-mnist-5k\n") && first.contains("paired over 2 seeds"),
        "{first}"
    );
    let again = anact(folder.path(), compare);
    assert_eq!(text(&again.stdout), first);
    assert!(text(&again.stderr).contains("4 runs, 4 of them finished"), "{}", text(&again.stderr));
    assert_eq!(succeeds(folder.path(), "compare --plan both/plan.toml"), first);
    // The runs may have been moved.
    fs::rename(folder.path().join("both/runs"), folder.path().join("moved")).unwrap();
    assert_eq!(succeeds(folder.path(), "compare --plan both/plan.toml --runs-in moved"), first);
    succeeds(folder.path(), "report --plan both/plan.toml --runs-in moved --output page.html");
    for command in ["compare both --runs-in moved", "report both --runs-in moved"] {
        refuses(folder.path(), command, &["--runs-in is moved; want --plan beside it"]);
    }
    fs::rename(folder.path().join("moved"), folder.path().join("both/runs")).unwrap();
    let page = succeeds(folder.path(), "report --plan both/plan.toml --output page.html");
    assert!(page.contains("4 runs in page.html"), "{page}");
    // Another question does not go into the same folder.
    let other = compare.replace("--epochs 1", "--epochs 2");
    refuses(folder.path(), &other, &["both/plan.toml: is another plan"]);
    refuses(folder.path(), "compare both --epochs 3", &["given --epochs; want --activations beside it"]);
    refuses(folder.path(), "compare --activations relu", &["--output"]);
    refuses(folder.path(), "compare", &["<RUNS>"]);
}

/// Data that are there and cannot be read: every run fails before it has anything to record.
#[test]
fn runs_that_leave_nothing_have_failed_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data/cifar-10-batches-bin");
    fs::create_dir_all(&data).unwrap();
    let batches = (1..=5).map(|i| format!("data_batch_{i}.bin"));
    for name in batches.chain(["test_batch.bin", "batches.meta.txt"].map(String::from)) {
        fs::write(data.join(name), "hello").unwrap();
    }
    let compare = "compare --activations relu,nrelu --models mlp --datasets cifar10 --data data --seeds 1 --output both";
    let output = anact(folder.path(), compare);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in ["note: both/plan.toml: none of its runs is begun", "2 of 2 runs failed, 0 are finished"] {
        assert!(said.contains(part), "no `{part}` in: {said}");
    }
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn an_experiment_is_written_as_a_plan() {
    let folder = tempfile::tempdir().unwrap();
    let said = succeeds(folder.path(), "reproduce resnet-cifar10 --small --plan-only --output here");
    assert!(said.contains("36 runs in here/plan.toml"), "{said}");
    assert_eq!(succeeds(folder.path(), "plan here/plan.toml --count"), "36\n");
    refuses(folder.path(), "reproduce resnet-cifar10 --output here", &["here/plan.toml: is another plan"]);
    refuses(folder.path(), "reproduce resnet-cifar10 --small --output here", &["--data is not given"]);
    refuses(folder.path(), "reproduce resnet-cifar", &["resnet-cifar10"]);
}
