//! Checkpoints of a session, written and taken up again.

use std::fs;
use std::path::{Path, PathBuf};

use datasets::official::hexadecimal;
use layers::weights::{Array, StoredArrays};
use layers::{Layer, weights};
use sha2::{Digest, Sha256};

use super::Session;
use super::training::RunSoFar;
use crate::checkpoint::{Best, Checkpoints, DataIdentity, Loaded, RunState};
use crate::error::{Error, Result};
use crate::record::{RunFolder, write_atomic};
use crate::run::card::{BEST, LAST};

/// Names of a checkpoint's files; that of the weights is the one they have in the end, too.
const WEIGHTS: &str = LAST;
const OPTIMIZER: &str = "optimizer.safetensors";
const AVERAGE: &str = "average.safetensors";

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

impl Session<'_> {
    /// Puts the session where the checkpoint was written, and says how far that is.
    ///
    /// # Errors
    /// A checkpoint of other data, or of another network or optimiser.
    pub(super) fn restore(&mut self, loaded: &Loaded) -> Result<RunSoFar> {
        let Loaded { path, state, .. } = loaded;
        let refuse = |problem: String| Error::File { path: path.clone(), problem };
        let (then, now) = (&state.data, self.identity()?);
        if *then != now {
            return Err(refuse(format!(
                "it was trained on {} with {:?} training, validation and test images; these are {} with {:?}{}",
                then.name,
                then.images,
                now.name,
                now.images,
                if then.images == now.images {
                    " of other names, in another order or with other pixels"
                } else {
                    ""
                },
            )));
        }
        let file = |name: &str| loaded.file(name).ok_or_else(|| refuse(format!("it holds no {name}")));
        let misfit = |name: &str, error: weights::WeightsError| refuse(format!("{name}: {error}"));
        let arrays = |name: &str| {
            let stored = StoredArrays::parse(file(name)?).and_then(|stored| stored.arrays());
            stored.map_err(|error| misfit(name, error))
        };
        weights::load_safetensors(self.trainer.model(), file(WEIGHTS)?).map_err(|e| misfit(WEIGHTS, e))?;
        let optimizer = arrays(OPTIMIZER)?;
        let average = self.trainer.average().map(|_| arrays(AVERAGE)).transpose()?;
        self.trainer.restore(state.position.step, &optimizer).map_err(|e| misfit(OPTIMIZER, e))?;
        if let Some(average) = average {
            self.trainer.restore_average(&average).map_err(|e| misfit(AVERAGE, e))?;
        }
        let (position, epochs, best) = (state.position, state.epochs.clone(), state.best.clone());
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

#[cfg(test)]
mod tests {
    use super::*;

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
