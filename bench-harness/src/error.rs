//! What the command can fail with, and the exit code each failure has.

use std::path::PathBuf;

use autograd::inspect::Anomaly;
use datasets::download::DownloadError;

use crate::record::RecordError;

/// The result of anything the command does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The exit code of what stopped and can go on, `EX_TEMPFAIL` of `sysexits.h`.
pub(crate) const UNFINISHED: u8 = 75;

/// The exit code of what Ctrl-C ended, as shells have it: 128 and the number of SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

/// A failure, with its message for the terminal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine, a layer or a setting.
    #[error(transparent)]
    Engine(#[from] autograd::Error),
    /// A data set.
    #[error(transparent)]
    Data(#[from] datasets::Error),
    /// A download.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// A run folder.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A setting that no component checks itself.
    #[error("{setting} is {value}; want {legal}")]
    Setting {
        /// The option's name.
        setting: &'static str,
        /// What was given.
        value: String,
        /// What would have been right.
        legal: String,
    },
    /// A configuration or reference file that cannot be read.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what would have been right.
        problem: String,
    },
    /// The loss became infinite or NaN.
    #[error(
        "the loss is {loss} in epoch {epoch}, step {step}; a smaller --lr, a warm-up or another initialisation may help{}",
        anomaly.as_ref().map(|a| format!("\n{a}")).unwrap_or_default()
    )]
    Diverged {
        /// The loss.
        loss: f32,
        /// Counted from 1.
        epoch: u64,
        /// Step within the epoch, counted from 1.
        step: usize,
        /// Where numbers stopped being finite.
        anomaly: Option<Box<Anomaly>>,
    },
    /// Gradients became infinite or NaN behind a finite loss.
    #[error(
        "in epoch {epoch}, step {step} {problem}; a smaller --lr or a warm-up may help, and --find-anomalies says where it begins"
    )]
    GradientsNotFinite {
        /// Counted from 1.
        epoch: u64,
        /// Step within the epoch, counted from 1.
        step: usize,
        /// What is not finite.
        problem: String,
    },
    /// A step with a finite loss led to weights that are not.
    #[error(
        "after step {step} {name} is not finite, so no checkpoint is written; the one before stands; a smaller --lr, a warm-up or \
         clipping may help"
    )]
    WeightsNotFinite {
        /// Steps taken.
        step: u64,
        /// The first such parameter.
        name: String,
    },
    /// Runs of several seeds whose layers cannot be averaged.
    #[error(
        "seed {seed} has {found} where seed {first} has {expected}; means over seeds want the same layers"
    )]
    LayersDiffer {
        /// The seed compared with.
        first: u64,
        /// Its layer.
        expected: String,
        /// The seed that differs.
        seed: u64,
        /// Its layer.
        found: String,
    },
    /// A check found errors.
    #[error("{0}")]
    CheckFailed(String),
    /// The user asked to stop.
    #[error("interrupted; what was finished is recorded")]
    Interrupted,
    /// The user asked to stop a run that can be resumed.
    #[error("stopped after step {step}, with a checkpoint; to go on: anact train --resume {}", run.display())]
    Paused {
        /// Steps taken.
        step: u64,
        /// The run's folder.
        run: PathBuf,
    },
    /// Some of the work is done, and the same command goes on with it.
    #[error("{0}")]
    Unfinished(String),
}

impl Error {
    /// Whether numbers that are not finite ended the run: it would end there again.
    pub fn is_divergence(&self) -> bool {
        matches!(
            self,
            Self::Diverged { .. } | Self::GradientsNotFinite { .. } | Self::WeightsNotFinite { .. }
        )
    }

    /// 1: a run, check or download failed; 2: a setting, name or file was wrong; 75: not finished yet, with a checkpoint or with runs left, or
    /// busy in another process; 130: stopped at once by a signal.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Download(DownloadError::Interrupted { .. }) => INTERRUPTED,
            // Where the part is gone or changed, the same command begins again, as it goes on after a failure.
            Self::Download(
                DownloadError::Failed { .. } | DownloadError::Gone { .. } | DownloadError::Changed { .. },
            ) => 1,
            // Nothing is wrong with what was asked for, only with the moment.
            Self::Download(DownloadError::InUse { .. }) | Self::Record(RecordError::InUse { .. }) => {
                UNFINISHED
            }
            Self::Diverged { .. }
            | Self::GradientsNotFinite { .. }
            | Self::WeightsNotFinite { .. }
            | Self::LayersDiffer { .. }
            | Self::CheckFailed(_) => 1,
            Self::Engine(_)
            | Self::Data(_)
            | Self::Download(_)
            | Self::Record(_)
            | Self::Setting { .. }
            | Self::File { .. } => 2,
            Self::Paused { .. } | Self::Unfinished(_) => UNFINISHED,
            Self::Interrupted => INTERRUPTED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the help says of exit codes: 2 is for what must be put right first.
    #[test]
    fn a_download_that_may_be_called_again_is_no_wrong_setting() {
        let part = || PathBuf::from("file.part");
        let code = |error: DownloadError| Error::from(error).exit_code();
        assert_eq!(code(DownloadError::Gone { part: part() }), 1);
        assert_eq!(code(DownloadError::Changed { part: part(), known: 1, found: 2 }), 1);
        assert_eq!(code(DownloadError::InUse { part: part() }), UNFINISHED);
        assert_eq!(code(DownloadError::Interrupted { part: part(), have: 1 }), INTERRUPTED);
        assert_eq!(code(DownloadError::DiskFull { part: part(), have: 1 }), 2);
    }
}
