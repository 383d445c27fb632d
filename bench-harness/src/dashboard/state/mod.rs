//! What is known of the run: everything that is drawn, and nothing that draws.

use std::collections::VecDeque;
use std::time::Duration;

use crate::dashboard::history::{History, Smoothed};
use crate::dashboard::keys::Action;
use crate::dashboard::layers::Layers;
use crate::dashboard::time_left::{TimeLeft, clock};
use crate::run::{EpochMetrics, Metrics, RunBegins, StepTaken, Wish};

/// Messages that are kept; no terminal shows more.
const MESSAGES: usize = 200;

/// A curve of training and one of validation, over epochs.
#[derive(Debug, Clone, Default)]
pub(in crate::dashboard) struct Curves {
    /// Step by step, smoothed.
    pub(in crate::dashboard) training: History,
    /// After every epoch.
    pub(in crate::dashboard) validation: History,
}

/// What the user may look at in front.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::dashboard) enum Panel {
    #[default]
    Loss,
    Accuracy,
    Gradients,
    Factors,
    Messages,
}

impl Panel {
    pub(in crate::dashboard) const ALL: [Self; 5] =
        [Self::Loss, Self::Accuracy, Self::Gradients, Self::Factors, Self::Messages];

    fn next(self) -> Self {
        let at = Self::ALL.iter().position(|&panel| panel == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }
}

/// What the run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dashboard) enum Phase {
    Training,
    Validating,
    Testing,
    Pausing,
    Paused,
    Stopping,
}

/// The run as the dashboard knows it. Times count from when the dashboard was made.
#[derive(Debug, Clone, Default)]
pub(in crate::dashboard) struct State {
    /// The run's name and its data set's.
    pub(in crate::dashboard) label: String,
    pub(in crate::dashboard) dataset: String,
    pub(in crate::dashboard) epochs: u64,
    pub(in crate::dashboard) steps_per_epoch: u64,
    /// Steps taken, and epochs that are over.
    pub(in crate::dashboard) steps: u64,
    pub(in crate::dashboard) epochs_over: u64,
    pub(in crate::dashboard) rate: Option<f64>,
    pub(in crate::dashboard) so_far: Option<Metrics>,
    pub(in crate::dashboard) images_per_s: f64,
    pub(in crate::dashboard) loss: Curves,
    pub(in crate::dashboard) accuracy: Curves,
    pub(in crate::dashboard) layers: Layers,
    pub(in crate::dashboard) messages: VecDeque<String>,
    pub(in crate::dashboard) time_left: TimeLeft,
    /// What is looked at, and how.
    pub(in crate::dashboard) front: Panel,
    pub(in crate::dashboard) shows_help: bool,
    pub(in crate::dashboard) draws_bullets: bool,
    /// What the user asked for.
    pub(in crate::dashboard) asked_to_pause: bool,
    pub(in crate::dashboard) asked_to_stop: bool,
    /// Whether the message that says so was given.
    pub(in crate::dashboard) has_said_so: bool,
    asked_for_checkpoint: bool,
    /// Since when the run is held up.
    paused_at: Option<Duration>,
    /// The time of pauses and suspensions that the run has not asked for yet.
    held_up: Duration,
    smoothed: Option<(Smoothed, Smoothed)>,
    /// The sum of accuracies of the epoch's batches, and of how many.
    counted: (u64, f64),
    /// Changes so far, so that nothing is drawn twice.
    pub(in crate::dashboard) changes: u64,
}

impl State {
    pub(in crate::dashboard) fn begin(&mut self, run: &RunBegins<'_>, now: Duration) {
        self.label = run.label.to_string();
        self.dataset.clone_from(&run.settings.dataset);
        self.epochs = run.settings.epochs;
        self.steps_per_epoch = run.steps_per_epoch.max(1);
        self.steps = run.taken;
        self.layers.are_looked_at = run.settings.inspect_every.is_some();
        // A twentieth of an epoch is smooth and still shows where a rate falls.
        let window = (self.steps_per_epoch / 20).clamp(5, 200);
        self.smoothed = Some((Smoothed::over(window), Smoothed::over(window)));
        self.time_left.begin(now, run.taken);
        for epoch in run.epochs {
            // Its mean, in its middle.
            let middle = epoch.epoch as f64 - 0.5;
            self.loss.training.push(middle, epoch.train.loss);
            self.accuracy.training.push(middle, epoch.train.accuracy);
            self.keep_epoch(epoch);
        }
        if run.taken > 0 {
            self.say(now, &format!("goes on after step {}", run.taken));
        }
        self.changes += 1;
    }

    pub(in crate::dashboard) fn step(&mut self, step: &StepTaken<'_>, now: Duration) {
        self.steps = step.steps;
        self.rate = Some(step.rate);
        self.so_far = Some(step.so_far);
        self.images_per_s = step.images_per_s;
        let total = self.total();
        self.time_left.step(now, step.steps, total);
        let epochs = step.steps as f64 / self.steps_per_epoch.max(1) as f64;
        let of_step = self.accuracy_of(step);
        if let Some((loss, accuracy)) = &mut self.smoothed {
            self.loss.training.push(epochs, loss.with(step.loss.into()));
            if let Some(of_step) = of_step {
                self.accuracy.training.push(epochs, accuracy.with(of_step));
            }
        }
        if let Some(layers) = step.layers {
            self.layers.update(layers);
        }
        self.changes += 1;
    }

    /// The accuracy of one step from the epoch's means before and after it, which a shorter last batch pulls towards the mean;
    /// `None` if the mean before it is not known.
    fn accuracy_of(&mut self, step: &StepTaken<'_>) -> Option<f64> {
        let number = step.steps.saturating_sub(1) % self.steps_per_epoch.max(1) + 1;
        let sum = step.so_far.accuracy * number as f64;
        let (counted, before) = self.counted;
        self.counted = (number, sum);
        match number {
            1 => Some(sum),
            _ if counted == number - 1 => Some((sum - before).clamp(0.0, 1.0)),
            _ => None,
        }
    }

    pub(in crate::dashboard) fn epoch(&mut self, epoch: &EpochMetrics, now: Duration) {
        self.keep_epoch(epoch);
        let validation = epoch.validation.map_or(String::new(), |v| {
            format!("validation accuracy {:.2} %, loss {:.3}; ", 100.0 * v.accuracy, v.loss)
        });
        self.say(now, &format!("epoch {}: {validation}training loss {:.3}", epoch.epoch, epoch.train.loss));
    }

    fn keep_epoch(&mut self, epoch: &EpochMetrics) {
        self.epochs_over = epoch.epoch;
        if let Some(validation) = epoch.validation {
            self.loss.validation.push(epoch.epoch as f64, validation.loss);
            self.accuracy.validation.push(epoch.epoch as f64, validation.accuracy);
        }
        self.changes += 1;
    }

    /// One more message, of one line or several.
    pub(in crate::dashboard) fn say(&mut self, now: Duration, text: &str) {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            if self.messages.len() == MESSAGES {
                self.messages.pop_front();
            }
            self.messages.push_back(format!("{} {line}", clock(now)));
        }
        self.changes += 1;
    }

    /// What a key asks of the dashboard; what it asks of the process is not for here.
    pub(in crate::dashboard) fn act(&mut self, action: Action, now: Duration) {
        self.changes += 1;
        match action {
            Action::Pause => {
                self.asked_to_pause = !self.asked_to_pause;
                let words = if self.asked_to_pause { "pausing after this step" } else { "going on" };
                self.say(now, words);
            }
            Action::Checkpoint if !self.asked_for_checkpoint => {
                self.asked_for_checkpoint = true;
                self.say(now, "a checkpoint after this step");
            }
            Action::Stop => self.asked_to_stop = true,
            Action::NextPanel => self.front = self.front.next(),
            Action::OtherGradient => self.layers.shows_weights = !self.layers.shows_weights,
            Action::OtherMarks => self.draws_bullets = !self.draws_bullets,
            Action::Help => self.shows_help = !self.shows_help,
            Action::Checkpoint | Action::Interrupt | Action::Suspend | Action::Redraw => {}
        }
    }

    /// What the user wishes of the run; a checkpoint is wished for once.
    pub(in crate::dashboard) fn take_wish(&mut self) -> Wish {
        match (std::mem::take(&mut self.asked_for_checkpoint), self.asked_to_stop) {
            (_, true) => Wish::Stop,
            (true, false) => Wish::Checkpoint,
            (false, false) => Wish::GoOn,
        }
    }

    /// Whether the run is to be held up now; a wish for a checkpoint or for the end is met first.
    pub(in crate::dashboard) fn is_to_wait(&self) -> bool {
        self.asked_to_pause && !self.asked_for_checkpoint && !self.asked_to_stop
    }

    /// The run waits, or goes on.
    pub(in crate::dashboard) fn wait(&mut self, waits: bool, now: Duration) {
        match (waits, self.paused_at) {
            (true, None) => self.paused_at = Some(now),
            (false, Some(since)) => {
                self.paused_at = None;
                self.was_held_up_for(now.saturating_sub(since));
            }
            _ => return,
        }
        self.changes += 1;
    }

    /// The process was stopped and goes on.
    pub(in crate::dashboard) fn suspended_for(&mut self, time: Duration) {
        // A pause goes on meanwhile, and counts by itself.
        if self.paused_at.is_none() {
            self.was_held_up_for(time);
        }
    }

    fn was_held_up_for(&mut self, time: Duration) {
        self.held_up = self.held_up.saturating_add(time);
        self.time_left.held_up_for(time);
        self.changes += 1;
    }

    /// How long the user held the run up since this was asked last.
    pub(in crate::dashboard) fn take_held_up(&mut self) -> Duration {
        std::mem::take(&mut self.held_up)
    }

    /// The steps of the whole run.
    pub(in crate::dashboard) fn total(&self) -> u64 {
        self.epochs.saturating_mul(self.steps_per_epoch)
    }

    /// The epoch that is on, counted from 1, and the steps taken of it.
    pub(in crate::dashboard) fn place(&self) -> (u64, u64) {
        let epoch = self.epochs_over.saturating_add(1).min(self.epochs.max(1));
        let before = (epoch - 1).saturating_mul(self.steps_per_epoch);
        (epoch, self.steps.saturating_sub(before).min(self.steps_per_epoch))
    }

    pub(in crate::dashboard) fn phase(&self) -> Phase {
        let (_, step) = self.place();
        let is_at_end = self.steps_per_epoch > 0 && step == self.steps_per_epoch;
        if self.asked_to_stop {
            Phase::Stopping
        } else if self.paused_at.is_some() {
            Phase::Paused
        } else if self.asked_to_pause {
            Phase::Pausing
        } else if self.epochs_over >= self.epochs {
            Phase::Testing
        } else if is_at_end {
            Phase::Validating
        } else {
            Phase::Training
        }
    }
}

#[cfg(test)]
mod tests;
