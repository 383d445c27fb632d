//! The layers with weights on a tape, and the activation that each feeds.

use autograd::{Scalar, Tape, Var};

use super::function::ActivationNode;

/// An activation and where it stands.
#[derive(Debug)]
pub(super) struct ActivationSite<'t, S: Scalar> {
    pub(super) node: ActivationNode,
    /// z, its input.
    pub(super) input: Var<'t, S>,
    /// Its own node.
    pub(super) output: Var<'t, S>,
}

/// A layer with weights.
#[derive(Debug)]
pub(super) struct Site<'t, S: Scalar> {
    /// The node of the convolution or matrix product; its second input is the weight.
    pub(super) weight_op: Var<'t, S>,
    /// Where its output is looked at: the activation's input, else its own output with the bias.
    pub(super) z: Var<'t, S>,
    pub(super) activation: Option<ActivationSite<'t, S>>,
    /// Whether the output goes into a batch normalization with the batch's statistics.
    pub(super) is_batch_normalized: bool,
}

/// Whether a node is a linear map by weights.
pub(super) fn has_weights<S: Scalar>(var: Var<'_, S>) -> bool {
    matches!(var.op_name(), "conv2d" | "matmul") && var.inputs().get(1).is_some_and(|w| w.is_leaf())
}

/// All sites up to `output`, oldest first.
pub(super) fn find<'t, S: Scalar>(tape: &'t Tape<S>, output: Var<'t, S>) -> Vec<Site<'t, S>> {
    let nodes: Vec<Var<'t, S>> = tape.vars().take(output.id().index() + 1).collect();
    let mut claimed: Vec<Option<ActivationSite<'t, S>>> = nodes.iter().map(|_| None).collect();
    for &var in &nodes {
        if let Some(node) = ActivationNode::of(var) {
            let input = var.inputs()[0];
            if let Some(producer) = producer(input) {
                // The first activation that a layer reaches is its own.
                claimed[producer.id().index()].get_or_insert(ActivationSite { node, input, output: var });
            }
        }
    }
    let site = |&weight_op: &Var<'t, S>| {
        let activation = claimed[weight_op.id().index()].take();
        let output = with_bias(&nodes, weight_op);
        let is_consumer = |v: &Var<'t, S>| v.op_name() == "batch_norm" && v.inputs()[0].id() == output.id();
        let is_batch_normalized = nodes[output.id().index()..].iter().any(is_consumer);
        let z = activation.as_ref().map_or(output, |a| a.input);
        Site { weight_op, z, activation, is_batch_normalized }
    };
    nodes.iter().filter(|v| has_weights(**v)).map(site).collect()
}

/// The layer whose output reaches `z` through normalizations and the first operand of sums: in a residual block
/// the convolution of the branch, not of the shortcut.
fn producer<S: Scalar>(z: Var<'_, S>) -> Option<Var<'_, S>> {
    let mut at = z;
    loop {
        if has_weights(at) {
            return Some(at);
        }
        match at.op_name() {
            "batch_norm" | "batch_norm_inference" | "stochastic_depth" | "add" | "reshape" => {
                at = at.inputs()[0];
            }
            _ => return None,
        }
    }
}

/// The sum of a layer's output and its bias, if that is the next node, else the output.
fn with_bias<'t, S: Scalar>(nodes: &[Var<'t, S>], weight_op: Var<'t, S>) -> Var<'t, S> {
    let is_biased = |v: &&Var<'t, S>| {
        let (of, bias) = match v.inputs().as_slice() {
            &[of, bias] => (of, bias),
            _ => return false,
        };
        v.op_name() == "add" && of.id() == weight_op.id() && bias.is_leaf() && bias.shape() != v.shape()
    };
    nodes[weight_op.id().index()..].iter().find(is_biased).copied().unwrap_or(weight_op)
}
