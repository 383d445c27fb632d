//! What is shown while a network trains: a bar on a terminal, else a line per epoch.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::epoch::EpochMetrics;
use super::stops::Stops;
use super::watch::{RunBegins, StepTaken, Watch};
use crate::error::Result;
use crate::said::{self, printable};

/// The progress of one run.
#[derive(Debug)]
pub struct Progress {
    label: String,
    epochs: u64,
    bar: ProgressBar,
    on_stderr: bool,
    stops: Stops,
}

impl Default for Progress {
    fn default() -> Self {
        let (bar, stops) = (ProgressBar::hidden(), Stops::listen());
        Self { label: String::new(), epochs: 0, bar, on_stderr: false, stops }
    }
}

impl Progress {
    /// With the lines of epochs on stderr, if stdout is for something else.
    #[must_use]
    pub fn on_stderr(on_stderr: bool) -> Self {
        Self { on_stderr, ..Self::default() }
    }
}

/// The line of an epoch of the run `label`, which has `epochs` of them.
pub(crate) fn epoch_line(label: &str, epochs: u64, m: &EpochMetrics) -> String {
    let validation = m.validation.map_or(String::new(), |v| {
        format!("  validation loss {:.3}  accuracy {:.2} %", v.loss, 100.0 * v.accuracy)
    });
    format!(
        "{label}  epoch {:>2}/{epochs}  train loss {:.3}{validation}  {:.0} images/s",
        m.epoch, m.train.loss, m.images_per_s
    )
}

impl Watch for Progress {
    fn begin(&mut self, run: &RunBegins<'_>) -> Result<()> {
        self.label = run.label.to_string();
        self.epochs = run.settings.epochs;
        if stderr().is_terminal() {
            self.bar = ProgressBar::new(self.epochs.saturating_mul(run.steps_per_epoch));
            let style =
                ProgressStyle::with_template("{prefix} {bar:24.cyan/dim} {percent:>3}%  {msg}  {eta} left");
            self.bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            self.bar.set_prefix(self.label.clone());
            // Steps of an earlier process say nothing about the time that is left.
            self.bar.set_position(run.taken);
            self.bar.reset_eta();
        }
        Ok(())
    }

    fn step(&mut self, step: &StepTaken<'_>) -> Result<()> {
        self.bar.set_message(format!(
            "epoch {}/{}  loss {:.3}  accuracy {:.1} %  {:.0} images/s",
            step.epoch,
            self.epochs,
            step.so_far.loss,
            100.0 * step.so_far.accuracy,
            step.images_per_s
        ));
        self.bar.inc(1);
        Ok(())
    }

    fn steps_begin(&mut self) {
        self.stops.begin(Instant::now());
    }

    fn held_up(&mut self) -> Duration {
        self.stops.held_up(Instant::now())
    }

    fn epoch(&mut self, epoch: &EpochMetrics, _steps: u64) -> Result<()> {
        let line = epoch_line(&self.label, self.epochs, epoch);
        match (self.bar.is_hidden(), self.on_stderr) {
            (true, false) => said::on_stdout(line),
            (true, true) => said::on_stderr(line),
            (false, _) => self.bar.println(printable(&line)),
        }
        Ok(())
    }

    fn note(&mut self, text: &str) -> bool {
        self.bar.suspend(|| said::on_stderr(format_args!("note: {text}")));
        true
    }

    fn end(&mut self) {
        self.bar.finish_and_clear();
    }
}
