use anact::theory::Quantities;

use super::*;
use crate::dashboard::tests::row_of;
use crate::run::{LayersAtStep, Settings, TheoryComparison};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A run of 4 steps an epoch that begins after `taken` of them.
fn begun(taken: u64, epochs: &[EpochMetrics]) -> State {
    let settings = Settings { epochs: 3, ..Settings::default() };
    let mut state = State::default();
    let run = RunBegins {
        label: "mlp nswish",
        settings: &settings,
        classes: &[],
        steps_per_epoch: 4,
        taken,
        epochs,
    };
    state.begin(&run, s(0));
    state
}

fn taken(steps: u64, loss: f32, mean_accuracy: f64) -> StepTaken<'static> {
    StepTaken {
        steps,
        epoch: (steps - 1) / 4 + 1,
        loss,
        rate: 0.1,
        so_far: Metrics { loss: loss.into(), accuracy: mean_accuracy },
        images_per_s: 100.0,
        layers: None,
        histograms: &[],
    }
}

fn epoch(number: u64) -> EpochMetrics {
    EpochMetrics {
        epoch: number,
        train: Metrics { loss: 1.0, accuracy: 0.5 },
        validation: Some(Metrics { loss: 1.5, accuracy: 0.25 }),
        lr: 0.1,
        seconds: 1.0,
        waited: 0.0,
        images_per_s: 100.0,
    }
}

/// By hand: means 1, ½, ⅓ after one, two and three batches are of batches with 1, 0 and 0.
#[test]
fn accuracies_of_steps_follow_from_the_means() {
    let mut state = begun(0, &[]);
    let of_steps: Vec<Option<f64>> = [(1, 1.0), (2, 0.5), (3, 1.0 / 3.0), (5, 0.75)]
        .into_iter()
        .map(|(steps, mean)| state.accuracy_of(&taken(steps, 1.0, mean)))
        .collect();
    assert_eq!(of_steps, [Some(1.0), Some(0.0), Some(0.0), Some(0.75)]);
    // In the middle of an epoch nothing is known of the batches before.
    let mut state = begun(2, &[]);
    assert_eq!(state.accuracy_of(&taken(3, 1.0, 0.5)), None);
    assert_eq!(state.accuracy_of(&taken(4, 1.0, 0.5)), Some(0.5));
}

#[test]
fn a_run_goes_through_its_phases() {
    let mut state = begun(0, &[]);
    assert_eq!((state.phase(), state.place()), (Phase::Training, (1, 0)));
    for steps in 1..=4 {
        state.step(&taken(steps, 1.0, 0.5), s(steps));
    }
    assert_eq!((state.phase(), state.place()), (Phase::Validating, (1, 4)));
    state.epoch(&epoch(1), s(5));
    assert_eq!((state.phase(), state.place()), (Phase::Training, (2, 0)));
    for steps in 5..=12 {
        state.step(&taken(steps, 1.0, 0.5), s(steps));
    }
    state.epoch(&epoch(3), s(13));
    assert_eq!((state.phase(), state.place()), (Phase::Testing, (3, 4)));
}

#[test]
fn a_run_that_goes_on_has_its_past() {
    let state = begun(6, &[epoch(1)]);
    assert_eq!(state.place(), (2, 2));
    assert_eq!(state.loss.training.points(), [(0.5, 1.0)]);
    assert_eq!(state.loss.validation.points(), [(1.0, 1.5)]);
    assert_eq!(state.messages, ["0:00:00 goes on after step 6"]);
}

#[test]
fn wishes_are_told_once() {
    let mut state = begun(0, &[]);
    assert_eq!(state.take_wish(), Wish::GoOn);
    state.act(Action::Checkpoint, s(1));
    state.act(Action::Checkpoint, s(1));
    assert_eq!(state.messages.len(), 1);
    assert_eq!(state.take_wish(), Wish::Checkpoint);
    assert_eq!(state.take_wish(), Wish::GoOn);
    state.act(Action::Checkpoint, s(1));
    state.act(Action::Stop, s(1));
    assert_eq!(state.take_wish(), Wish::Stop);
    assert_eq!(state.phase(), Phase::Stopping);
}

#[test]
fn a_pause_waits_for_nothing_else() {
    let mut state = begun(0, &[]);
    state.step(&taken(1, 1.0, 0.5), s(10));
    assert!(!state.is_to_wait());
    state.act(Action::Pause, s(10));
    assert_eq!((state.is_to_wait(), state.phase()), (true, Phase::Pausing));
    state.wait(true, s(10));
    state.wait(true, s(11));
    assert_eq!(state.phase(), Phase::Paused);
    state.act(Action::Checkpoint, s(12));
    assert!(!state.is_to_wait(), "the checkpoint comes first");
    assert_eq!(state.take_wish(), Wish::Checkpoint);
    assert!(state.is_to_wait());
    state.act(Action::Pause, s(20));
    assert!(!state.is_to_wait());
    state.wait(false, s(20));
    assert_eq!(state.phase(), Phase::Training);
    // One step in 10 s, 11 to go, and the pause was none of it.
    assert_eq!(state.time_left.left(s(20)), Some(s(110)));
    assert_eq!((state.take_held_up(), state.take_held_up()), (s(10), s(0)));
}

#[test]
fn a_suspended_process_is_held_up_once() {
    let mut state = begun(0, &[]);
    state.step(&taken(1, 1.0, 0.5), s(10));
    state.suspended_for(s(100));
    assert_eq!((state.take_held_up(), state.time_left.left(s(110))), (s(100), Some(s(110))));
    // In a pause it is part of it.
    state.act(Action::Pause, s(110));
    state.wait(true, s(110));
    state.suspended_for(s(50));
    state.wait(false, s(170));
    assert_eq!((state.take_held_up(), state.time_left.left(s(170))), (s(60), Some(s(110))));
}

#[test]
fn only_the_last_messages_stay_and_each_is_a_line() {
    let mut state = State::default();
    (0..500).for_each(|i| state.say(s(i), &format!("one {i}\n\ntwo")));
    assert_eq!(state.messages.len(), MESSAGES);
    assert_eq!(state.messages.back().unwrap(), "0:08:19 two");
}

#[test]
fn layers_that_are_looked_at_are_kept_by_name() {
    let mut state = begun(0, &[]);
    let row = |name: &str, factor: f64| {
        row_of(name, Quantities { kappa: Some(factor), delta: Some(1e-3), ..Quantities::default() })
    };
    for (step, factor) in [(0, 1.5), (4, 1.25)] {
        let comparison = TheoryComparison { rows: vec![row("fc1", factor), row("fc2", 1.0)] };
        let layers = LayersAtStep { step, comparison };
        state.step(&StepTaken { layers: Some(&layers), ..taken(step + 1, 1.0, 0.5) }, s(step));
    }
    let first = &state.layers.rows[0];
    assert_eq!((first.name.as_str(), first.factor, first.delta), ("fc1", Some(1.25), Some(1e-3)));
    assert_eq!(first.factors.points(), [(0.0, 1.5), (4.0, 1.25)]);
    assert_eq!(state.layers.step, Some(4));
    state.act(Action::OtherGradient, s(9));
    assert_eq!(state.layers.gradients(), [None, None]);
}
