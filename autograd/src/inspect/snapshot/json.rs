//! The JSON form of a snapshot.

use super::{SCHEMA, Snapshot};
use crate::error::{Error, Result};

impl Snapshot {
    /// JSON by the schema of `docs/TAPE_JSON.md`: one line for what is known of the whole, then one per node.
    pub fn to_json(&self) -> String {
        let whole = Self { nodes: Vec::new(), ..self.clone() };
        let text = |value: serde_json::Result<String>| value.expect("plain data with text keys have JSON");
        let head = text(serde_json::to_string(&whole));
        let nodes: Vec<String> = self.nodes.iter().map(|n| text(serde_json::to_string(n))).collect();
        let open = head.strip_suffix("]}").expect("the list of nodes is the last field");
        format!("{open}\n{}\n]}}\n", nodes.join(",\n"))
    }

    /// Reads [`Snapshot::to_json`]'s text.
    ///
    /// # Errors
    /// It is no JSON, of another version of the schema, or names nodes that it does not have.
    pub fn from_json(text: &str) -> Result<Self> {
        let refuse = |what: String| Error::Argument {
            op: "snapshot",
            what,
            legal: format!("a text written by `Snapshot::to_json` under the schema {SCHEMA}"),
        };
        let snapshot: Self = serde_json::from_str(text).map_err(|e| refuse(e.to_string()))?;
        if snapshot.schema != SCHEMA {
            return Err(refuse(format!("the schema is `{}`", snapshot.schema)));
        }
        for (at, node) in snapshot.nodes.iter().enumerate() {
            if node.index != at || node.inputs.iter().any(|&i| i >= at) {
                return Err(refuse(format!(
                    "node {at} has index {} and inputs {:?}",
                    node.index, node.inputs
                )));
            }
        }
        if let Some(loss) = snapshot.loss.as_ref().filter(|l| l.node >= snapshot.nodes.len()) {
            return Err(refuse(format!("the loss is node {} of {}", loss.node, snapshot.nodes.len())));
        }
        Ok(snapshot)
    }
}
