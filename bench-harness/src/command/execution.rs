//! Options that say how a network is carried out.

use clap::Args;
use layers::Execution;

/// How steps are carried out; without options as fast as possible.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct ExecutionOptions {
    /// Convolutions by their definition's sums only
    #[arg(long)]
    exact: bool,
    /// Normalization, shortcut and activation as ops of their own
    #[arg(long)]
    unfused: bool,
    /// Residual blocks keep their input only and are computed once more on the way back
    #[arg(long)]
    checkpoint_blocks: bool,
}

impl ExecutionOptions {
    pub(super) fn execution(self) -> Execution {
        Execution { exact: self.exact, fused: !self.unfused, checkpoint_blocks: self.checkpoint_blocks }
    }
}
