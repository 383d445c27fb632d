//! Checkpoints: everything a run needs to go on bit for bit, in folders that are whole or absent.
//!
//! `checkpoints/step-0000001234-epoch-00005/` in a run's folder holds
//!
//! - `weights.safetensors` ([`WEIGHTS`]): parameters and buffers under torchvision's names, for any framework;
//! - `optimizer.safetensors` ([`OPTIMIZER`]): the optimiser's moments;
//! - `average.safetensors` ([`AVERAGE`]): averaged weights, if the run keeps any;
//! - `state`: where the run stands ([`RunState`]), encoded by `codec` in an `envelope`, with the SHA-256 of the others.
//!
//! Random numbers need no state: every draw is keyed by seed, epoch, sample or step.

mod codec;
mod envelope;
mod folder;
mod state;

pub use envelope::EnvelopeError;
pub use folder::{Checkpoints, Found, Loaded, Written};
pub use state::{Best, DataIdentity, Position, RunState};

/// The file of parameters and buffers.
pub const WEIGHTS: &str = "weights.safetensors";
/// The file of the optimiser's moments.
pub const OPTIMIZER: &str = "optimizer.safetensors";
/// The file of averaged weights.
pub const AVERAGE: &str = "average.safetensors";
/// What there may be beside the state.
const FILES: [&str; 3] = [WEIGHTS, OPTIMIZER, AVERAGE];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use crate::run::{EpochMetrics, Metrics, Tally};

    use super::*;

    /// What `tests/golden/make_checkpoint.py` wrote from the description of the format.
    fn golden() -> RunState {
        let epoch =
            |epoch, train, validation: Option<(f64, f64)>, [lr, seconds, waited, images_per_s]: [f64; 4]| {
                let metrics = |(loss, accuracy)| Metrics { loss, accuracy };
                let (train, validation) = (metrics(train), validation.map(metrics));
                EpochMetrics { epoch, train, validation, lr, seconds, waited, images_per_s }
            };
        let mut tally = Tally::default();
        tally.add(0.5, 70.0, 32_000);
        RunState {
            version: "0.1.0".into(),
            settings: r#"{"model":"cnn","note":"ρ′"}"#.into(),
            data: DataIdentity {
                name: "cifar10".into(),
                images: [45_000, 5_000, 10_000],
                samples: std::array::from_fn(|i| i as u8),
                normalisation: vec![(0.5, 0.25), (-0.0, 1e300)],
            },
            position: Position { step: 300, epoch: 2, batch: 250, tally, seconds: 1.5, waited: 0.125 },
            epochs: vec![
                epoch(1, (2.25, 0.25), Some((2.0, 0.3125)), [0.1, 60.5, 0.5, 750.0]),
                epoch(2, (1.25, 0.5), None, [0.05, 61.0, 0.25, 740.0]),
            ],
            best: Some(Best { epoch: 1, accuracy: 0.3125, loss: 2.0, weights_sha256: "ab".repeat(32) }),
            record_bytes: 70_000_000_000,
            files: Vec::new(),
        }
    }

    /// A checkpoint of version 1 is read for as long as this program says that it reads version 1, and written the same.
    #[test]
    fn checkpoints_of_version_1_are_read_and_written() {
        let name = "step-0000000300-epoch-00002";
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/checkpoint").join(name);
        let read = |file: &str| fs::read(folder.join(file)).unwrap();
        let weights = read(WEIGHTS);
        let run = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(run.path(), 1);
        let written = checkpoints.write(golden(), &[(WEIGHTS, weights.clone())]).unwrap().path;
        assert_eq!(written, run.path().join("checkpoints").join(name));
        assert!(fs::read(written.join("state")).unwrap() == read("state"));

        for file in ["state", WEIGHTS] {
            fs::copy(folder.join(file), written.join(file)).unwrap();
        }
        let loaded = checkpoints.newest().unwrap().newest.unwrap();
        assert_eq!(RunState { files: Vec::new(), ..loaded.state }, golden());
        assert_eq!(loaded.files, [(WEIGHTS.to_string(), weights)]);
    }
}
