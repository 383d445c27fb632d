//! What a session is made of, from its settings.

use autograd::kernels::buffer;
use datasets::{Dataset, Loader, LoaderConfig, Normalisation, Split};
use layers::optim::{Average, Optimizer, Schedule};

use crate::error::{Error, Result};
use crate::run::inspection::Inspections;
use crate::run::model::build_model;
use crate::run::settings::{Settings, complete};
use crate::run::trainer::{STEP_BITS, Trainer};

/// The optimiser and its schedule around a new network.
pub(super) fn trainer(s: &Settings, data: &Dataset, steps_per_epoch: u64) -> Result<Trainer> {
    let steps = |epochs: u64| epochs.saturating_mul(steps_per_epoch);
    if steps(s.epochs) >> STEP_BITS > 0 {
        let legal = format!("fewer than 2^{STEP_BITS} steps in all, at {steps_per_epoch} an epoch");
        return Err(Error::Setting { setting: "--epochs", value: s.epochs.to_string(), legal });
    }
    let decay = s.schedule.decay.clone().in_steps(steps_per_epoch);
    let schedule = Schedule::new(s.lr, steps(s.schedule.warmup_epochs), steps(s.epochs), decay)?;
    let mut model = model(s, data)?;
    let mut optimizer = Optimizer::new(s.optimizer)?;
    if !s.groups.all().is_empty() {
        optimizer = optimizer.grouped(s.groups.clone(), model.as_mut())?;
    }
    if let Some(clipping) = s.clipping {
        optimizer = optimizer.clipping(clipping)?;
    }
    let mut trainer = Trainer::new(model, optimizer, schedule, s.smoothing, s.seed).executing(s.execution());
    if let Some(averaging) = s.average {
        trainer = trainer.averaging(Average::new(averaging)?, steps(s.average_start));
    }
    let trainer = if s.find_anomalies { trainer.finding_anomalies() } else { trainer };
    Ok(match s.inspect_every {
        Some(every) => trainer.inspecting(Inspections::new(every, steps(s.epochs))),
        None => trainer,
    })
}

pub(super) fn model(s: &Settings, data: &Dataset) -> Result<Box<dyn layers::Layer<f32>>> {
    build_model(s, data.train.images().shape(), data.classes.len())
}

pub(super) fn steps_per_epoch(s: &Settings, train: &Loader) -> usize {
    train.batches_per_epoch().div_ceil(s.accumulate)
}

pub(super) fn training_loader(s: &Settings, train: Split, normalisation: Normalisation) -> Result<Loader> {
    let mut config = LoaderConfig::training(s.batch, s.seed, normalisation);
    config.augmentation = complete(s.augment, s.augmentation, train.images().shape())?;
    // What a step leaves serves the next batch.
    Ok(Loader::new(train, config)?.with_arrays(buffer::to_overwrite))
}
