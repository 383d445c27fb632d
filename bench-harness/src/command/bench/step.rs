//! `anact bench step`: what a training step takes, in time and in memory.

use clap::Args;
use datasets::official::hexadecimal;
use layers::{Execution, parameter_count, weights};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::profile::Profile;
use super::spread::Spread;
use super::steps::{Steps, Subject, usual_image};
use crate::command::execution::ExecutionOptions;
use crate::command::network::NetworkOptions;
use crate::command::output::Output;
use crate::error::Result;
use crate::resident::Resident;
use crate::run::StepMetrics;
use crate::table::{bytes, sig};

/// Arguments of `anact bench step`.
#[derive(Debug, Args)]
pub(super) struct Step {
    #[command(flatten)]
    network: NetworkOptions,
    /// Images per step
    #[arg(long, default_value_t = 128)]
    batch: usize,
    /// Height and width of the images [default: 28 for mlp, else 32]
    #[arg(long)]
    image_size: Option<usize>,
    /// Channels of the images [default: 1 for mlp, else 3]
    #[arg(long)]
    channels: Option<usize>,
    /// Steps that are measured
    #[arg(long, default_value_t = 10)]
    steps: usize,
    /// Steps before them
    #[arg(long, default_value_t = 2)]
    warmup: usize,
    /// Learning rate
    #[arg(long, default_value_t = 0.01)]
    lr: f64,
    #[command(flatten)]
    execution: ExecutionOptions,
    /// Show where the time goes, by kind of op
    #[arg(long)]
    profile: bool,
    /// Print the SHA-256 of weights and buffers after the last step, which does not depend on the number of threads
    #[arg(long)]
    record_bits: bool,
    #[command(flatten)]
    printed: Output,
}

/// Everything that is printed; times of whole steps and of their parts in seconds.
#[derive(Debug, Serialize)]
struct Report {
    model: String,
    activation: String,
    batch: usize,
    image: [usize; 3],
    classes: usize,
    threads: usize,
    execution: Execution,
    warmup: usize,
    steps: usize,
    parameters: usize,
    median_s: f64,
    spread_s: Spread,
    forward_s: f64,
    backward_s: f64,
    optimiser_s: f64,
    images_per_s: f64,
    /// The most memory the process took so far, in megabytes of 10⁶ bytes. `None` where the system does not say.
    peak_rss_mb: Option<f64>,
    /// Of the first step that was taken, warm-up included, and of the last.
    loss_first: f32,
    loss_last: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    weights_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<Profile>,
}

impl Step {
    pub(super) fn run(self) -> Result<()> {
        super::at_least_one([("--steps", self.steps)])?;
        let [channels, height, width] = usual_image(&self.network.model);
        let image = [
            self.channels.unwrap_or(channels),
            self.image_size.unwrap_or(height),
            self.image_size.unwrap_or(width),
        ];
        let subject = Subject {
            network: self.network.options("lecun_normal", 0),
            image,
            classes: self.network.classes,
            batch: self.batch,
            lr: self.lr,
            execution: self.execution.execution(),
            times_ops: self.profile,
        };
        let report = self.measure(&subject)?;
        self.printed.result(&report, || self.text(&report));
        Ok(())
    }

    fn measure(&self, subject: &Subject) -> Result<Report> {
        let mut steps = Steps::new(subject)?;
        let taken = (0..self.warmup + self.steps).map(|_| steps.step()).collect::<Result<Vec<_>>>()?;
        // Before anything else takes memory.
        let peak = Resident::read().map(|r| r.peak as f64 / 1e6);
        let measured = &taken[self.warmup..];
        let spread = |part: fn(&StepMetrics) -> f64| Spread::of(measured.iter().map(part).collect());
        let spread_s = spread(|s| s.times.total().as_secs_f64());
        let model = steps.trainer().model();
        let digest = self.record_bits.then(|| hexadecimal(&Sha256::digest(weights::to_safetensors(model))));
        Ok(Report {
            model: self.network.model.clone(),
            activation: self.network.activation.clone(),
            batch: self.batch,
            image: subject.image,
            classes: self.network.classes,
            threads: rayon::current_num_threads(),
            execution: subject.execution,
            warmup: self.warmup,
            steps: self.steps,
            parameters: parameter_count(steps.trainer().model()),
            median_s: spread_s.median,
            spread_s,
            forward_s: spread(|s| s.times.forward.as_secs_f64()).median,
            backward_s: spread(|s| s.times.backward.as_secs_f64()).median,
            optimiser_s: spread(|s| s.times.optimiser.as_secs_f64()).median,
            images_per_s: self.batch as f64 / spread_s.median,
            peak_rss_mb: peak,
            loss_first: taken[0].loss,
            loss_last: taken[taken.len() - 1].loss,
            weights_sha256: digest,
            profile: Profile::of(measured),
        })
    }

    fn text(&self, r: &Report) -> String {
        let [channels, height, width] = r.image;
        let mut lines = vec![format!(
            "{}, batch {} of {channels}×{height}×{width}, {} parameters, {} threads, {:?}\n",
            self.network, r.batch, r.parameters, r.threads, r.execution
        )];
        let ms = |seconds: f64| sig(seconds * 1e3, 4);
        let Spread { least, lower, median, upper, greatest } = r.spread_s;
        lines.push(format!(
            "{} ms, median of {} steps; quartiles {} and {}, ends {} and {}",
            ms(median),
            r.steps,
            ms(lower),
            ms(upper),
            ms(least),
            ms(greatest)
        ));
        lines.push(format!(
            "forward {} ms, backward {} ms (1 : {}), optimiser {} ms",
            ms(r.forward_s),
            ms(r.backward_s),
            sig(r.backward_s / r.forward_s, 3),
            ms(r.optimiser_s)
        ));
        lines.push(format!("{} images/s", sig(r.images_per_s, 4)));
        if let Some(peak) = r.peak_rss_mb {
            lines.push(format!("peak memory of the process {}", bytes((peak * 1e6) as u64)));
        }
        lines.push(format!("loss {} in the first step, {} in the last", r.loss_first, r.loss_last));
        if let Some(digest) = &r.weights_sha256 {
            lines.push(format!("weights and buffers {digest}"));
        }
        if let Some(profile) = &r.profile {
            lines.push(format!("\nMeans per step\n\n{}", profile.table()));
        }
        lines.join("\n")
    }
}
