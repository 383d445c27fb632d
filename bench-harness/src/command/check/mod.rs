//! `anact check`.

mod gradients;
mod reference;

use std::path::PathBuf;

use clap::Args;

use crate::error::Result;

/// Arguments of `anact check`. Without any, every registered op is checked.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Only the op or activation of this name
    #[arg(long, conflicts_with_all = ["node", "moments"])]
    op: Option<String>,
    /// Compare the normalized node with the values and gradients in this JSON file
    #[arg(long, value_name = "FILE")]
    node: Option<PathBuf>,
    /// Compare E[f], E[f²], E[f′²] and λ of Gaussian input with the values in this JSON file
    #[arg(long, value_name = "FILE")]
    moments: Option<PathBuf>,
}

impl Check {
    pub(super) fn run(self) -> Result<()> {
        if self.node.is_none() && self.moments.is_none() {
            return gradients::run(self.op.as_deref());
        }
        // Both files are compared even if the first one fails.
        let node = self.node.as_deref().map(reference::node);
        let moments = self.moments.as_deref().map(reference::moments);
        node.into_iter().chain(moments).collect()
    }
}
