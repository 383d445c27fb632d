//! One network trained for a number of steps, looked at on the way.

use anact::theory::LayerRow;
use datasets::{Dataset, Loader, LoaderConfig, Normalisation};
use layers::optim::{Decay, Optimizer, Schedule};

use crate::error::{Error, Result};
use crate::run::{Inspections, Interrupt, Place, Settings, Trainer, build_model};

/// What a network did.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// The mean loss of the batch of every step taken.
    pub losses: Vec<f64>,
    /// The step, counted from 0, whose numbers were not finite: the run ended there.
    pub diverged: Option<u64>,
    /// The layers' numbers at the steps asked for.
    pub probes: Vec<Probe>,
}

/// Theory and measurement in one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// The step whose batch and weights these are; as many have been taken before it.
    pub step: u64,
    /// Layers from input to output.
    pub rows: Vec<LayerRow>,
}

impl Course {
    /// The mean loss of the last tenth of the steps, and of one at least. Infinite where the run diverged, so that it
    /// ranks behind every run that did not: the loss of a uniform guess would put it before runs that only grew worse.
    pub fn final_loss(&self) -> f64 {
        let last = self.losses.len().div_ceil(10);
        if self.diverged.is_some() || last == 0 {
            return f64::INFINITY;
        }
        self.losses[self.losses.len() - last..].iter().sum::<f64>() / last as f64
    }

    /// A number at the first probe; infinite where the run diverged before any, `None` where it does not apply.
    pub fn at_start(&self, read: impl Fn(&[LayerRow]) -> Option<f64>) -> Option<f64> {
        match self.probes.first() {
            Some(probe) => read(&probe.rows),
            None => self.diverged.map(|_| f64::INFINITY),
        }
    }

    /// The mean of a number over the probes; infinite where the run diverged, since the probes that are missing would be no
    /// better than those that were reached; `None` without any, or where it does not apply.
    pub fn mean_over_probes(&self, read: impl Fn(&[LayerRow]) -> Option<f64>) -> Option<f64> {
        if self.diverged.is_some() {
            return Some(f64::INFINITY);
        }
        let values: Option<Vec<f64>> = self.probes.iter().map(|p| read(&p.rows)).collect();
        values.filter(|v| !v.is_empty()).map(|v| v.iter().sum::<f64>() / v.len() as f64)
    }
}

/// Trains the network of `settings` from its initial weights for `steps` steps at the constant rate `settings.lr`.
/// `probes` are steps, up to and including `steps`, whose tapes are read, which changes nothing: the one after the last
/// is recorded on a network that nobody needs any more. Equal seeds mean equal initial weights and equal batches,
/// whatever the activation; nothing is augmented.
///
/// # Errors
/// Settings or data that do not fit; the user's wish to stop. A loss that is not finite is no error here.
pub fn train(
    settings: &Settings,
    data: &Dataset,
    steps: u64,
    probes: &[u64],
    interrupt: &Interrupt,
) -> Result<Course> {
    let normalisation = Normalisation::of(&data.train)?;
    let config = LoaderConfig::training(settings.batch, settings.seed, normalisation);
    let loader = Loader::new(data.train.clone(), config)?;
    let schedule = Schedule::new(settings.lr, 0, steps, Decay::Constant)?;
    let model = build_model(settings, data.train.images().shape(), data.classes.len())?;
    let mut trainer =
        Trainer::new(model, Optimizer::new(settings.optimizer)?, schedule, settings.smoothing, settings.seed)
            .inspecting(Inspections::at(probes));
    let mut course = Course { losses: Vec::new(), diverged: None, probes: Vec::new() };
    let per_epoch = loader.batches_per_epoch() as u64;
    for (step, batch) in (0..=steps).zip((0..).flat_map(|epoch| loader.epoch(epoch))) {
        let mut batch = batch?;
        interrupt.check()?;
        let is_over = step == steps;
        if is_over && !probes.contains(&step) {
            break;
        }
        let place = Place { epoch: step / per_epoch + 1, step: (step % per_epoch) as usize + 1 };
        match trainer.step(&mut batch, place) {
            Ok(metrics) => {
                course.probes.extend(metrics.layers.map(|l| Probe { step, rows: l.comparison.rows }));
                if !is_over {
                    course.losses.push(f64::from(metrics.loss));
                }
            }
            Err(Error::Diverged { .. } | Error::GradientsNotFinite { .. }) => {
                course.diverged = Some(step);
                break;
            }
            Err(other) => return Err(other),
        }
    }
    Ok(course)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::load_data;
    use crate::run::Options;

    fn settings(activation: &str, seed: u64, lr: f64) -> Settings {
        Settings::of(Options {
            model: Some("mlp".into()),
            depth: Some(3),
            width: Some(8),
            activation: Some(activation.into()),
            batch: Some(16),
            train_images: Some(40),
            test_images: Some(10),
            lr: Some(lr),
            seed: Some(seed),
            ..Options::default()
        })
        .unwrap()
    }

    fn course(settings: &Settings, probes: &[u64]) -> Course {
        let data = load_data(settings).unwrap();
        train(settings, &data, 7, probes, &Interrupt::default()).unwrap()
    }

    #[test]
    fn looking_changes_nothing() {
        for activation in ["swish", "nswish"] {
            let s = settings(activation, 1, 0.01);
            let (alone, watched) = (course(&s, &[]), course(&s, &[0, 3, 7]));
            assert_eq!(alone.losses, watched.losses);
            assert_eq!(watched.probes.iter().map(|p| p.step).collect::<Vec<_>>(), [0, 3, 7]);
            assert_eq!(watched.probes[0].rows.len(), 4);
            assert_ne!(watched.probes[0].rows, watched.probes[1].rows);
            assert!(alone.losses.last() < alone.losses.first(), "{:?}", alone.losses);
        }
    }

    #[test]
    fn equal_seeds_mean_equal_weights_and_batches() {
        let input = |activation: &str, seed| {
            let row = course(&settings(activation, seed, 0.01), &[0]).probes.remove(0).rows.remove(0);
            (row.measured.input, row.measured.variance_z)
        };
        assert_eq!(input("swish", 1), input("nrelu", 1));
        assert_ne!(input("swish", 1), input("swish", 2));
    }

    #[test]
    fn a_run_that_diverges_ends_there_and_ranks_last() {
        let c = course(&settings("relu", 0, 1e30), &[0, 7]);
        assert!(c.diverged.is_some_and(|step| step > 0 && step < 7), "{c:?}");
        assert_eq!(c.final_loss(), f64::INFINITY);
        assert_eq!(c.probes.len(), 1);
    }

    /// The first update makes weights infinite that only the step after the last would have met.
    #[test]
    fn a_run_that_its_last_update_ruins_has_diverged() {
        let s = settings("relu", 0, 1e38);
        let data = load_data(&s).unwrap();
        let run = |probes: &[u64]| train(&s, &data, 1, probes, &Interrupt::default()).unwrap();
        assert_eq!(run(&[0]).diverged, None);
        assert_eq!(run(&[0, 1]).diverged, Some(1));
    }

    /// What is missing may not make a run look better than one that went on.
    #[test]
    fn a_run_that_diverged_has_infinite_predictors() {
        let course = |probes, diverged| Course { losses: vec![], diverged, probes };
        let read = |rows: &[LayerRow]| Some(rows.len() as f64);
        let probe = || vec![Probe { step: 0, rows: vec![] }];
        assert_eq!(course(vec![], Some(0)).at_start(read), Some(f64::INFINITY));
        assert_eq!(course(probe(), Some(3)).at_start(read), Some(0.0));
        assert_eq!(course(probe(), Some(3)).mean_over_probes(read), Some(f64::INFINITY));
        assert_eq!(course(probe(), None).mean_over_probes(read), Some(0.0));
        assert_eq!(course(vec![], None).at_start(read), None);
        assert_eq!(course(probe(), None).at_start(|_| None), None);
    }

    #[test]
    fn the_final_loss_is_that_of_the_last_tenth() {
        let of = |n: u32| {
            let losses = (0..n).map(f64::from).collect();
            Course { losses, diverged: None, probes: vec![] }.final_loss()
        };
        assert_eq!([of(1), of(10), of(11), of(40)], [0.0, 9.0, 9.5, 37.5]);
        assert_eq!(of(0), f64::INFINITY);
    }
}
