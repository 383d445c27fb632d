//! Checkpoints: everything a run needs to go on bit for bit, in folders that are whole or absent.
//!
//! `checkpoints/step-0000001234-epoch-00005/` in a run's folder holds
//!
//! - `weights.safetensors`: parameters and buffers under torchvision's names, for any framework;
//! - `optimizer.safetensors`: the optimiser's moments; `average.safetensors`: averaged weights, if the run keeps any;
//! - `state`: where the run stands ([`RunState`]), encoded by `codec` in an `envelope`, with the SHA-256 of the others.
//!
//! Random numbers need no state: every draw is keyed by seed, epoch, sample or step.

mod codec;
mod envelope;
mod folder;
mod state;

pub use envelope::EnvelopeError;
pub use folder::{Checkpoints, Found, Loaded};
pub use state::{Best, DataIdentity, Position, RunState};
