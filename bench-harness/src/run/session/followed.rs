//! Runs under watchers that fail, wish and take notes.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::json;

use super::*;
use crate::checkpoint::{Checkpoints, Loaded};
use crate::data::load_data;
use crate::record::RunFolder;
use crate::run::{EpochMetrics, Options, StepTaken, Watch, Watchers, Wish};

/// Takes down what happens.
#[derive(Debug, Default)]
struct Follower {
    heard: Rc<RefCell<Vec<String>>>,
    /// What it fails at.
    fails_at: &'static str,
    /// What it wishes after the second step.
    wishes: Vec<Wish>,
    steps: u64,
}

impl Follower {
    fn hear(&self, what: String) -> Result<()> {
        let fails = what == self.fails_at;
        self.heard.borrow_mut().push(what);
        if fails { Err(Error::CheckFailed("the disk is full".into())) } else { Ok(()) }
    }
}

impl Watch for Follower {
    fn step(&mut self, step: &StepTaken<'_>) -> Result<()> {
        self.steps = step.steps;
        self.hear(format!("step {}", step.steps))
    }

    fn wish(&mut self) -> Wish {
        if self.steps == 2 { self.wishes.pop().unwrap_or(Wish::GoOn) } else { Wish::GoOn }
    }

    fn epoch(&mut self, epoch: &EpochMetrics, _steps: u64) -> Result<()> {
        self.hear(format!("epoch {}", epoch.epoch))
    }

    fn sync(&mut self) -> Result<()> {
        self.hear("sync".into())
    }

    fn checkpoint(&mut self, steps: u64) -> Result<()> {
        self.hear(format!("checkpoint {steps}"))
    }

    fn end(&mut self) {
        self.heard.borrow_mut().push("end".into());
    }
}

/// 2 epochs of 3 steps.
fn settings(inspect_every: Option<u64>) -> Settings {
    Settings::of(Options {
        model: Some("mlp".into()),
        width: Some(4),
        batch: Some(8),
        train_images: Some(24),
        test_images: Some(8),
        validation_images: Some(0),
        epochs: Some(2),
        inspect_every,
        ..Options::default()
    })
    .unwrap()
}

/// A run of 2 epochs of 3 steps, from its beginning or from a checkpoint; and what a follower heard of it.
fn run(folder: &RunFolder, follower: Follower, from: Option<&Loaded>) -> (Result<Outcome>, Vec<String>) {
    let settings = settings(None);
    let data = load_data(&settings).unwrap();
    let heard = Rc::clone(&follower.heard);
    let mut record = folder.records().unwrap();
    if from.is_none() {
        record.write("config", &json!({ "settings": settings })).unwrap();
    }
    let interrupt = Interrupt::default();
    let context = RunContext {
        label: "mlp",
        record: &mut record,
        interrupt: &interrupt,
        keeping: Some(Keeping::new(folder, 2)),
        watchers: Watchers::default().with(follower),
    };
    let leave = |_: &Outcome| {
        heard.borrow_mut().push("left".into());
        Ok(())
    };
    let finished = Session::new(settings, &data).unwrap().run_and(context, from, leave);
    (finished.and_then(|(outcome, left)| left.map(|()| outcome)), heard.take())
}

/// The checkpoint of a log's last step, or of its last epoch: nothing is lost but the log.
#[test]
fn a_log_that_cannot_be_written_ends_a_run_with_a_checkpoint() {
    let root = tempfile::tempdir().unwrap();
    let folder = |name: &str| RunFolder::create(root.path().join(name)).unwrap();
    let alone = run(&folder("alone"), Follower::default(), None).0.unwrap().weights_sha256;
    for (fails_at, position) in [("step 2", (0, 2)), ("step 6", (1, 6)), ("epoch 1", (1, 3))] {
        let folder = folder(&fails_at.replace(' ', "-"));
        let error = run(&folder, Follower { fails_at, ..Follower::default() }, None).0.unwrap_err();
        assert!(error.to_string().contains("the disk is full"), "{error}");
        let loaded = Checkpoints::of(folder.path(), 1).newest().unwrap().newest.unwrap();
        assert_eq!((loaded.state.position.epoch, loaded.state.position.step), position, "{fails_at}");
        let outcome = run(&folder, Follower::default(), Some(&loaded)).0.unwrap();
        assert_eq!(outcome.weights_sha256, alone, "{fails_at}");
    }
}

/// As many as are wished for in a pause, and no step between them; logs reach the disk before each.
#[test]
fn checkpoints_are_written_without_a_step_between_them() {
    let root = tempfile::tempdir().unwrap();
    let wishes = vec![Wish::GoOn, Wish::Checkpoint, Wish::Checkpoint];
    let follower = Follower { wishes, ..Follower::default() };
    let (outcome, heard) = run(&RunFolder::create(root.path()).unwrap(), follower, None);
    outcome.unwrap();
    let expected = [
        ["sync", "checkpoint 0", "step 1", "step 2"],
        ["sync", "checkpoint 2", "sync", "checkpoint 2"],
        ["step 3", "epoch 1", "sync", "checkpoint 3"],
        ["step 4", "step 5", "step 6", "epoch 2"],
        // What was found is left before anybody waits for a terminal.
        ["sync", "checkpoint 6", "left", "end"],
    ];
    assert_eq!(heard, expected.concat());
}

/// Does something when the test is over, and may fail at it.
struct AtTheTest<F>(F);

impl<F> std::fmt::Debug for AtTheTest<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AtTheTest")
    }
}

impl<F: FnMut() -> Result<()>> Watch for AtTheTest<F> {
    fn test(&mut self, _test: &crate::run::Evaluation, _steps: u64) -> Result<()> {
        (self.0)()
    }
}

/// The run's folder goes, a log cannot be written, or what it leaves cannot: what the test has found is told all the same, beside the
/// error.
#[test]
fn what_a_finished_run_found_outlives_its_folder() {
    let full = || Err(Error::CheckFailed("the disk is full".into()));
    for (what, inspect_every, words) in [
        ("the folder goes, looks are read back", Some(2), "record.jsonl"),
        ("a log", None, "the disk is full"),
        ("what it leaves", None, "the disk is full"),
    ] {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(root.path().join("run")).unwrap();
        let settings = settings(inspect_every);
        let data = load_data(&settings).unwrap();
        let mut record = folder.records().unwrap();
        record.write("config", &json!({ "settings": settings })).unwrap();
        let interrupt = Interrupt::default();
        let fault = AtTheTest(|| match what {
            "a log" => full(),
            "what it leaves" => Ok(()),
            _ => {
                std::fs::remove_dir_all(folder.path()).unwrap();
                Ok(())
            }
        });
        let context = RunContext {
            label: "mlp",
            record: &mut record,
            interrupt: &interrupt,
            keeping: Some(Keeping::new(&folder, 1)),
            watchers: Watchers::default().with(fault),
        };
        let session = Session::new(settings, &data).unwrap();
        let (outcome, left) = session
            .run_and(context, None, |_| if what == "what it leaves" { full() } else { Ok(()) })
            .unwrap();
        assert_eq!((outcome.test.samples, outcome.steps, outcome.epochs.len()), (8, 6, 2), "{what}");
        let error = left.unwrap_err().to_string();
        assert!(error.contains(words), "{what}: {error}");
    }
}
