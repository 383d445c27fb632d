//! `anact lr-find`: which learning rate to begin with.

use std::path::PathBuf;

use clap::Args;
use layers::optim::{RateFinder, RateFinderSettings};
use serde_json::json;

use super::data_set::load_noted;
use super::output::Output;
use crate::error::{Error, Result};
use crate::plot::{Chart, Series};
use crate::record::write_atomic;
use crate::run::{Interrupt, Options, Session, Settings};

/// Arguments of `anact lr-find`.
#[derive(Debug, Args)]
pub(super) struct LrFind {
    /// TOML file with options, such as that of the run to come; flags win over it
    #[arg(long)]
    config: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
    /// The first rate
    #[arg(long, default_value_t = RateFinderSettings::default().lowest)]
    lowest: f64,
    /// The last rate
    #[arg(long, default_value_t = RateFinderSettings::default().highest)]
    highest: f64,
    /// Steps from one to the other
    #[arg(long, default_value_t = RateFinderSettings::default().steps)]
    steps: usize,
    /// Write loss against rate as an SVG picture
    #[arg(long, value_name = "FILE")]
    figure: Option<PathBuf>,
    #[command(flatten)]
    printed: Output,
}

impl LrFind {
    pub(super) fn run(self) -> Result<()> {
        // What a search does not use; the rate is its own.
        const REFUSED: [&str; 16] = [
            "--output",
            "--keep",
            "--log",
            "--checkpoint-steps",
            "--inspect-every",
            "--epochs",
            "--average",
            "--average-decay",
            "--average-start",
            "--lr",
            "--min-lr",
            "--schedule",
            "--warmup-epochs",
            "--step-epochs",
            "--step-factor",
            "--milestones",
        ];
        let file = self.config.as_deref().map(Options::read).transpose()?.unwrap_or_default();
        let options = self.options.over(file);
        if let Some(option) = options.given().into_iter().find(|o| REFUSED.contains(&o.as_str())) {
            return Err(Error::Setting {
                setting: "lr-find",
                value: format!("given {option}"),
                legal: "only options that bear on a step".into(),
            });
        }
        let settings = RateFinderSettings {
            lowest: self.lowest,
            highest: self.highest,
            steps: self.steps,
            ..RateFinderSettings::default()
        };
        let finder = RateFinder::new(settings)?;
        // The rate of the settings is not used, but optimisers other than sgd have no usual one.
        let options = Options { lr: Some(self.highest), schedule: Some("constant".into()), ..options };
        let run = Settings::of(options)?;
        let data = load_noted(&run)?;
        let finder = Session::new(run, &data)?.find_rate(finder, &Interrupt::listen())?;
        let suggestion = finder.suggestion();
        if let Some(path) = &self.figure {
            let line = |read: fn(&layers::optim::RatePoint) -> f64| {
                finder.points().iter().map(move |p| (p.rate.log10(), read(p))).collect::<Vec<_>>()
            };
            let chart = Chart::new("Loss while the learning rate rises")
                .x_label("log₁₀ of the learning rate")
                .y_label("cross-entropy (nats)")
                .series(Series::line("smoothed", line(|p| p.smoothed)))
                .series(Series::line("by batch", line(|p| p.loss)).dashed());
            write_atomic(path, chart.to_svg())?;
        }
        if self.printed.is_json() {
            let line = json!({ "points": finder.points(), "diverged": finder.has_diverged(), "suggestion": suggestion });
            println!("{line}");
        } else {
            for point in finder.points() {
                println!(
                    "rate {:<10.3e} loss {:<8.4} smoothed {:.4}",
                    point.rate, point.loss, point.smoothed
                );
            }
        }
        match suggestion {
            Some(_) if self.printed.is_json() => {}
            Some(rate) => println!(
                "the loss falls fastest at --lr {rate:.2e}; with a warm-up the highest rate may be more"
            ),
            None => {
                let text = "the loss fell at no rate between --lowest and --highest, or for fewer than three steps; try lower rates or more --steps";
                return Err(Error::CheckFailed(text.into()));
            }
        }
        Ok(())
    }
}
