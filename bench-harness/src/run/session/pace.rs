//! How fast a run goes here, from a few of its steps.

use std::time::Instant;

use datasets::{Loader, LoaderConfig};
use serde::Serialize;

use super::training::AHEAD;
use super::{Place, Session};
use crate::error::Result;
use crate::run::evaluation::evaluate;
use crate::run::interrupt::Interrupt;

/// What the parts of a run take.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pace {
    /// Seconds of every step measured, with the wait for its batch.
    pub step_s: Vec<f64>,
    /// Seconds per image that is only looked at.
    pub evaluation_s_per_image: f64,
    /// Steps of the whole run.
    pub steps: u64,
    /// Images that the whole run only looks at: validation after every epoch, and the test.
    pub evaluated: u64,
}

impl Pace {
    /// What the whole run takes at `step_s` a step.
    pub fn seconds(&self, step_s: f64) -> f64 {
        self.steps as f64 * step_s + self.evaluated as f64 * self.evaluation_s_per_image
    }
}

impl Session<'_> {
    /// Takes one step that is not counted, for memory is cold then, and `steps` that are; and evaluates one batch.
    ///
    /// # Errors
    /// As a step; the user's wish to stop.
    pub fn pace(mut self, steps: usize, interrupt: &Interrupt) -> Result<Pace> {
        let mut step_s = Vec::new();
        'measured: for epoch in 0.. {
            let workers = self.settings.workers;
            let mut batches = self.train.epoch_in_background(epoch, 0, workers, AHEAD.max(workers))?;
            for step in 1.. {
                interrupt.check()?;
                let start = Instant::now();
                let mut micro_batches = self.micro_batches(&mut batches)?;
                if micro_batches.is_empty() {
                    break;
                }
                self.trainer.step_over(&mut micro_batches, Place { epoch: epoch + 1, step })?;
                step_s.push(start.elapsed().as_secs_f64());
                if step_s.len() > steps {
                    break 'measured;
                }
            }
        }
        step_s.remove(0);
        let config = LoaderConfig::evaluation(self.settings.batch, self.train.config().normalisation.clone());
        let one = Loader::new(self.test.split().head(self.settings.batch), config)?;
        let start = Instant::now();
        let execution = self.settings.evaluating();
        evaluate(self.trainer.model(), execution, &one, Place { epoch: 1, step: 1 }, interrupt)?;
        let images = |loader: &Loader| loader.split().len() as u64;
        let epochs = self.settings.epochs;
        Ok(Pace {
            step_s,
            evaluation_s_per_image: start.elapsed().as_secs_f64() / images(&one) as f64,
            steps: epochs * self.steps_per_epoch() as u64,
            evaluated: epochs * self.validation.as_ref().map_or(0, images) + images(&self.test),
        })
    }
}
