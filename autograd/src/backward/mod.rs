//! Reverse accumulation: one loop over the tape from the last node to the first.

mod slots;

use std::collections::{HashMap, HashSet};

use smallvec::SmallVec;

use crate::checkpoint::Checkpoint;
use crate::error::{Error, MissingGradient, Result};
use crate::gradients::Gradients;
use crate::inspect::{self, Meter, Observer, Seen, Side, Timing};
use crate::node::{Held, Node};
use crate::op::Backward;
use crate::pass::{Keep, Look, Pass, Target};
use crate::scalar::Scalar;
use crate::tape::{NodeId, Tape, Var};
use crate::tensor::Tensor;
use slots::Slots;

impl<S: Scalar> Tape<S> {
    /// The gradients of the single number `loss`.
    ///
    /// # Errors
    /// As [`Tape::run`].
    pub fn backward(&self, loss: Var<'_, S>, keep: Keep) -> Result<Gradients<S>> {
        self.run(keep.into(), loss)
    }

    /// The gradients of ⟨cotangent, var⟩: the vector-Jacobian product.
    ///
    /// # Errors
    /// As [`Tape::run`].
    pub fn backward_from(&self, var: Var<'_, S>, cotangent: Tensor<S>, keep: Keep) -> Result<Gradients<S>> {
        self.run(Pass::new(keep).with_cotangent(cotangent), var)
    }

    /// Runs a backward pass from `start`.
    ///
    /// # Errors
    /// `start` is of another tape, depends on no variable, or is no single number and there is no cotangent of its
    /// shape; a parameter gets no gradient; a pattern names nothing; nodes are watched to no end; values were freed by an
    /// earlier pass; a number is not finite and the pass was told to find that.
    pub fn run(&self, pass: Pass<'_, S>, start: Var<'_, S>) -> Result<Gradients<S>> {
        pass.check()?;
        let cotangent = self.cotangent(&pass, start)?;
        if self.has_released.get() {
            return Err(Error::Released);
        }
        if pass.finds_anomalies
            && let Some(anomaly) = self.first_anomaly()?
        {
            return Err(Error::Anomaly(Box::new(anomaly)));
        }
        let (keep, allows_missing) = (pass.keep, pass.allows_missing);
        if !allows_missing {
            // Before anything is computed, or freed.
            let reached = self.reached_from(start.id());
            self.require_all(start, |id| reached.get(id.index()) == Some(&true))?;
        }
        let mut sweep = Sweep::new(self, pass, start.id())?;
        sweep.begin(cotangent)?;
        for at in (0..=start.id().index()).rev() {
            sweep.step(NodeId::at(at))?;
        }
        let Sweep { slots, edges, meter, .. } = sweep;
        let gradients = Gradients {
            nodes: slots.into_kept(),
            edges,
            names: self.names.borrow().clone(),
            keep,
            memory: meter.finish(),
            tape: self.id,
        };
        if !allows_missing {
            // An op may have sent nothing where something was wanted.
            self.require_all(start, |id| gradients.nodes.contains_key(&id))?;
        }
        Ok(gradients)
    }

    /// What the pass starts from.
    fn cotangent(&self, pass: &Pass<'_, S>, start: Var<'_, S>) -> Result<Tensor<S>> {
        if !self.has(start) {
            return Err(Error::ForeignVar { op: "backward" });
        }
        let shape = start.shape();
        let cotangent = match &pass.cotangent {
            Some(cotangent) if cotangent.shape() == shape => cotangent.clone(),
            Some(cotangent) => {
                return Err(Error::Shapes {
                    op: "backward",
                    left: cotangent.shape(),
                    right: shape,
                    rule: "the cotangent must have the value's shape",
                });
            }
            None if shape.len() == 1 => Tensor::full(shape, S::ONE),
            None => return Err(Error::NotScalar { shape }),
        };
        if !start.needs_gradient() {
            return Err(Error::NoGradient {
                name: format!("{start:?}"),
                reason: "it is a constant, or computed from constants only",
            });
        }
        Ok(cotangent)
    }

    /// Which nodes a gradient that starts at `start` reaches. Empty if there is no parameter to ask for.
    fn reached_from(&self, start: NodeId) -> Vec<bool> {
        if self.names.borrow().is_empty() {
            return Vec::new();
        }
        let nodes = self.nodes.borrow();
        let mut reached = vec![false; start.index() + 1];
        reached[start.index()] = true;
        for at in (0..reached.len()).rev().filter(|&at| nodes[at].needs_gradient) {
            if reached[at] {
                nodes[at].inputs.iter().for_each(|input| reached[input.index()] = true);
            }
        }
        reached
    }

    /// Every parameter that is not frozen must have a gradient.
    fn require_all(&self, start: Var<'_, S>, has_gradient: impl Fn(NodeId) -> bool) -> Result<()> {
        let (nodes, names) = (self.nodes.borrow(), self.names.borrow());
        let without = names.iter().filter(|(_, id)| nodes[id.index()].needs_gradient && !has_gradient(**id));
        let missing: Vec<MissingGradient> = without
            .map(|(name, &id)| MissingGradient {
                name: name.to_string(),
                ends_at: self.path_ends_at(id, start.id()),
            })
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(Error::MissingGradients { missing }) }
    }

    /// The op without derivative that cuts `from` off from `to`, if there is a path apart from such ops.
    fn path_ends_at(&self, from: NodeId, to: NodeId) -> Option<String> {
        let nodes = self.nodes.borrow();
        let mut reached: HashMap<NodeId, Option<NodeId>> = HashMap::from([(from, None)]);
        for at in from.index()..=to.index() {
            let node = &nodes[at];
            let Some(cut) = node.inputs.iter().find_map(|i| reached.get(i).copied()) else { continue };
            let is_cut = node.op.as_ref().is_some_and(|op| !op.is_differentiable());
            reached.insert(NodeId::at(at), cut.or(is_cut.then_some(NodeId::at(at))));
        }
        let cut = reached.get(&to).copied().flatten()?;
        drop(nodes);
        Some(self.paths().swap_remove(cut.index()))
    }
}

/// The state of a backward pass.
struct Sweep<'t, 'w, S> {
    tape: &'t Tape<S>,
    keep: Keep,
    watched: HashSet<NodeId>,
    looks: Vec<(HashSet<NodeId>, Box<dyn Observer<S> + 'w>)>,
    /// Only if somebody looks on.
    paths: Vec<String>,
    slots: Slots<S>,
    edges: HashMap<(NodeId, usize), Tensor<S>>,
    releases: bool,
    /// What this pass has had computed once more and will forget again.
    recalled: Vec<Checkpoint>,
    finds_anomalies: bool,
    meter: Meter,
}

impl<'t, 'w, S: Scalar> Sweep<'t, 'w, S> {
    fn new(tape: &'t Tape<S>, pass: Pass<'w, S>, start: NodeId) -> Result<Self> {
        let ids = |target: &Target| -> Result<Vec<NodeId>> {
            match target {
                Target::Node { tape: of, id } if *of == tape.id => Ok(vec![*id]),
                Target::Node { .. } => Err(Error::ForeignVar { op: "watch" }),
                Target::Pattern(pattern) => Ok(tape.find(pattern)?.into_iter().map(Var::id).collect()),
            }
        };
        let mut watched = HashSet::new();
        for target in &pass.watched {
            watched.extend(ids(target)?);
        }
        let mut looks = Vec::new();
        for Look { target, observer } in pass.looks {
            looks.push((ids(&target)?.into_iter().collect(), observer));
        }
        Ok(Self {
            tape,
            keep: pass.keep,
            watched,
            paths: if looks.is_empty() && !pass.measures_memory { Vec::new() } else { tape.paths() },
            looks,
            slots: Slots::new(start.index() + 1),
            edges: HashMap::new(),
            releases: pass.releases,
            recalled: Vec::new(),
            finds_anomalies: pass.finds_anomalies,
            meter: Meter::new(pass.measures_memory),
        })
    }

    fn show_values(&mut self) {
        if self.looks.is_empty() {
            return;
        }
        for var in self.tape.vars() {
            if self.looks.iter().any(|(ids, _)| ids.contains(&var.id())) {
                let value = var.value();
                self.show(var.id(), &value, Observer::value);
            }
        }
    }

    /// Shows a tensor of a node to those who look at it. Nothing of the tape is borrowed meanwhile.
    fn show(
        &mut self,
        id: NodeId,
        tensor: &Tensor<S>,
        show: impl Fn(&mut (dyn Observer<S> + 'w), &Seen<'_, S>),
    ) {
        if self.looks.is_empty() {
            return;
        }
        let op = self.tape.nodes.borrow()[id.index()].op_name();
        let seen = Seen { id, path: &self.paths[id.index()], op, tensor };
        for (_, observer) in self.looks.iter_mut().filter(|(ids, _)| ids.contains(&id)) {
            show(observer.as_mut(), &seen);
        }
    }

    /// Shows all values, and starts the loop with the gradient of its first node.
    fn begin(&mut self, cotangent: Tensor<S>) -> Result<()> {
        self.meter.recorded(&self.tape.nodes.borrow(), &self.paths);
        if self.releases {
            // What they are computed from will be gone.
            self.watched.clone().into_iter().try_for_each(|id| self.recall(id))?;
        }
        self.show_values();
        self.meter.sent(&cotangent);
        let start = self.slots.len() - 1;
        self.slots.put(start, cotangent);
        Ok(())
    }

    /// Makes sure that what a node's op needs to run backward is there.
    fn recall(&mut self, id: NodeId) -> Result<()> {
        for checkpoint in self.tape.recall_for_backward(id)? {
            self.meter.recalled(&self.tape.nodes.borrow(), &checkpoint);
            self.recalled.push(checkpoint);
        }
        Ok(())
    }

    /// Lets go of what the pass has had computed from the node at `at` on and does not need any more.
    fn forget_from(&mut self, at: usize) {
        while let Some(place) = self.recalled.iter().position(|c| c.nodes.start == at) {
            let checkpoint = self.recalled.swap_remove(place);
            self.meter.forgotten(&self.tape.nodes.borrow(), &checkpoint);
            self.tape.forget(&checkpoint);
        }
    }

    /// Passes the complete gradient of a node on to its inputs, and lets go of what nobody needs any more.
    fn step(&mut self, id: NodeId) -> Result<()> {
        let at = id.index();
        if let Some(gradient) = self.slots.take(at) {
            self.show(id, &gradient, Observer::gradient);
            self.meter.complete(at, &gradient);
            if self.finds_anomalies && inspect::first_bad(&gradient).is_some() {
                self.recall(id)?;
                let anomaly = self.tape.anomaly(at, Side::Upstream, &gradient, None);
                return Err(Error::Anomaly(Box::new(anomaly)));
            }
            let is_leaf = self.tape.nodes.borrow()[at].op.is_none();
            if !is_leaf {
                self.propagate(id, &gradient)?;
                self.meter.propagated(at);
            }
            if is_leaf || self.keeps(id) {
                self.slots.put(at, gradient);
            } else {
                self.meter.passed_on(&gradient);
            }
        }
        if !self.releases {
            self.forget_from(at);
        } else if !self.watched.contains(&id) {
            self.release(at);
        }
        Ok(())
    }

    fn keeps(&self, id: NodeId) -> bool {
        match self.keep {
            Keep::Leaves => false,
            Keep::Watched => self.watched.contains(&id),
            Keep::All => true,
        }
    }

    fn propagate(&mut self, id: NodeId, upstream: &Tensor<S>) -> Result<()> {
        let tape = self.tape;
        let needs: SmallVec<[bool; 3]> = {
            let nodes = tape.nodes.borrow();
            nodes[id.index()].inputs.iter().map(|i| nodes[i.index()].needs_gradient).collect()
        };
        if !needs.contains(&true) {
            return Ok(());
        }
        self.recall(id)?;
        let nodes = tape.nodes.borrow();
        let node = &nodes[id.index()];
        let Some(op) = &node.op else { return Ok(()) };
        let is_held = |node: &Node<S>| {
            node.held == Held::All && node.inputs.iter().all(|i| nodes[i.index()].has_value())
        };
        // One who looks on may have run a pass of their own; nobody else can.
        if !self.looks.is_empty() && !is_held(node) {
            return Err(Error::Released);
        }
        let inputs: SmallVec<[&Tensor<S>; 3]> = node.inputs.iter().map(|i| &nodes[i.index()].value).collect();
        let cx =
            Backward { inputs: &inputs, output: &node.value, saved: &node.saved, upstream, needs: &needs };
        let gradients = tape.clocked(|| op.backward(&cx), |timing, took| timing.backward(op.name(), took));
        debug_assert_eq!(gradients.len(), inputs.len(), "{} returned a wrong number of gradients", op.name());
        if self.finds_anomalies {
            require_finite(tape, id, upstream, &gradients)?;
        }
        gradients.iter().flatten().for_each(|g| self.meter.sent(g));
        for (position, (&input, gradient)) in node.inputs.iter().zip(gradients).enumerate() {
            let Some(gradient) = gradient.filter(|_| needs[position]) else { continue };
            debug_assert_eq!(
                gradient.shape(),
                nodes[input.index()].value.shape(),
                "{} returned a gradient of a wrong shape",
                op.name()
            );
            if self.keeps(input) {
                self.meter.sent(&gradient);
                self.edges.insert((id, position), gradient.clone());
            }
            let (slots, meter) = (&mut self.slots, &mut self.meter);
            tape.clocked(|| slots.add(input.index(), gradient, meter), Timing::summed);
        }
        Ok(())
    }

    /// Frees what a node holds; its consumers were all passed before it. Leaves belong to whoever gave them.
    fn release(&mut self, at: usize) {
        let mut nodes = self.tape.nodes.borrow_mut();
        let node = &mut nodes[at];
        if node.op.is_none() {
            return;
        }
        self.meter.released(node);
        node.release();
        self.tape.has_released.set(true);
    }
}

/// Finds the first of the gradients that an op sends back that is not finite; what it was given is.
fn require_finite<S: Scalar>(
    tape: &Tape<S>,
    id: NodeId,
    upstream: &Tensor<S>,
    gradients: &[Option<Tensor<S>>],
) -> Result<()> {
    let sent = inspect::first_bad_of(gradients);
    let Some((position, bad)) = sent.and_then(|i| Some((i, gradients[i].as_ref()?))) else { return Ok(()) };
    let anomaly = tape.anomaly(id.index(), Side::Gradient { position }, bad, Some(upstream));
    Err(Error::Anomaly(Box::new(anomaly)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_used_twice_gets_the_sum() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::scalar(3.0));
        let y = x * x + x;
        let gradients = tape.backward(y, Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(x).unwrap().data(), [7.0]);
    }

    #[test]
    fn missing_gradients_say_why() {
        let tape = Tape::<f64>::new();
        let (x, unused) = (tape.variable(Tensor::scalar(3.0)), tape.variable(Tensor::scalar(1.0)));
        let c = tape.constant(Tensor::scalar(2.0));
        let inner = x * c;
        let gradients = tape.backward(inner * c, Keep::Leaves).unwrap();
        let text = |v| gradients.wrt(v).unwrap_err().to_string();
        assert!(text(unused).contains("no path"), "{}", text(unused));
        assert!(text(c).contains("constant"), "{}", text(c));
        assert!(text(inner).contains("Keep::All"), "{}", text(inner));
        assert!(tape.backward(c * c, Keep::All).is_err());
        let other = Tape::<f64>::new();
        let foreign = other.variable(Tensor::scalar(1.0));
        assert_eq!(gradients.wrt(foreign), Err(Error::ForeignVar { op: "gradient" }));
    }

    /// Recursion over the graph, or in its drop, would overflow the stack long before this.
    #[test]
    fn a_chain_of_a_million_nodes_neither_recurses_nor_overflows() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::scalar(1.0));
        let mut y = x;
        for _ in 0..1_000_000 {
            y = y + x;
        }
        assert_eq!(y.value().item().unwrap(), 1_000_001.0);
        let gradients = tape.backward(y, Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(x).unwrap().item().unwrap(), 1_000_001.0);
    }

    #[test]
    fn a_vector_needs_a_cotangent() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::vector(vec![1.0, 2.0]));
        assert!(tape.backward(x, Keep::All).unwrap_err().to_string().contains("backward_from"));
        assert!(tape.backward_from(x, Tensor::scalar(1.0), Keep::All).is_err());
        let g = tape.backward_from(x, Tensor::vector(vec![5.0, 6.0]), Keep::All).unwrap();
        assert_eq!(g.wrt(x).unwrap().data(), [5.0, 6.0]);
    }
}
