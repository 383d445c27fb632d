//! `anact check`.

mod campaign;
mod gradients;
mod reference;

use std::path::PathBuf;

use autograd::check::DUAL_TOLERANCE;
use clap::Args;
use serde_json::{Map, Value};

use super::output::Output;
use crate::error::Result;

/// What errors are relative to, and what is allowed.
fn legend() -> String {
    format!(
        "Dual numbers: relative to the gradient's largest entry, at most {DUAL_TOLERANCE:e}.\n\
         Finite differences: share of the allowed 1e-8 + 1e-6·size (1e-11 for bilinear ops), at most 1.\n\
         H, second derivatives by dual numbers through the backward pass: their asymmetry, relative to the largest entry \
         of H·v and the gradient, at most {DUAL_TOLERANCE:e}; and differences of gradients, as above.\n\
         f32: relative to the largest entry."
    )
}

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
    #[command(flatten)]
    random: campaign::Options,
    #[command(flatten)]
    printed: Output,
}

impl Check {
    pub(super) fn run(self) -> Result<()> {
        if let Some(graphs) = self.random.campaign {
            return self.random.run(graphs, self.printed);
        }
        if self.node.is_none() && self.moments.is_none() {
            return gradients::run(self.op.as_deref(), self.printed);
        }
        // Both files are compared even if the first one fails.
        let node = self.node.as_deref().map(|path| ("node", reference::node(path)));
        let moments = self.moments.as_deref().map(|path| ("moments", reference::moments(path)));
        let mut object = Map::new();
        let (mut texts, mut verdict) = (Vec::new(), Ok(()));
        for (name, compared) in node.into_iter().chain(moments) {
            let failed = compared.and_then(|compared| {
                texts.push(compared.text());
                object.insert(name.into(), compared.json());
                compared.verdict()
            });
            // The first failure is the one that is reported.
            verdict = verdict.and(failed);
        }
        if !object.is_empty() {
            self.printed.result(&Value::Object(object), || texts.join("\n"));
        }
        verdict
    }
}
