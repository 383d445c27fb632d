//! Checkpoints of a session, written and taken up again.

use std::fs;
use std::path::{Path, PathBuf};

use datasets::Dataset;
use datasets::official::hexadecimal;
use layers::weights::{Array, StoredArrays, WeightsError};
use layers::{Layer, weights};
use sha2::{Digest, Sha256};

use super::Session;
use super::training::RunSoFar;
use crate::checkpoint::{AVERAGE, Best, Checkpoints, DataIdentity, Loaded, OPTIMIZER, RunState, WEIGHTS};
use crate::error::{Error, Result};
use crate::record::{RunFolder, write_atomic};
use crate::run::card::BEST;
use crate::run::parameters::beyond_stored;
use crate::run::settings::Settings;

/// Keeps the checkpoints of one run, and its best weights.
#[derive(Debug)]
pub struct Keeping {
    run: PathBuf,
    checkpoints: Checkpoints,
}

impl Keeping {
    /// In the folder of a run, the newest `keep` checkpoints.
    pub fn new(run: &RunFolder, keep: usize) -> Self {
        let checkpoints = Checkpoints::of(run.path(), keep);
        Self { run: run.path().to_path_buf(), checkpoints }
    }

    /// The run's folder.
    pub(super) fn run(&self) -> &Path {
        &self.run
    }

    /// Writes the weights that did best so far.
    pub(super) fn write_best(&self, weights: &[u8]) -> Result<()> {
        Ok(write_atomic(self.run.join(BEST), weights)?)
    }

    /// Whether the weights that did best are still those that were written.
    pub(super) fn holds_best(&self, best: &Best) -> bool {
        fs::read(self.run.join(BEST))
            .is_ok_and(|bytes| hexadecimal(&Sha256::digest(bytes)) == best.weights_sha256)
    }

    /// Writes a checkpoint of `session` at `course`; the record has `record_bytes` bytes. The answer is what did not go as it
    /// should.
    pub(super) fn write(
        &self,
        session: &mut Session<'_>,
        course: &RunSoFar,
        record_bytes: u64,
    ) -> Result<Vec<String>> {
        let state = RunState {
            version: env!("CARGO_PKG_VERSION").into(),
            settings: session.settings.to_json(),
            data: session.identity()?,
            position: course.position,
            epochs: course.epochs.clone(),
            best: course.best.clone(),
            record_bytes,
            files: Vec::new(),
        };
        let trainer = &mut session.trainer;
        if let Some(name) = first_not_finite(trainer.model()) {
            return Err(Error::WeightsNotFinite { step: course.position.step, name });
        }
        let mut files = vec![
            (WEIGHTS, weights::to_safetensors(trainer.model())),
            (OPTIMIZER, weights::encode(&trainer.optimizer().state())),
        ];
        if let Some(average) = trainer.average() {
            files.push((AVERAGE, weights::encode(&average.state()?)));
        }
        Ok(self.checkpoints.write(state, &files)?.notes)
    }
}

/// The first parameter with a number that is infinite or NaN: a loss may be finite in the step that made it so.
fn first_not_finite(model: &mut dyn Layer<f32>) -> Option<String> {
    let parameters = weights::state(model).parameters;
    let is_finite = |array: &Array<f32>| match array {
        Array::Tensor(tensor) => tensor.data().iter().all(|x| x.is_finite()),
        Array::Values(values) => values.iter().all(|x| x.is_finite()),
        Array::Count(_) => true,
    };
    parameters.into_iter().find(|(_, array)| !is_finite(array)).map(|(name, _)| name)
}

impl<'d> Session<'d> {
    /// A session at step 0 that [`Session::run`] can put where `loaded` was written; `settings` are those of its state, but perhaps for
    /// where the data are.
    ///
    /// # Errors
    /// As [`Session::new`]; other data than the checkpoint's; weights that cannot be those of the network of these settings on these
    /// data. The last is found before the network is built: settings are a few bytes, and what they ask for may be more than there is
    /// memory for.
    pub fn resuming(settings: Settings, data: &'d Dataset, loaded: &Loaded) -> Result<Self> {
        let stored = StoredArrays::parse(file(loaded, WEIGHTS)?).map_err(|e| misfit(loaded, WEIGHTS, &e))?;
        let (input, classes) = (data.train.images().shape(), data.classes.len());
        if let Some(excess) = beyond_stored(&settings, input, classes, &stored)? {
            let problem = format!(
                "for {classes} classes and images of {input:?} the network of its settings has {excess} of {WEIGHTS}; want \
                 settings and weights of one checkpoint, and the data it was trained on, {}",
                loaded.state.data.name
            );
            return Err(Error::File { path: loaded.path.clone(), problem });
        }
        let mut session = Self::new(settings, data)?;
        session.check_data(loaded)?;
        Ok(session)
    }

    /// Refuses a checkpoint of other data.
    fn check_data(&mut self, loaded: &Loaded) -> Result<()> {
        let (then, now) = (&loaded.state.data, self.identity()?);
        if *then == now {
            return Ok(());
        }
        let how = match then.images == now.images {
            true => " of other names, in another order or with other pixels",
            false => "",
        };
        let problem = format!(
            "it was trained on {} with {:?} training, validation and test images; these are {} with {:?}{how}",
            then.name, then.images, now.name, now.images,
        );
        Err(Error::File { path: loaded.path.clone(), problem })
    }

    /// Puts the session where the checkpoint was written, and says how far that is.
    ///
    /// # Errors
    /// A checkpoint of other data, or of another network or optimiser.
    pub(super) fn restore(&mut self, loaded: &Loaded) -> Result<RunSoFar> {
        self.check_data(loaded)?;
        let arrays = |name: &str| {
            let stored = StoredArrays::parse(file(loaded, name)?).and_then(|stored| stored.arrays());
            stored.map_err(|e| misfit(loaded, name, &e))
        };
        weights::load_safetensors(self.trainer.model(), file(loaded, WEIGHTS)?)
            .map_err(|e| misfit(loaded, WEIGHTS, &e))?;
        let optimizer = arrays(OPTIMIZER)?;
        let average = self.trainer.average().map(|_| arrays(AVERAGE)).transpose()?;
        self.trainer
            .restore(loaded.state.position.step, &optimizer)
            .map_err(|e| misfit(loaded, OPTIMIZER, &e))?;
        if let Some(average) = average {
            self.trainer.restore_average(&average).map_err(|e| misfit(loaded, AVERAGE, &e))?;
        }
        let RunState { position, epochs, best, .. } = loaded.state.clone();
        Ok(RunSoFar { position, epochs, best })
    }

    /// What tells the data of this session from others. All pictures are read the first time it is asked for.
    fn identity(&mut self) -> Result<DataIdentity> {
        if let Some(known) = &self.identity {
            return Ok(known.clone());
        }
        let validation = self.validation.as_ref().map(datasets::Loader::split);
        let splits = [Some(self.train.split()), validation, Some(self.test.split())];
        let mut samples = Sha256::new();
        for class in &self.data.classes {
            samples.update((class.len() as u64).to_le_bytes());
            samples.update(class);
        }
        for split in splits.into_iter().flatten() {
            samples.update(split.sha256()?);
        }
        let normalisation = &self.train.config().normalisation;
        let (mean, deviation) = (normalisation.mean().iter(), normalisation.deviation());
        let identity = DataIdentity {
            normalisation: mean.copied().zip(deviation.iter().copied()).collect(),
            name: self.data.name.clone(),
            images: splits.map(|split| split.map_or(0, |s| s.len() as u64)),
            samples: samples.finalize().into(),
        };
        Ok(self.identity.insert(identity).clone())
    }
}

/// The bytes of a checkpoint's file.
fn file<'l>(loaded: &'l Loaded, name: &str) -> Result<&'l [u8]> {
    let missing = || Error::File { path: loaded.path.clone(), problem: format!("it holds no {name}") };
    loaded.file(name).ok_or_else(missing)
}

fn misfit(loaded: &Loaded, name: &str, error: &WeightsError) -> Error {
    Error::File { path: loaded.path.clone(), problem: format!("{name}: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::load_data;
    use crate::run::Options;

    /// A state may be another checkpoint's, and whole by its own digest.
    #[test]
    fn settings_that_ask_for_more_than_the_weights_hold_are_refused() {
        let settings = |model: &str, width, depth| {
            let (model, activation) = (Some(model.into()), Some("nswish".into()));
            let train_images = Some(24);
            Settings::of(Options { model, activation, width, depth, train_images, ..Options::default() })
                .unwrap()
        };
        let own = settings("mlp", Some(4), Some(2));
        let data = load_data(&own).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let keeping = Keeping::new(&RunFolder::create(folder.path()).unwrap(), 1);
        let mut session = Session::new(own.clone(), &data).unwrap();
        keeping.write(&mut session, &RunSoFar::default(), 0).unwrap();
        let mut loaded = keeping.checkpoints.newest().unwrap().newest.unwrap();
        Session::resuming(own, &data, &loaded).unwrap();
        let refused = |settings, loaded: &Loaded, words: &str| {
            let text = Session::resuming(settings, &data, loaded).unwrap_err().to_string();
            assert!(text.contains("step-0000000000-epoch-00000: ") && text.contains(words), "{text}");
        };
        refused(settings("cnn", Some(4), None), &loaded, "the network of its settings has at least");
        refused(settings("mlp", Some(100_000), Some(2)), &loaded, "the network of its settings has at least");
        refused(settings("mlp", Some(usize::MAX), Some(2)), &loaded, "parameters beyond counting");
        refused(settings("mlp", Some(4), Some(1 << 40)), &loaded, "depth 1099511627776, more than");
        loaded.files = vec![(WEIGHTS.into(), vec![0; 9])];
        refused(settings("mlp", Some(4), Some(2)), &loaded, "weights.safetensors: ");
        loaded.files.clear();
        refused(settings("mlp", Some(4), Some(2)), &loaded, "it holds no weights.safetensors");
    }

    #[test]
    fn the_best_weights_are_known_by_their_digest() {
        let folder = tempfile::tempdir().unwrap();
        let keeping = Keeping::new(&RunFolder::create(folder.path()).unwrap(), 1);
        let best = Best {
            epoch: 1,
            accuracy: 0.5,
            loss: 1.0,
            weights_sha256: hexadecimal(&Sha256::digest(b"weights")),
        };
        assert!(!keeping.holds_best(&best));
        keeping.write_best(b"weights").unwrap();
        assert!(keeping.holds_best(&best));
        fs::write(folder.path().join(BEST), b"Weights").unwrap();
        assert!(!keeping.holds_best(&best));
    }
}
