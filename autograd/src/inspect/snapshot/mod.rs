//! A tape as plain data: what every export shows.

mod json;
mod number;
mod summary;
#[cfg(test)]
mod tests;

pub use number::Number;
pub use summary::{ELEMENTS, Summary};

use std::collections::HashSet;
use std::fmt::Display;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::gradients::Gradients;
use crate::inspect::Statistics;
use crate::ops::activation::ACTIVATIONS;
use crate::ops::{GRADIENT_OPS, OPS};
use crate::scalar::Scalar;
use crate::tape::{Tape, Var};
use crate::tensor::Tensor;

/// The name and version of the format, see `docs/TAPE_JSON.md`. Whatever reads the format stays right as long as the
/// version is the same: fields may be added within a version, none is removed or changes its meaning.
pub const SCHEMA: &str = "anact-tape/1";

/// Everything about a tape except the large tensors themselves.
///
/// ```
/// use autograd::{Keep, Tape, Tensor, inspect::Snapshot};
///
/// let tape = Tape::<f64>::new();
/// let x = tape.variable(Tensor::vector(vec![1.0, 2.0, 3.0]));
/// let loss = (x * x).sum_all();
/// let gradients = tape.backward(loss, Keep::All)?;
/// let snapshot = Snapshot::of(&tape, Some(&gradients))?.titled("x²").with_fact("seed", 0).with_loss(loss)?;
/// assert_eq!(snapshot.nodes[1].path, "mul");
/// assert!(snapshot.to_json().contains("anact-tape/1"));
/// # Ok::<(), autograd::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// [`SCHEMA`].
    pub schema: String,
    /// What this is, in one line.
    pub title: String,
    /// What else is known of it, in reading order: model, batch, seed.
    pub facts: Vec<Fact>,
    /// The type of every number: `f32`, `f64`, `Dual<f64>`.
    pub scalar: String,
    /// The value that was differentiated.
    pub loss: Option<Loss>,
    /// Counts over the whole tape.
    pub totals: Totals,
    /// Every node in the order of recording.
    pub nodes: Vec<NodeSnapshot>,
}

/// One thing known of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What.
    pub name: String,
    /// Its value as text.
    pub value: String,
}

/// The node that was differentiated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// Its index.
    pub node: usize,
    /// Its value.
    pub value: Number,
}

/// Counts over a whole tape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Nodes.
    pub nodes: usize,
    /// Named leaves.
    pub parameter_tensors: usize,
    /// Numbers in them.
    pub parameters: u64,
    /// Bytes of all values; a buffer that several nodes share counts once.
    pub value_bytes: u64,
    /// Bytes that backward needs besides: saved buffers that are no node's value.
    pub saved_bytes: u64,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A named leaf; frozen if it needs no gradient.
    Parameter,
    /// An anonymous leaf whose gradient is wanted.
    Variable,
    /// A leaf without gradient.
    Constant,
    /// The value of an op.
    Op,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeSnapshot {
    /// Its position on the tape.
    pub index: usize,
    /// Its stable name, see [`Tape::paths`].
    pub path: String,
    /// The scope in which it was recorded.
    pub scope: String,
    /// What it is.
    pub kind: Kind,
    /// The op's registered name, or `leaf`.
    pub op: String,
    /// The op with its settings, or `leaf`.
    pub settings: String,
    /// The op's formula, if known.
    pub formula: Option<String>,
    /// Indices of the nodes it was computed from.
    pub inputs: Vec<usize>,
    /// Axis lengths of its value.
    pub shape: Vec<usize>,
    /// Whether a gradient can flow to it.
    pub needs_gradient: bool,
    /// Bytes of its value, 0 if it was freed.
    pub bytes: u64,
    /// What its op saved for backward.
    pub saved: Vec<Saved>,
    /// Its value, unless a backward pass has freed it.
    pub value: Option<Summary>,
    /// Its gradient, if there is one: the sum over all uses of the value.
    pub gradient: Option<Summary>,
    /// For each input, what this node's op sent back to it, if that was kept: the contribution of this one use.
    #[serde(default)]
    pub contributions: Vec<Option<EdgeSummary>>,
}

/// The gradient that one use of a value sends back to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EdgeSummary {
    /// Its mean.
    pub mean: Option<Number>,
    /// E\[(x − E\[x\])²\].
    pub variance: Option<Number>,
    /// E\[x²\].
    pub second_moment: Option<Number>,
}

impl EdgeSummary {
    fn of<S: Scalar>(edge: &Tensor<S>) -> Self {
        let s = Statistics::of(edge);
        Self {
            mean: s.mean().map(Number),
            variance: s.variance().map(Number),
            second_moment: s.second_moment().map(Number),
        }
    }
}

/// A tensor that an op saved for backward.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// Axis lengths.
    pub shape: Vec<usize>,
    /// Bytes.
    pub bytes: u64,
    /// Whether some node's value is the same buffer, so that keeping it costs nothing.
    pub shared: bool,
    /// The elements in row-major order, if there are at most [`ELEMENTS`].
    pub elements: Option<Vec<Number>>,
}

impl Snapshot {
    /// What is on `tape`, and the gradients that were kept. Formulas are those of the registries of this crate.
    ///
    /// # Errors
    /// The gradients are another tape's.
    pub fn of<S: Scalar>(tape: &Tape<S>, gradients: Option<&Gradients<S>>) -> Result<Self> {
        if let Some(gradients) = gradients {
            gradients.check_tape(tape)?;
        }
        let vars: Vec<Var<'_, S>> = tape.vars().collect();
        let paths = tape.paths();
        let mut buffers = Buffers::default();
        let held = || vars.iter().filter(|v| !v.is_released());
        let value_bytes = held().map(|v| buffers.add(&v.value())).sum();
        let values = buffers.clone();
        let saved_bytes = held().flat_map(|v| v.saved()).map(|t| buffers.add(&t)).sum();
        let nodes: Vec<NodeSnapshot> = vars
            .iter()
            .zip(paths)
            .map(|(&var, path)| {
                let gradient = gradients.and_then(|g| g.wrt(var).ok());
                let edge = |at| Some(EdgeSummary::of(&gradients?.edge_gradient(var, at).ok()?));
                let contributions = (0..var.inputs().len()).map(edge).collect();
                NodeSnapshot { contributions, ..node(var, path, gradient.as_ref(), &values) }
            })
            .collect();
        let parameters = || nodes.iter().filter(|n| n.kind == Kind::Parameter);
        let totals = Totals {
            nodes: nodes.len(),
            parameter_tensors: parameters().count(),
            parameters: parameters().filter_map(|n| n.value.as_ref()).map(|v| v.count).sum(),
            value_bytes,
            saved_bytes,
        };
        Ok(Self {
            schema: SCHEMA.into(),
            title: "Tape".into(),
            facts: Vec::new(),
            scalar: short_type_name(std::any::type_name::<S>()),
            loss: None,
            totals,
            nodes,
        })
    }

    /// With this title.
    #[must_use]
    pub fn titled(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }

    /// With one more thing that is known.
    #[must_use]
    pub fn with_fact(mut self, name: impl Into<String>, value: impl Display) -> Self {
        self.facts.push(Fact { name: name.into(), value: format!("{value}") });
        self
    }

    /// Says which value was differentiated.
    ///
    /// # Errors
    /// It is not a single number, is no node of this snapshot, or its value was freed before.
    pub fn with_loss<S: Scalar>(mut self, loss: Var<'_, S>) -> Result<Self> {
        let node = self.nodes.get(loss.id().index()).filter(|n| n.path == loss.path());
        let node = node.ok_or(Error::ForeignVar { op: "snapshot" })?;
        let elements = node.value.as_ref().ok_or(Error::Released)?.elements.as_deref();
        let Some(&[value]) = elements else { return Err(Error::NotScalar { shape: loss.shape() }) };
        self.loss = Some(Loss { node: node.index, value });
        Ok(self)
    }

    /// Asks `formula` for those of ops that the registries do not know, by the op's name and its settings. So a crate
    /// that adds ops gives theirs.
    #[must_use]
    pub fn with_formulas(mut self, formula: impl Fn(&str, &str) -> Option<String>) -> Self {
        for node in self.nodes.iter_mut().filter(|n| n.kind == Kind::Op && n.formula.is_none()) {
            node.formula = formula(&node.op, &node.settings);
        }
        self
    }

    /// The nodes that take each node as an input, each once.
    pub fn consumers(&self) -> Vec<Vec<usize>> {
        let mut consumers = vec![Vec::new(); self.nodes.len()];
        for node in &self.nodes {
            for &input in &node.inputs {
                let list: &mut Vec<usize> = &mut consumers[input];
                if list.last() != Some(&node.index) {
                    list.push(node.index);
                }
            }
        }
        consumers
    }
}

fn node<S: Scalar>(
    var: Var<'_, S>,
    path: String,
    gradient: Option<&Tensor<S>>,
    values: &Buffers,
) -> NodeSnapshot {
    let (is_held, op) = (!var.is_released(), var.op_name());
    let value = is_held.then(|| var.value());
    let kind = match var.name() {
        _ if !var.is_leaf() => Kind::Op,
        Some(_) => Kind::Parameter,
        None if var.needs_gradient() => Kind::Variable,
        None => Kind::Constant,
    };
    let saved = |t: &Tensor<S>| Saved {
        shape: t.dims().to_vec(),
        bytes: t.bytes() as u64,
        shared: values.have(t),
        elements: summary::elements(t),
    };
    NodeSnapshot {
        index: var.id().index(),
        path,
        scope: var.scope(),
        kind,
        op: op.into(),
        settings: var.op_text(),
        formula: formula(op).map(str::to_string),
        inputs: var.inputs().iter().map(|i| i.id().index()).collect(),
        shape: var.shape().dims().to_vec(),
        needs_gradient: var.needs_gradient(),
        bytes: value.as_ref().map_or(0, |v| v.bytes() as u64),
        saved: if is_held { var.saved().iter().map(saved).collect() } else { Vec::new() },
        value: value.as_ref().map(Summary::of),
        gradient: gradient.map(Summary::of),
        contributions: Vec::new(),
    }
}

fn formula(op: &str) -> Option<&'static str> {
    let ops = OPS.iter().chain(GRADIENT_OPS).map(|o| (o.name, o.formula));
    let mut all = ops.chain(ACTIVATIONS.iter().map(|a| (a.name, a.formula)));
    all.find(|(name, _)| *name == op).map(|(_, formula)| formula)
}

/// The buffers seen so far, by address. Empty ones have none of their own and cost nothing.
#[derive(Debug, Clone, Default)]
struct Buffers(HashSet<usize>);

impl Buffers {
    /// The bytes of a buffer not seen before, else 0.
    fn add<S: Scalar>(&mut self, tensor: &Tensor<S>) -> u64 {
        if tensor.is_empty() || !self.0.insert(tensor.address()) { 0 } else { tensor.bytes() as u64 }
    }

    fn have<S: Scalar>(&self, tensor: &Tensor<S>) -> bool {
        !tensor.is_empty() && self.0.contains(&tensor.address())
    }
}

/// `a::b::Dual<f64>` → `Dual<f64>`.
fn short_type_name(name: &str) -> String {
    let parts = name.split('<').map(|part| part.rsplit("::").next().unwrap_or(part));
    parts.collect::<Vec<_>>().join("<")
}
