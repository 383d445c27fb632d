//! The tape: one append-only list of nodes, and the `Copy` handles into it.
//!
//! Insertion order is topological order, so backward is one reverse loop and nothing recurses over the graph.
//! A tape belongs to one step and is dropped whole. No reference into it is ever handed out: values are
//! reference-counted tensors, and accessors clone the handle.

use std::cell::{Cell, Ref, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Debug};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use smallvec::SmallVec;

use crate::checkpoint::Checkpoints;
use crate::error::{Error, Result};
use crate::inspect::Timing;
use crate::node::{Held, Node};
use crate::op::Op;
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// A node's position on its tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    /// The node at `index`.
    pub(crate) fn at(index: usize) -> Self {
        Self(u32::try_from(index).expect("a tape holds fewer than 2^32 nodes"))
    }

    /// The position as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The record of one computation.
#[derive(Debug)]
pub struct Tape<S> {
    /// Different from that of every other tape, wherever either is moved.
    pub(crate) id: u64,
    // The only interior mutability of the engine besides the pool of large arrays and the counter of tapes.
    pub(crate) nodes: RefCell<Vec<Node<S>>>,
    pub(crate) names: RefCell<BTreeMap<Arc<str>, NodeId>>,
    /// The names by position. Few nodes have one, so it is not a field of all of them.
    named: RefCell<HashMap<u32, Arc<str>>>,
    scopes: RefCell<Scopes>,
    /// Whether a backward pass has freed any value, so that nobody has to look through all nodes for one.
    pub(crate) has_released: Cell<bool>,
    /// Only of a tape that is to measure it.
    pub(crate) timing: Option<RefCell<Timing>>,
    pub(crate) checkpoints: Checkpoints,
}

#[derive(Debug)]
struct Scopes {
    /// Every path ever entered; the first is the root, the empty path.
    paths: Vec<String>,
    /// The open scopes, innermost last, as indices into `paths`.
    open: Vec<u32>,
}

impl<S: Scalar> Default for Tape<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Scalar> Tape<S> {
    /// An empty tape.
    pub fn new() -> Self {
        // Ids are compared and do nothing else, so their order, which threads may change, is in no result.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            nodes: RefCell::new(Vec::new()),
            names: RefCell::new(BTreeMap::new()),
            named: RefCell::new(HashMap::new()),
            scopes: RefCell::new(Scopes { paths: vec![String::new()], open: vec![0] }),
            has_released: Cell::new(false),
            timing: None,
            checkpoints: Checkpoints::default(),
        }
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.borrow().len()
    }

    /// Whether nothing was recorded yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A value that needs no gradient.
    pub fn constant(&self, value: Tensor<S>) -> Var<'_, S> {
        self.leaf(value, false)
    }

    /// A value whose gradient is wanted.
    pub fn variable(&self, value: Tensor<S>) -> Var<'_, S> {
        self.leaf(value, true)
    }

    /// A named value whose gradient is wanted; its full name is the open scope's path and `name`.
    ///
    /// Asked again for the same name with the same tensor, it answers with the same node, so that a parameter
    /// used twice has one gradient: the sum.
    ///
    /// # Errors
    /// The name is taken by another tensor.
    pub fn parameter(&self, name: &str, value: &Tensor<S>) -> Result<Var<'_, S>> {
        self.named_leaf(name, value, true)
    }

    /// Records `op` applied to `inputs` and returns its value's handle.
    ///
    /// # Errors
    /// Whatever the op's forward pass refuses, and inputs of another tape.
    pub fn apply<O: Op<S>>(&self, op: O, inputs: &[Var<'_, S>]) -> Result<Var<'_, S>> {
        self.record(Box::new(op), inputs)
    }

    /// A named value that is declared to need no gradient: it is not learnt, and no backward pass misses it.
    ///
    /// # Errors
    /// The name is taken, by another tensor or by a parameter that is learnt.
    pub fn frozen(&self, name: &str, value: &Tensor<S>) -> Result<Var<'_, S>> {
        self.named_leaf(name, value, false)
    }

    /// Gives a leaf that is on the tape already a name under the open scope's path, so that [`Tape::parameter`] (of a
    /// constant: [`Tape::frozen`]) asked for that name and the leaf's tensor answers with it: a layer then computes with
    /// this leaf as its parameter.
    ///
    /// # Errors
    /// The name is taken, the leaf has one, or it is no leaf or of another tape.
    pub fn bind(&self, name: &str, leaf: Var<'_, S>) -> Result<()> {
        if !self.has(leaf) {
            return Err(Error::ForeignVar { op: "bind" });
        }
        let full = self.path_of(name);
        if !leaf.is_leaf() || leaf.name().is_some() {
            let (what, legal) = (format!("{leaf:?} was to be named {full}"), "a leaf without a name".into());
            return Err(Error::Argument { op: "bind", what, legal });
        }
        if self.names.borrow().contains_key(full.as_str()) {
            return Err(Error::DuplicateName { name: full });
        }
        let full: Arc<str> = full.into();
        self.named.borrow_mut().insert(leaf.id.0, Arc::clone(&full));
        self.names.borrow_mut().insert(full, leaf.id);
        Ok(())
    }

    /// [`Tape::apply`], compiled once and not once per op.
    fn record(&self, op: Box<dyn Op<S>>, inputs: &[Var<'_, S>]) -> Result<Var<'_, S>> {
        if !inputs.iter().all(|&v| self.has(v)) {
            return Err(Error::ForeignVar { op: op.name() });
        }
        if !self.checkpoints.is_empty() {
            inputs.iter().try_for_each(|v| self.recall_value(v.id).map(drop))?;
        }
        let (forward, needs_gradient) = {
            let nodes = self.nodes.borrow();
            let inputs = || inputs.iter().map(|v| &nodes[v.id.index()]);
            if self.has_released.get() && inputs().any(|n| n.held == Held::Released) {
                return Err(Error::Released);
            }
            let values: SmallVec<[&Tensor<S>; 3]> = inputs().map(|n| &n.value).collect();
            // An op knows no tape, so it cannot record meanwhile.
            let forward =
                self.clocked(|| op.forward(&values), |timing, took| timing.forward(op.name(), took))?;
            (forward, op.is_differentiable() && inputs().any(|n| n.needs_gradient))
        };
        Ok(self.push(Node {
            op: Some(op),
            inputs: inputs.iter().map(|v| v.id).collect(),
            value: forward.output,
            saved: forward.saved.into_boxed_slice(),
            needs_gradient,
            held: Held::All,
            scope: 0,
        }))
    }

    /// Opens the scope `name` inside the current one until the guard is dropped. Nodes and names recorded
    /// meanwhile carry its path, such as `layer1.0.conv1`.
    pub fn scope(&self, name: &str) -> Scope<'_, S> {
        let path = self.path_of(name);
        let mut scopes = self.scopes.borrow_mut();
        let index = scopes.paths.len() as u32;
        scopes.paths.push(path);
        scopes.open.push(index);
        Scope { tape: self, index }
    }

    /// Whether `var` is on this tape.
    pub(crate) fn has(&self, var: Var<'_, S>) -> bool {
        var.tape.id == self.id
    }

    /// The handle of a node of this tape.
    pub(crate) fn var(&self, id: NodeId) -> Var<'_, S> {
        Var { tape: self, id }
    }

    /// The handles of all nodes, oldest first.
    pub fn vars(&self) -> impl Iterator<Item = Var<'_, S>> {
        (0..self.len() as u32).map(|i| Var { tape: self, id: NodeId(i) })
    }

    /// The named leaves in alphabetical order.
    pub fn parameters(&self) -> Vec<(String, Var<'_, S>)> {
        self.names.borrow().iter().map(|(n, &id)| (n.to_string(), Var { tape: self, id })).collect()
    }

    /// The paths that nodes' `scope` fields point to.
    pub(crate) fn scope_paths(&self) -> Ref<'_, [String]> {
        Ref::map(self.scopes.borrow(), |s| s.paths.as_slice())
    }

    /// The names of named leaves by position.
    pub(crate) fn leaf_names(&self) -> Ref<'_, HashMap<u32, Arc<str>>> {
        self.named.borrow()
    }

    fn path_of(&self, name: &str) -> String {
        let scopes = self.scopes.borrow();
        let open = scopes.open.last().map_or("", |&i| scopes.paths[i as usize].as_str());
        if open.is_empty() { name.to_string() } else { format!("{open}.{name}") }
    }

    fn named_leaf(&self, name: &str, value: &Tensor<S>, needs_gradient: bool) -> Result<Var<'_, S>> {
        let full = self.path_of(name);
        let known = self.names.borrow().get(full.as_str()).copied();
        if let Some(id) = known {
            let node = &self.nodes.borrow()[id.index()];
            return if node.value.shares_data_with(value) && node.needs_gradient == needs_gradient {
                Ok(Var { tape: self, id })
            } else {
                Err(Error::DuplicateName { name: full })
            };
        }
        let full: Arc<str> = full.into();
        let var = self.leaf(value.clone(), needs_gradient);
        self.named.borrow_mut().insert(var.id.0, Arc::clone(&full));
        self.names.borrow_mut().insert(full, var.id);
        Ok(var)
    }

    fn leaf(&self, value: Tensor<S>, needs_gradient: bool) -> Var<'_, S> {
        self.push(Node {
            op: None,
            inputs: SmallVec::new(),
            value,
            saved: Box::default(),
            needs_gradient,
            held: Held::All,
            scope: 0,
        })
    }

    fn push(&self, mut node: Node<S>) -> Var<'_, S> {
        node.scope = self.scopes.borrow().open.last().copied().unwrap_or(0);
        let mut nodes = self.nodes.borrow_mut();
        let id = NodeId::at(nodes.len());
        nodes.push(node);
        Var { tape: self, id }
    }
}

/// Keeps a scope open; see [`Tape::scope`].
#[must_use = "the scope closes when this guard is dropped"]
#[derive(Debug)]
pub struct Scope<'t, S> {
    tape: &'t Tape<S>,
    /// Into the list of paths.
    index: u32,
}

impl<S> Drop for Scope<'_, S> {
    fn drop(&mut self) {
        // This one, wherever it is: guards may be dropped in any order.
        self.tape.scopes.borrow_mut().open.retain(|&open| open != self.index);
    }
}

/// A handle to one value on a tape.
pub struct Var<'t, S> {
    tape: &'t Tape<S>,
    id: NodeId,
}

// Derives would ask for `S: Copy` bounds where none are needed.
impl<S> Clone for Var<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Var<'_, S> {}

impl<S: Scalar> Debug for Var<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {} {}", self.id.0, self.op_name(), self.shape())
    }
}

impl<'t, S: Scalar> Var<'t, S> {
    /// The tape this value is on.
    pub fn tape(self) -> &'t Tape<S> {
        self.tape
    }

    /// The node's position.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// The value. Panics if a backward pass was told to free it, see [`Pass::releasing`](crate::Pass::releasing).
    pub fn value(self) -> Tensor<S> {
        self.tape.recall_value(self.id).unwrap_or_else(|e| panic!("{e}"));
        self.with(|n| n.held().value.clone())
    }

    /// Whether a backward pass has freed the value, or what it would be computed from once more.
    pub fn is_released(self) -> bool {
        match self.with(|n| n.held) {
            Held::All | Held::Value => false,
            Held::Nothing => !self.tape.can_recall(self.id),
            Held::Released => true,
        }
    }

    /// The value's shape.
    pub fn shape(self) -> Shape {
        self.with(|n| n.value.shape())
    }

    /// What the op saved for backward, in the order its documentation gives. Panics where [`Var::value`] does.
    pub fn saved(self) -> Vec<Tensor<S>> {
        self.tape.recall(self.id).unwrap_or_else(|e| panic!("{e}"));
        self.with(|n| n.held().saved.to_vec())
    }

    /// Whether it was given, and not computed by an op.
    pub fn is_leaf(self) -> bool {
        self.with(|n| n.op.is_none())
    }

    /// The op's registered name, or `leaf`.
    pub fn op_name(self) -> &'static str {
        self.with(Node::op_name)
    }

    /// The op with its settings, or `leaf`.
    pub fn op_text(self) -> String {
        self.with(Node::op_text)
    }

    /// Reads the op, if this node has one of the type `O`.
    pub fn op_as<O: Op<S> + Clone>(self) -> Option<O> {
        self.with(|n| {
            let op: &dyn std::any::Any = n.op.as_deref()?;
            op.downcast_ref::<O>().cloned()
        })
    }

    /// The values this node was computed from.
    pub fn inputs(self) -> Vec<Var<'t, S>> {
        self.with(|n| n.inputs.iter().map(|&id| Var { tape: self.tape, id }).collect())
    }

    /// The path of the scope in which this node was recorded.
    pub fn scope(self) -> String {
        let scopes = self.tape.scopes.borrow();
        self.with(|n| scopes.paths[n.scope as usize].clone())
    }

    /// The full name of a named leaf.
    pub fn name(self) -> Option<String> {
        self.tape.named.borrow().get(&self.id.0).map(ToString::to_string)
    }

    /// Whether a gradient can flow to this node.
    pub fn needs_gradient(self) -> bool {
        self.with(|n| n.needs_gradient)
    }

    fn with<T>(self, read: impl FnOnce(&Node<S>) -> T) -> T {
        read(&self.tape.nodes.borrow()[self.id.index()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_name_parameters_and_nodes() {
        let tape = Tape::<f64>::new();
        let w = Tensor::vector(vec![1.0]);
        let inner = {
            let _outer = tape.scope("layer1");
            let _inner = tape.scope("conv1");
            tape.parameter("weight", &w).unwrap()
        };
        assert_eq!(inner.name().as_deref(), Some("layer1.conv1.weight"));
        assert_eq!(inner.scope(), "layer1.conv1");
        assert_eq!(tape.constant(w).scope(), "");
    }

    #[test]
    fn guards_close_their_own_scope_in_any_order() {
        let tape = Tape::<f64>::new();
        let (outer, inner) = (tape.scope("a"), tape.scope("b"));
        drop(outer);
        assert_eq!(tape.constant(Tensor::scalar(1.0)).scope(), "a.b");
        drop(inner);
        assert_eq!(tape.constant(Tensor::scalar(1.0)).scope(), "");
    }

    #[test]
    fn one_name_is_one_node() {
        let tape = Tape::<f64>::new();
        let w = Tensor::vector(vec![1.0]);
        let first = tape.parameter("w", &w).unwrap();
        assert_eq!(tape.parameter("w", &w).unwrap().id(), first.id());
        let other = Tensor::vector(vec![1.0]);
        assert_eq!(tape.parameter("w", &other).unwrap_err(), Error::DuplicateName { name: "w".into() });
    }

    #[test]
    fn a_bound_leaf_is_the_parameter_of_its_name() {
        let tape = Tape::<f64>::new();
        let (x, c) = (tape.variable(Tensor::scalar(3.0)), tape.constant(Tensor::scalar(2.0)));
        tape.bind("fc.weight", x).unwrap();
        tape.bind("fc.bias", c).unwrap();
        let _scope = tape.scope("fc");
        let (weight, bias) =
            (tape.parameter("weight", &x.value()).unwrap(), tape.frozen("bias", &c.value()).unwrap());
        assert_eq!((weight.id(), bias.id(), x.name().as_deref()), (x.id(), c.id(), Some("fc.weight")));
        let gradients = tape.backward(weight * x + bias, crate::Keep::Leaves).unwrap();
        assert_eq!(gradients.named("fc.weight").unwrap().data(), [6.0]);
        let other = tape.constant(Tensor::scalar(2.0));
        assert_eq!(tape.bind("weight", other), Err(Error::DuplicateName { name: "fc.weight".into() }));
        let text = |var| tape.bind("scale", var).unwrap_err().to_string();
        assert_eq!(text(x), "bind: #0 leaf [] was to be named fc.scale; want a leaf without a name");
        assert!(text(weight * x).contains("mul"), "{}", text(weight * x));
        assert_eq!(Tape::<f64>::new().bind("w", other), Err(Error::ForeignVar { op: "bind" }));
    }

    #[test]
    fn a_value_of_another_tape_is_refused() {
        let (a, b) = (Tape::<f64>::new(), Tape::<f64>::new());
        let x = a.variable(Tensor::scalar(1.0));
        let text = b.apply(crate::ops::Add, &[x, x]).unwrap_err().to_string();
        assert!(text.starts_with("add: a value of another tape"), "{text}");
    }
}
