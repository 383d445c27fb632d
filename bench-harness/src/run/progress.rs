//! What is shown while a network trains: a bar on a terminal, else a line per epoch.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use super::epoch::EpochMetrics;
use super::evaluation::Metrics;

/// The progress of one run.
#[derive(Debug)]
pub struct Progress {
    label: String,
    epochs: u64,
    bar: ProgressBar,
    is_terminal: bool,
}

impl Progress {
    /// For a run of `epochs` epochs of `steps` steps each, `taken` of which are taken.
    pub fn new(label: &str, epochs: u64, steps: usize, taken: u64) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let bar = if is_terminal {
            ProgressBar::new(epochs.saturating_mul(steps as u64))
        } else {
            ProgressBar::hidden()
        };
        let style =
            ProgressStyle::with_template("{prefix} {bar:24.cyan/dim} {percent:>3}%  {msg}  {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(label.to_string());
        // Steps of an earlier process say nothing about the time that is left.
        bar.set_position(taken);
        bar.reset_eta();
        Self { label: label.to_string(), epochs, bar, is_terminal }
    }

    /// One step is done; `so_far` are the epoch's metrics up to here.
    pub fn step(&self, epoch: u64, so_far: Metrics, images_per_s: f64) {
        self.bar.set_message(format!(
            "epoch {}/{}  loss {:.3}  accuracy {:.1} %  {images_per_s:.0} images/s",
            epoch + 1,
            self.epochs,
            so_far.loss,
            100.0 * so_far.accuracy
        ));
        self.bar.inc(1);
    }

    /// An epoch is done.
    pub fn epoch(&self, m: &EpochMetrics) {
        let validation = m.validation.map_or(String::new(), |v| {
            format!("  validation loss {:.3}  accuracy {:.2} %", v.loss, 100.0 * v.accuracy)
        });
        let line = format!(
            "{}  epoch {:>2}/{}  train loss {:.3}{validation}  {:.0} images/s",
            self.label, m.epoch, self.epochs, m.train.loss, m.images_per_s
        );
        if self.is_terminal {
            self.bar.println(line);
        } else {
            println!("{line}");
        }
    }

    /// The run is over.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
