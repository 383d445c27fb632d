//! What a backward pass returns.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::inspect::Memory;
use crate::pass::{Keep, Pass};
use crate::scalar::Scalar;
use crate::tape::{NodeId, Tape, Var};
use crate::tensor::Tensor;

/// The gradients of one backward pass.
#[derive(Debug)]
pub struct Gradients<S> {
    pub(crate) nodes: HashMap<NodeId, Tensor<S>>,
    /// Contributions by consumer and position.
    pub(crate) edges: HashMap<(NodeId, usize), Tensor<S>>,
    pub(crate) names: BTreeMap<Arc<str>, NodeId>,
    pub(crate) keep: Keep,
    pub(crate) memory: Option<Memory>,
    /// The tape's id, to tell its values from another tape's.
    pub(crate) tape: u64,
}

/// The gradient of `output` by each of `inputs`, leaves of its tape: 0 for one on no path to it, and for all if it is a
/// constant.
pub(crate) fn gradients_of<S: Scalar>(
    pass: Pass<'_, S>,
    output: Var<'_, S>,
    inputs: &[Var<'_, S>],
) -> Result<Vec<Tensor<S>>> {
    if !output.needs_gradient() {
        return Ok(inputs.iter().map(|x| Tensor::zeros(x.shape())).collect());
    }
    Ok(output.tape().run(pass.allowing_missing(), output)?.of_inputs(inputs))
}

impl<S: Scalar> Gradients<S> {
    /// ∂L/∂var, the sum over all uses of `var`.
    ///
    /// # Errors
    /// There is none: the value is a constant, is on no path to L, was not kept, or is of another tape.
    pub fn wrt(&self, var: Var<'_, S>) -> Result<Tensor<S>> {
        self.check_tape(var.tape())?;
        if let Some(g) = self.nodes.get(&var.id()) {
            return Ok(g.clone());
        }
        let reason = if !var.needs_gradient() {
            "it is a constant, or computed from constants only"
        } else {
            match self.keep {
                Keep::Leaves if !var.is_leaf() => {
                    "gradients of intermediate values were not kept; ask for Keep::Watched or Keep::All"
                }
                Keep::Watched if !var.is_leaf() => {
                    "it is on no path to the value that was differentiated, or was not watched; watch it, or ask for Keep::All"
                }
                _ => "no path leads from it to the value that was differentiated",
            }
        };
        Err(Error::NoGradient { name: var.name().unwrap_or_else(|| format!("{var:?}")), reason })
    }

    /// What the op of `consumer` sent back to its input at `position`: the contribution of this one use. The
    /// contributions of all uses of a value add up to its gradient.
    ///
    /// # Errors
    /// There is none: no such input, one that needs no gradient or was not watched, or a consumer that no gradient
    /// reached.
    pub fn edge_gradient(&self, consumer: Var<'_, S>, position: usize) -> Result<Tensor<S>> {
        self.check_tape(consumer.tape())?;
        if let Some(g) = self.edges.get(&(consumer.id(), position)) {
            return Ok(g.clone());
        }
        let reason = match consumer.inputs().get(position) {
            None => "the consumer has no input at this position",
            Some(input) if !input.needs_gradient() => "the input needs no gradient",
            Some(_) if self.keep == Keep::Leaves => {
                "contributions were not kept; watch the input and ask for Keep::Watched, or for Keep::All"
            }
            Some(_) => "the input was not watched, or no gradient reached the consumer",
        };
        Err(Error::NoGradient { name: format!("input {position} of {consumer:?}"), reason })
    }

    /// The gradient of the named leaf.
    ///
    /// # Errors
    /// No leaf has this name, or it is frozen or on no path to L.
    pub fn named(&self, name: &str) -> Result<&Tensor<S>> {
        let none = |reason| Error::NoGradient { name: name.to_string(), reason };
        let id =
            self.names.get(name).ok_or_else(|| none("no parameter of this name was used on the tape"))?;
        self.nodes
            .get(id)
            .ok_or_else(|| none("it is frozen, or on no path to the value that was differentiated"))
    }

    /// Gradients that were computed elsewhere, such as sums over several passes, under the names of parameters. They belong
    /// to no tape: only [`named`](Self::named) finds them.
    pub fn of_named(named: BTreeMap<Arc<str>, Tensor<S>>) -> Self {
        let mut gradients = Self {
            nodes: HashMap::new(),
            edges: HashMap::new(),
            names: BTreeMap::new(),
            keep: Keep::Leaves,
            memory: None,
            // That of no other tape.
            tape: Tape::<S>::new().id,
        };
        for (index, (name, gradient)) in named.into_iter().enumerate() {
            gradients.names.insert(name, NodeId::at(index));
            gradients.nodes.insert(NodeId::at(index), gradient);
        }
        gradients
    }

    /// The gradients of all named leaves that have one, by name.
    pub fn into_named(self) -> BTreeMap<Arc<str>, Tensor<S>> {
        let Self { names, nodes, .. } = self;
        names.into_iter().filter_map(|(name, id)| Some((name, nodes.get(&id)?.clone()))).collect()
    }

    /// ∂L/∂x for each of `inputs`: 0 for one on no path to L. They are leaves of this tape.
    pub(crate) fn of_inputs(&self, inputs: &[Var<'_, S>]) -> Vec<Tensor<S>> {
        let of =
            |x: &Var<'_, S>| self.nodes.get(&x.id()).cloned().unwrap_or_else(|| Tensor::zeros(x.shape()));
        inputs.iter().map(of).collect()
    }

    /// The bytes of every node, if the pass was told to measure them.
    pub fn memory(&self) -> Option<&Memory> {
        self.memory.as_ref()
    }

    /// Whether these are the gradients of `tape`, as an error if not.
    pub(crate) fn check_tape(&self, tape: &Tape<S>) -> Result<()> {
        if tape.id == self.tape { Ok(()) } else { Err(Error::ForeignVar { op: "gradient" }) }
    }
}
