//! The terminal's table: one row per node.

use autograd::Tape;
use autograd::inspect::{Kind, NodeSnapshot, Snapshot, Summary};

use crate::error::Result;
use crate::table::{Table, sig};

/// The nodes that `pattern` names, else the layers with weights and the loss.
///
/// # Errors
/// A pattern that names nothing; the near names are given.
pub(super) fn table(tape: &Tape<f32>, snapshot: &Snapshot, pattern: Option<&str>) -> Result<Table> {
    let nodes = &snapshot.nodes;
    let chosen: Vec<usize> = match pattern {
        Some(pattern) => tape.find(pattern)?.iter().map(|v| v.id().index()).collect(),
        None => {
            let is_loss = |i: usize| snapshot.loss.as_ref().is_some_and(|l| l.node == i);
            (0..nodes.len()).filter(|&i| is_loss(i) || has_weights(&nodes[i], nodes)).collect()
        }
    };
    let mut table = Table::new()
        .text("node")
        .text("shape")
        .number("Var[x]")
        .number("Var[∂L/∂x]")
        .number("zeros x")
        .number("∂L/∂x")
        .number("not finite");
    for node in chosen.into_iter().map(|i| &nodes[i]) {
        let shape: Vec<String> = node.shape.iter().map(ToString::to_string).collect();
        let gradient = node.gradient.as_ref();
        let non_finite: u64 = [&node.value, &node.gradient].into_iter().flatten().map(|s| s.non_finite).sum();
        table.row([
            node.path.clone(),
            shape.join("×"),
            node.value.as_ref().map_or_else(none, variance),
            gradient.map_or_else(none, variance),
            node.value.as_ref().map_or_else(none, zeros),
            gradient.map_or_else(none, zeros),
            non_finite.to_string(),
        ]);
    }
    Ok(table)
}

fn has_weights(node: &NodeSnapshot, nodes: &[NodeSnapshot]) -> bool {
    node.inputs.iter().any(|&i| nodes[i].kind == Kind::Parameter && nodes[i].shape.len() > 1)
}

fn none() -> String {
    "·".into()
}

fn variance(summary: &Summary) -> String {
    summary.variance.map_or_else(none, |v| sig(v.0, 3))
}

/// The share of zeros.
fn zeros(summary: &Summary) -> String {
    match summary.count {
        0 => none(),
        count => format!("{:.1} %", 100.0 * summary.zeros as f64 / count as f64),
    }
}
