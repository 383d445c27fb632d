//! One network trained on one data set, recorded.

mod build;
#[cfg(test)]
mod followed;
mod keeping;
mod pace;
mod training;
mod training_time;

pub use keeping::Keeping;
pub use pace::Pace;
pub use training::{Outcome, RunContext};

use autograd::Scalar;
use autograd::kernels::buffer;
use datasets::{Batch, Batches, Dataset, Loader, LoaderConfig, Normalisation};
use layers::optim::RateFinder;
use layers::weights::WeightsError;
use layers::{parameter_count, weights};
use serde::Serialize;

use build::{model, steps_per_epoch, trainer, training_loader};

use super::card::ModelCard;
use super::interrupt::Interrupt;
use super::memory::{MemoryPlan, StepMemory, measure_memory, plan_memory};
use super::model::build_model;
use super::recording::Recording;
use super::settings::Settings;
use super::theory::{Cotangent, Input, TheoryComparison, compare_with_theory, fill_with_normal};
use super::trainer::{Place, Trainer};
use crate::checkpoint::DataIdentity;
use crate::error::{Error, Result};

/// One run, built and ready: settings, batches of the data they name, and a network at step 0.
#[derive(Debug)]
pub struct Session<'d> {
    settings: Settings,
    data: &'d Dataset,
    train: Loader,
    validation: Option<Loader>,
    test: Loader,
    trainer: Trainer,
    /// Of the data, once it was asked for.
    identity: Option<DataIdentity>,
}

/// How the theory is compared with a step that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Measurement {
    /// Training steps before it.
    pub step: u64,
    /// Where the backward pass starts.
    pub cotangent: Cotangent,
    /// What goes into the network in that step; training sees images.
    pub input: Input,
}

impl<'d> Session<'d> {
    /// A session on data that are already loaded. Images are held out for validation as the settings say; all are normalised
    /// by the statistics of those that are trained on.
    ///
    /// # Errors
    /// Data without images, or without spread; settings that do not go together or do not fit the data. Whatever
    /// can be refused is refused here, before a folder is made for the run.
    pub fn new(settings: Settings, data: &'d Dataset) -> Result<Self> {
        settings.check_ranges()?;
        let (train, validation) = settings.hold_out(&data.train)?;
        let normalisation = Normalisation::of(&train)?;
        let evaluation = |split| -> Result<Loader> {
            let config = LoaderConfig::evaluation(settings.batch, normalisation.clone());
            Ok(Loader::new(split, config)?.with_arrays(buffer::to_overwrite))
        };
        let test = evaluation(data.test.clone())?;
        let validation = (!validation.is_empty()).then(|| evaluation(validation)).transpose()?;
        let train = training_loader(&settings, train, normalisation)?;
        let trainer = trainer(&settings, data, steps_per_epoch(&settings, &train) as u64)?;
        Ok(Self { settings, data, train, validation, test, trainer, identity: None })
    }

    /// Whether images are held out for validation.
    pub fn has_validation(&self) -> bool {
        self.validation.is_some()
    }

    /// What has to be known to use the weights.
    pub fn card(&self) -> ModelCard {
        ModelCard::of(&self.settings, self.data, &self.train.config().normalisation)
    }

    /// Trains up to step `step` and records that step, counted from 0, without taking it. In another precision than
    /// training's, the weights are those of training, number for number.
    ///
    /// # Errors
    /// A step beyond the run; a loss that is not finite before it; the user's wish to stop.
    pub fn record<S: Scalar>(mut self, step: u64, interrupt: &Interrupt) -> Result<Recording<S>> {
        self.check_step(step)?;
        let batch = self.train_until(step, interrupt)?;
        let s = &self.settings;
        let mut model = build_model::<S>(s, self.data.train.images().shape(), self.data.classes.len())?;
        // From f32 to f64 no bit is lost.
        let state = weights::to_safetensors(self.trainer.model());
        weights::load_safetensors(model.as_mut(), &state).expect("a network takes the state of its like");
        Recording::of(model.as_mut(), &batch, s.op_by_op(), s.smoothing, (s.seed, step))
    }

    /// Replaces the network's weights and buffers by those of a safetensors file.
    ///
    /// # Errors
    /// A file that is damaged or of another network.
    pub fn load_weights(&mut self, file: &[u8]) -> Result<(), WeightsError> {
        weights::load_safetensors(self.trainer.model(), file)
    }

    /// Trains up to a step and compares its layers with the theory, without taking it.
    ///
    /// # Errors
    /// As [`Session::record`].
    pub fn measure(mut self, measurement: Measurement, interrupt: &Interrupt) -> Result<TheoryComparison> {
        let Measurement { step, cotangent, input } = measurement;
        self.check_step(step)?;
        interrupt.check()?;
        let mut batch = self.train_until(step, interrupt)?;
        let s = &self.settings;
        if input == Input::Normal {
            fill_with_normal(&mut batch, s.seed);
        }
        let (execution, key) = (s.op_by_op(), (s.seed, step));
        compare_with_theory(self.trainer.model(), batch, execution, s.smoothing, key, cotangent)
    }

    /// Takes steps at the rates that `finder` asks for, until it asks for none.
    ///
    /// # Errors
    /// As a step; a loss that is not finite ends the search and is no error.
    pub fn find_rate(mut self, mut finder: RateFinder, interrupt: &Interrupt) -> Result<RateFinder> {
        for epoch in 0.. {
            let mut batches = self.train.epoch(epoch);
            for step_of_epoch in 1.. {
                let Some(rate) = finder.rate() else { return Ok(finder) };
                let mut micro_batches = self.micro_batches(&mut batches)?;
                if micro_batches.is_empty() {
                    break;
                }
                interrupt.check()?;
                match self.trainer.step_at(
                    &mut micro_batches,
                    Place { epoch: epoch + 1, step: step_of_epoch },
                    rate,
                ) {
                    Ok(done) => finder.record(done.loss.into()),
                    Err(Error::Diverged { .. } | Error::GradientsNotFinite { .. }) => {
                        finder.record(f64::INFINITY);
                    }
                    Err(other) => return Err(other),
                }
            }
        }
        unreachable!("a search ends after a number of steps")
    }

    /// The bytes of step `step`, counted from 0: planned from two small steps, and measured; of the nodes that `pattern`
    /// names, or of all that take any.
    ///
    /// # Errors
    /// As [`Session::record`].
    pub fn step_memory(
        mut self,
        step: u64,
        pattern: Option<&str>,
        interrupt: &Interrupt,
    ) -> Result<StepMemory> {
        self.check_step(step)?;
        let batch = self.train_until(step, interrupt)?;
        let (execution, kept) = (self.settings.execution(), self.arrays_kept());
        let (planned, plan) = plan_memory(self.trainer.model(), &batch, execution, kept)?;
        let (measured, chosen) = measure_memory(self.trainer.model(), &batch, execution, pattern)?;
        Ok(StepMemory { batch: batch.len(), planned, measured, chosen, optimiser: plan.optimiser })
    }

    /// What a step with a whole batch will take, before any is run.
    ///
    /// # Errors
    /// As a step.
    pub fn memory_plan(&self) -> Result<MemoryPlan> {
        let batch = self.train.epoch(0).next().expect("a loader has at least one batch")?;
        // A network of its own, since running statistics move.
        let mut model = model(&self.settings, self.data)?;
        let plan = plan_memory(model.as_mut(), &batch, self.settings.execution(), self.arrays_kept())?.1;
        // The sum over the micro-batches before waits while the next is on its way.
        let sums =
            if self.settings.accumulate > 1 { parameter_count(model.as_mut()) * size_of::<f32>() } else { 0 };
        Ok(MemoryPlan { step: plan.step + sums, ..plan })
    }

    /// Arrays of the parameters' size that stay from step to step: the optimiser's, and an average.
    fn arrays_kept(&self) -> usize {
        self.settings.optimizer.arrays_kept() + usize::from(self.settings.average.is_some())
    }

    fn check_step(&self, step: u64) -> Result<()> {
        let steps = self.settings.epochs.saturating_mul(self.steps_per_epoch() as u64);
        if step <= steps {
            return Ok(());
        }
        let legal = format!("at most {steps}, the steps of the run; --epochs makes it longer");
        Err(Error::Setting { setting: "--step", value: step.to_string(), legal })
    }

    /// The micro-batches of the next step of an epoch; none when the epoch is over.
    fn micro_batches(&self, batches: &mut Batches) -> Result<Vec<Batch>> {
        Ok(batches.take(self.settings.accumulate).collect::<datasets::Result<_>>()?)
    }

    fn steps_per_epoch(&self) -> usize {
        steps_per_epoch(&self.settings, &self.train)
    }

    /// Takes the steps before `step` and gives the batch of that one, the first if it has several.
    fn train_until(&mut self, step: u64, interrupt: &Interrupt) -> Result<Batch> {
        let mut taken = 0;
        for epoch in 0.. {
            let mut batches = self.train.epoch(epoch);
            for step_of_epoch in 1.. {
                let mut micro_batches = self.micro_batches(&mut batches)?;
                if micro_batches.is_empty() {
                    break;
                }
                if taken == step {
                    return Ok(micro_batches.swap_remove(0));
                }
                interrupt.check()?;
                self.trainer
                    .step_over(&mut micro_batches, Place { epoch: epoch + 1, step: step_of_epoch })?;
                taken += 1;
            }
        }
        unreachable!("a loader has at least one batch, so that epochs reach every step")
    }
}

/// Predicted and measured on the first batch of the first epoch.
fn theory_comparison(
    s: &Settings,
    train: &Loader,
    model: &mut dyn layers::Layer<f32>,
) -> Result<TheoryComparison> {
    let batch = train.epoch(0).next().expect("a loader has at least one batch")?;
    compare_with_theory(model, batch, s.op_by_op(), s.smoothing, (s.seed, 0), Cotangent::Loss)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::load_data;
    use crate::run::Options;

    /// Of 4 batches an epoch the seventh is in the second.
    const STEP: u64 = 6;

    #[test]
    fn a_recorded_step_is_the_one_that_training_takes_next() {
        for mixup in [None, Some(0.4)] {
            recorded_step(mixup);
        }
    }

    fn recorded_step(mixup: Option<f64>) {
        let settings = Settings::of(Options {
            model: Some("mlp".into()),
            width: Some(8),
            batch: Some(16),
            train_images: Some(64),
            test_images: Some(16),
            epochs: Some(2),
            mixup,
            ..Options::default()
        })
        .unwrap();
        let data = load_data(&settings).unwrap();
        let session = || Session::new(settings.clone(), &data).unwrap();
        let interrupt = Interrupt::default();

        let mut trained = session();
        let mut batch = trained.train_until(STEP, &interrupt).unwrap();
        let loss = trained.trainer.step(&mut batch, Place { epoch: 2, step: 3 }).unwrap().loss;
        let single = session().record::<f32>(STEP, &interrupt).unwrap();
        assert_eq!(single.loss().value().item().unwrap().to_bits(), loss.to_bits());

        let double = session().record::<f64>(STEP, &interrupt).unwrap();
        for ((name, weight), (_, wide)) in single.tape.parameters().iter().zip(double.tape.parameters()) {
            let widened: Vec<f64> = weight.value().data().iter().map(|&x| f64::from(x)).collect();
            assert_eq!(wide.value().data(), widened, "{name}");
        }
        // Seven digits of f32, less those that sums over 784 pixels lose.
        let wide = double.loss().value().item().unwrap();
        assert!((wide - f64::from(loss)).abs() <= 1e-5 * wide.abs(), "{wide} {loss}");
    }

    /// Of 5 steps an epoch the sixth and the seventh are in the second.
    #[test]
    fn an_average_begins_after_its_epochs() {
        let settings = Settings::of(Options {
            model: Some("mlp".into()),
            width: Some(4),
            batch: Some(8),
            train_images: Some(40),
            test_images: Some(8),
            validation_images: Some(0),
            epochs: Some(2),
            average: Some("swa".into()),
            average_start: Some(1),
            accumulate: Some(1),
            ..Options::default()
        })
        .unwrap();
        let data = load_data(&settings).unwrap();
        let updates = |settings: &Settings, steps| {
            let mut session = Session::new(settings.clone(), &data).unwrap();
            session.train_until(steps, &Interrupt::default()).unwrap();
            session.trainer.average().unwrap().updates()
        };
        assert_eq!([5, 7].map(|steps| updates(&settings, steps)), [0, 2]);
        // The sum of gradients, as long as all parameters, is in the plan where batches are added up.
        let plan = |accumulate| {
            let settings = Settings { accumulate, ..settings.clone() };
            let session = Session::new(settings, &data).unwrap();
            session.memory_plan().unwrap().step
        };
        let parameters = parameter_count(model(&settings, &data).unwrap().as_mut());
        assert_eq!(plan(2) - plan(1), 4 * parameters);
    }

    /// Uniformly averaged weights are looked at with running statistics gathered for them, and afterwards the network is as it
    /// was; an exponential average has those of the last steps.
    #[test]
    fn averaged_weights_have_statistics_of_their_own() {
        for (average, is_gathered) in [("swa", true), ("ema", false)] {
            let settings = Settings::of(Options {
                model: Some("resnet8".into()),
                width: Some(2),
                activation: Some("nswish".into()),
                batch: Some(8),
                train_images: Some(40),
                test_images: Some(8),
                validation_images: Some(0),
                epochs: Some(2),
                average: Some(average.into()),
                average_start: Some(0),
                ..Options::default()
            })
            .unwrap();
            let data = load_data(&settings).unwrap();
            let mut session = Session::new(settings.clone(), &data).unwrap();
            session.train_until(4, &Interrupt::default()).unwrap();
            let before = weights::to_safetensors(session.trainer.model());
            let batches = || session.train.epoch(0).take(3).map(|batch| Ok(batch?));
            let seen = session
                .trainer
                .with_averaged_weights(batches(), |model, _| Ok(weights::to_safetensors(model)))
                .unwrap();
            assert!(weights::to_safetensors(session.trainer.model()) == before);
            assert!(seen != before);

            // By hand: the averaged parameters in the trained network, and then the statistics.
            let mut own = model(&settings, &data).unwrap();
            weights::load_safetensors(own.as_mut(), &before).unwrap();
            let mut averaged = session.trainer.average().unwrap().clone();
            averaged.swap(own.as_mut()).unwrap();
            if is_gathered {
                let images = batches().map(|batch| {
                    let batch = batch?;
                    Ok::<_, Error>(autograd::Tensor::new(batch.shape, batch.images)?)
                });
                layers::gather_statistics(own.as_mut(), images, settings.execution(), settings.seed).unwrap();
            }
            assert!(weights::to_safetensors(own.as_mut()) == seen, "{average}");
        }
    }
}
