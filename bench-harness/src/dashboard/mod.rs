//! A run on the terminal while it happens: curves, layers, messages, and keys to pause, checkpoint and stop it.
//!
//! [`Dashboard`] follows the run and only takes down what it hears (`state`). A thread of its own answers the keys and draws, at
//! most ten times a second, so that neither waits for a step nor a step for them. `draw` turns the state into text, each
//! `panel` its part, without knowing of a terminal; `terminal` and `job_control` see to it that the terminal is given back
//! whatever happens. What is printed meanwhile waits until the ordinary screen is back.

mod axes;
mod draw;
mod history;
mod job_control;
mod keyboard;
mod keys;
mod layers;
mod painter;
mod palette;
mod panel;
mod state;
mod terminal;
#[cfg(test)]
mod tests;
mod time_left;

use std::cell::Cell;
use std::fmt;
use std::io::{IsTerminal, stdin, stdout};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use job_control::{JobControl, is_in_foreground};
use painter::{Painter, Shared};
use palette::Palette;
use terminal::{Line, Screen, restore_on_panic};

use crate::error::Result;
use crate::run::{EpochMetrics, Evaluation, Interrupt, RunBegins, StepTaken, Watch, Wish, epoch_line};
use crate::said::printable;

/// Whether somebody is there to look at a dashboard: keys and picture are of a terminal, it is this process's to draw on, and it
/// can do more than print (`TERM` is there and not `dumb`).
pub fn is_possible() -> bool {
    let is_dumb = std::env::var_os("TERM").map_or(cfg!(unix), |term| term == "dumb");
    stdin().is_terminal() && stdout().is_terminal() && is_in_foreground() && !is_dumb
}

/// The dashboard of one run.
pub struct Dashboard {
    shared: Arc<Shared>,
    screen: Screen,
    interrupt: Interrupt,
    thread: Option<thread::JoinHandle<()>>,
    label: String,
    epochs: u64,
}

impl fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dashboard").field("label", &self.label).field("screen", &self.screen).finish()
    }
}

impl Dashboard {
    /// One that takes the terminal when the run begins. Keys that ask for the end ask `interrupt`.
    pub fn new(interrupt: Interrupt) -> Self {
        Self {
            shared: Arc::new(Shared::new()),
            screen: Screen::default(),
            interrupt,
            thread: None,
            label: String::new(),
            epochs: 0,
        }
    }

    /// Takes the terminal and starts the thread.
    fn open(&mut self) -> std::io::Result<()> {
        restore_on_panic(&self.screen);
        let screen = self.screen.clone();
        self.interrupt.hold(move || screen.leave_at_once());
        self.screen.enter()?;
        // The convention of terminals' users, <https://no-color.org>: a variable that is there and not empty.
        let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let painter = Painter {
            shared: Arc::clone(&self.shared),
            screen: self.screen.clone(),
            interrupt: self.interrupt.clone(),
            palette: if is_plain { Palette::plain() } else { Palette::coloured() },
            jobs: JobControl::listen(),
            round: Cell::new(Instant::now()),
        };
        self.thread = Some(thread::Builder::new().name("dashboard".into()).spawn(|| painter.run())?);
        Ok(())
    }

    /// Gives the terminal back for good and prints what waited; for a terminal that takes nothing this waits, as every print does.
    fn close(&mut self) {
        self.shared.end();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported, and the terminal given back.
            let _ = thread.join();
        }
        self.screen.leave();
        self.interrupt.release();
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.close();
    }
}

impl Watch for Dashboard {
    fn begin(&mut self, run: &RunBegins<'_>) -> Result<()> {
        self.label = run.label.to_string();
        self.epochs = run.settings.epochs;
        self.shared.state().begin(run, self.shared.now());
        if self.open().is_err() {
            // A terminal that cannot show it: lines are printed as they come.
            self.close();
        }
        Ok(())
    }

    fn step(&mut self, step: &StepTaken<'_>) -> Result<()> {
        self.shared.state().step(step, self.shared.now());
        Ok(())
    }

    fn wish(&mut self) -> Wish {
        let mut state = self.shared.state();
        while state.is_to_wait() && !self.interrupt.is_set() && self.shared.is_alive() {
            state.wait(true, self.shared.now());
            state = self.shared.wait_for_key(state);
        }
        state.wait(false, self.shared.now());
        state.take_wish()
    }

    fn held_up(&mut self) -> Duration {
        self.shared.state().take_held_up()
    }

    fn epoch(&mut self, epoch: &EpochMetrics, _steps: u64) -> Result<()> {
        self.shared.state().epoch(epoch, self.shared.now());
        self.screen.print(Line::Out(epoch_line(&self.label, self.epochs, epoch)));
        Ok(())
    }

    fn checkpoint(&mut self, steps: u64) -> Result<()> {
        self.shared.state().say(self.shared.now(), &format!("checkpoint after step {steps}"));
        Ok(())
    }

    fn test(&mut self, test: &Evaluation, _steps: u64) -> Result<()> {
        let words = format!("on the test images: accuracy {:.2} %", 100.0 * test.metrics.accuracy);
        self.shared.state().say(self.shared.now(), &words);
        Ok(())
    }

    fn note(&mut self, text: &str) -> bool {
        self.shared.state().say(self.shared.now(), &printable(text));
        self.screen.print(Line::Note(text.to_string()));
        true
    }

    fn end(&mut self) {
        self.close();
    }
}
