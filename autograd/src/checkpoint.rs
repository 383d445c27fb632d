//! Stretches of a tape that keep nothing but their result, and are computed once more when they are needed.
//!
//! The nodes stay where they are, so names, scopes, paths and positions are those of a tape without checkpoints, and so
//! is the order in which gradients are added up: every number is the same, bit for bit. Values and saved tensors are
//! *forgotten*: another state of the node, which whoever asks for a value does not see. A backward pass that comes to a
//! checkpoint has it computed once more from its first node to its last, and lets go of it behind its first.
//! Source: Chen et al., *Training deep nets with sublinear memory cost* (2016).

use std::cell::RefCell;
use std::ops::Range;

use smallvec::SmallVec;

use crate::error::{Error, Result};
use crate::node::{Held, Node};
use crate::scalar::Scalar;
use crate::tape::{NodeId, Tape, Var};
use crate::tensor::Tensor;

/// One such stretch.
#[derive(Debug, Clone)]
pub(crate) struct Checkpoint {
    /// Positions on the tape.
    pub(crate) nodes: Range<usize>,
    /// The node whose value stays; not among `nodes` if the result was there before.
    pub(crate) output: usize,
}

/// The checkpoints of a tape, in its order; no two overlap.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints(RefCell<Vec<Checkpoint>>);

impl Checkpoints {
    /// The one that has the node.
    fn of(&self, id: NodeId) -> Option<Checkpoint> {
        let all = self.0.borrow();
        let place = all.partition_point(|c| c.nodes.end <= id.index());
        all.get(place).filter(|c| c.nodes.contains(&id.index())).cloned()
    }

    fn add(&self, new: Checkpoint) {
        let mut all = self.0.borrow_mut();
        // Those that were made meanwhile are parts of it.
        all.retain(|c| c.nodes.start < new.nodes.start);
        all.push(new);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }
}

impl<S: Scalar> Tape<S> {
    /// Records what `record` records, and forgets all that was computed on the way to the value that it returns. A backward
    /// pass computes it once more: time for memory. No number changes by a bit, since an op's forward pass depends on its
    /// settings and inputs alone.
    ///
    /// Values inside can still be asked for and used; they are then computed once more, and stay on the
    /// tape. A checkpoint inside of another is part of it.
    ///
    /// ```
    /// use autograd::{Keep, Tape, Tensor};
    ///
    /// let tape = Tape::<f64>::new();
    /// let x = tape.variable(Tensor::vector(vec![0.5, -1.0]));
    /// // Of the three values only the last is kept.
    /// let y = tape.checkpoint(|| Ok(x.exp().exp().exp()))?;
    /// let gradients = tape.backward(y.sum_all(), Keep::Leaves)?;
    /// let other = Tape::new();
    /// let z = other.variable(x.value());
    /// let want = other.backward(z.exp().exp().exp().sum_all(), Keep::Leaves)?;
    /// assert_eq!(gradients.wrt(x)?, want.wrt(z)?);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of `record`, after which nothing is forgotten; a result of another tape.
    pub fn checkpoint<'t>(&'t self, record: impl FnOnce() -> Result<Var<'t, S>>) -> Result<Var<'t, S>> {
        let start = self.len();
        let output = record()?;
        if !self.has(output) {
            return Err(Error::ForeignVar { op: "checkpoint" });
        }
        let checkpoint = Checkpoint { nodes: start..self.len(), output: output.id().index() };
        self.forget(&checkpoint);
        self.checkpoints.add(checkpoint);
        Ok(output)
    }

    /// Frees what can be computed once more.
    pub(crate) fn forget(&self, checkpoint: &Checkpoint) {
        let mut nodes = self.nodes.borrow_mut();
        for at in checkpoint.nodes.clone() {
            nodes[at].forget(at == checkpoint.output);
        }
    }

    /// Makes sure that the node's value is there, unless it was freed. Answers what had to be computed for it.
    ///
    /// # Errors
    /// What it would be computed from was freed.
    pub(crate) fn recall_value(&self, id: NodeId) -> Result<Vec<Checkpoint>> {
        self.recall_if(id, |held| held == Held::Nothing)
    }

    /// The same for what its op saved, too.
    pub(crate) fn recall(&self, id: NodeId) -> Result<Vec<Checkpoint>> {
        self.recall_if(id, |held| matches!(held, Held::Nothing | Held::Value))
    }

    /// The same for all that the node's op is given in a backward pass.
    pub(crate) fn recall_for_backward(&self, id: NodeId) -> Result<Vec<Checkpoint>> {
        let mut recalled = self.recall(id)?;
        if !self.checkpoints.is_empty() {
            let inputs = self.nodes.borrow()[id.index()].inputs.clone();
            for input in inputs {
                recalled.extend(self.recall_value(input)?);
            }
        }
        Ok(recalled)
    }

    /// The same for every node.
    pub(crate) fn recall_all(&self) -> Result<()> {
        if !self.checkpoints.is_empty() {
            (0..self.len()).try_for_each(|at| self.recall(NodeId::at(at)).map(drop))?;
        }
        Ok(())
    }

    fn recall_if(&self, id: NodeId, is_missing: impl Fn(Held) -> bool) -> Result<Vec<Checkpoint>> {
        let mut recalled = Vec::new();
        if self.checkpoints.is_empty() || !is_missing(self.nodes.borrow()[id.index()].held) {
            return Ok(recalled);
        }
        // One that uses values of another waits for it. Inputs are older, so this ends.
        let mut waiting = vec![id];
        while let Some(&id) = waiting.last() {
            let checkpoint = self.checkpoints.of(id).expect("what is forgotten is part of a checkpoint");
            if let Some(other) = self.forgotten_input(&checkpoint) {
                waiting.push(other);
                continue;
            }
            self.compute_again(&checkpoint)?;
            recalled.push(checkpoint);
            waiting.pop();
        }
        Ok(recalled)
    }

    /// A node before the checkpoint that it uses and that has no value now.
    fn forgotten_input(&self, checkpoint: &Checkpoint) -> Option<NodeId> {
        let nodes = self.nodes.borrow();
        let inputs = nodes[checkpoint.nodes.clone()].iter().flat_map(|n| n.inputs.iter().copied());
        let mut before = inputs.filter(|i| i.index() < checkpoint.nodes.start);
        before.find(|i| nodes[i.index()].held == Held::Nothing)
    }

    /// Whether the node's value can be computed once more.
    pub(crate) fn can_recall(&self, id: NodeId) -> bool {
        let nodes = self.nodes.borrow();
        let mut waiting = vec![id];
        while let Some(checkpoint) = waiting.pop().and_then(|id| self.checkpoints.of(id)) {
            let inputs = nodes[checkpoint.nodes.clone()].iter().flat_map(|n| n.inputs.iter().copied());
            for input in inputs.filter(|i| !nodes[i.index()].has_value()) {
                if nodes[input.index()].held == Held::Released {
                    return false;
                }
                if input.index() < checkpoint.nodes.start {
                    waiting.push(input);
                }
            }
        }
        true
    }

    fn compute_again(&self, checkpoint: &Checkpoint) -> Result<()> {
        for at in checkpoint.nodes.clone() {
            let forward = {
                let nodes = self.nodes.borrow();
                let node = &nodes[at];
                let Some(op) = node.op.as_ref().filter(|_| matches!(node.held, Held::Nothing | Held::Value))
                else {
                    continue;
                };
                let inputs = || node.inputs.iter().map(|i| &nodes[i.index()]);
                if !inputs().all(Node::has_value) {
                    return Err(Error::Released);
                }
                let values: SmallVec<[&Tensor<S>; 3]> = inputs().map(|n| &n.value).collect();
                // On the way back: that is where the time goes.
                self.clocked(|| op.forward(&values), |timing, took| timing.backward(op.name(), took))?
            };
            self.nodes.borrow_mut()[at].remember(forward);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::Memory;
    use crate::ops::activation::Sin;
    use crate::{Keep, Pass};

    /// softmax(e^x) for every x, summed with weights that are no multiple of 1; `checkpoint` around the first so many.
    fn chain<'t>(tape: &'t Tape<f64>, x: &Tensor<f64>, checkpoints: usize) -> (Var<'t, f64>, Var<'t, f64>) {
        let input = tape.parameter("x", x).unwrap();
        let mut y = input;
        for stage in 0..4 {
            let _scope = tape.scope(&format!("stage{stage}"));
            let record = || Ok((y.exp().softmax()? * y).map(Sin));
            y = if stage < checkpoints { tape.checkpoint(record) } else { record() }.unwrap();
        }
        (input, (y * y).sum_all())
    }

    fn numbers() -> Tensor<f64> {
        Tensor::new([3, 4], (0..12).map(|i| f64::from(i * i % 7) / 3.0 - 0.9).collect()).unwrap()
    }

    fn held(tape: &Tape<f64>) -> Vec<Held> {
        tape.nodes.borrow().iter().map(|n| n.held).collect()
    }

    #[test]
    fn gradients_and_everything_that_can_be_asked_are_the_same() {
        let (plain, tape) = (Tape::new(), Tape::new());
        let ((x, loss), (also_x, also_loss)) = (chain(&plain, &numbers(), 0), chain(&tape, &numbers(), 4));
        let forgotten = held(&tape);
        assert_eq!(forgotten.iter().filter(|h| **h == Held::Nothing).count(), 12);
        let passes: [fn() -> Pass<'static, f64>; 4] = [
            || Keep::Leaves.into(),
            || Keep::All.into(),
            || Pass::new(Keep::Watched).watch("stage1.mul").finding_anomalies(),
            || Pass::new(Keep::Leaves).releasing().watch("stage2.mul"),
        ];
        for pass in passes {
            let (want, got) = (plain.run(pass(), loss).unwrap(), tape.run(pass(), also_loss).unwrap());
            assert_eq!(got.wrt(also_x).unwrap(), want.wrt(x).unwrap());
            if !pass().releases {
                // A pass leaves the tape as it was.
                assert_eq!(held(&tape), forgotten);
            }
            for (a, b) in plain.vars().zip(tape.vars()) {
                assert_eq!((a.path(), a.is_released()), (b.path(), b.is_released()));
                assert_eq!(want.wrt(a).ok(), got.wrt(b).ok());
            }
        }
        let of = |tape: &Tape<f64>| tape.find("stage2.mul").unwrap()[0].id();
        assert_eq!(tape.var(of(&tape)).value(), plain.var(of(&plain)).value());
    }

    #[test]
    fn values_inside_are_computed_when_asked_for() {
        let (plain, tape) = (Tape::new(), Tape::new());
        chain(&plain, &numbers(), 0);
        chain(&tape, &numbers(), 3);
        for (a, b) in plain.vars().zip(tape.vars()) {
            assert_eq!((a.value(), a.saved()), (b.value(), b.saved()), "{a:?}");
        }
        assert!(held(&tape).iter().all(|h| *h == Held::All));
    }

    /// By hand, in numbers of eight bytes: x, the result and the loss stay; behind the loss's square the gradient waits
    /// while all three are computed again; they go one by one.
    #[test]
    fn the_bytes_are_those_of_what_is_kept() {
        let (n, unit) = (1000, 8 * 1000);
        let measure = |checkpointed: bool| -> Memory {
            let tape = Tape::<f64>::new();
            let mut y = tape.variable(Tensor::full([n], 0.5));
            for _ in 0..5 {
                let record = || Ok(y.exp().map(Sin).map(Sin));
                y = if checkpointed { tape.checkpoint(record) } else { record() }.unwrap();
            }
            let pass = Pass::new(Keep::Leaves).releasing().measuring_memory();
            tape.run(pass, y.sum_all()).unwrap().memory().unwrap().clone()
        };
        let (all, kept) = (measure(false), measure(true));
        assert_eq!((all.forward(), kept.forward()), (16 * unit + 8, 6 * unit + 8));
        // Both at the last sin: its gradient and the one that it sends.
        assert_eq!((all.peak(), kept.peak()), (18 * unit, 10 * unit));
    }

    #[test]
    fn a_value_that_leaves_by_a_side_door_is_computed_again() {
        let run = |checkpointed: bool| {
            let tape = Tape::<f64>::new();
            let x = tape.variable(numbers());
            let mut aside = x;
            let mut record = || {
                aside = x.exp();
                Ok(aside.map(Sin))
            };
            let y = if checkpointed { tape.checkpoint(record) } else { record() }.unwrap();
            let record = || Ok((y.exp() * aside).softmax()?.map(Sin));
            let z = if checkpointed { tape.checkpoint(record) } else { record() }.unwrap();
            let loss = (z * y).sum_all();
            // Twice, since the first pass forgets what it had computed again.
            tape.backward(loss, Keep::Leaves).unwrap();
            tape.backward(loss, Keep::Leaves).unwrap().wrt(x).unwrap()
        };
        assert_eq!(run(true), run(false));
    }

    #[test]
    fn one_inside_of_another_is_part_of_it() {
        let (plain, tape) = (Tape::new(), Tape::new());
        let (x, loss) = chain(&plain, &numbers(), 0);
        let mut inner = None;
        let output = tape.checkpoint(|| {
            let (x, loss) = chain(&tape, &numbers(), 2);
            inner = Some(x);
            Ok(loss)
        });
        assert_eq!(held(&tape).iter().filter(|h| **h == Held::All).count(), 2);
        let want = plain.backward(loss, Keep::Leaves).unwrap().wrt(x);
        assert_eq!(tape.backward(output.unwrap(), Keep::Leaves).unwrap().wrt(inner.unwrap()), want);
    }

    #[test]
    fn what_goes_wrong_is_said() {
        let (tape, other) = (Tape::<f64>::new(), Tape::<f64>::new());
        let x = tape.variable(numbers());
        let foreign = other.variable(numbers());
        assert_eq!(other.checkpoint(|| Ok(x)).unwrap_err(), Error::ForeignVar { op: "checkpoint" });
        let error = tape.checkpoint(|| x.exp().matmul(x)).unwrap_err();
        assert!(error.to_string().starts_with("matmul"), "{error}");
        // What was recorded until then is as if there had been no checkpoint.
        assert!(held(&tape).iter().all(|h| *h == Held::All));
        // Nothing recorded at all is no mistake.
        assert_eq!(tape.checkpoint(|| Ok(x)).unwrap().id(), x.id());
        // A pass frees what a later checkpoint would be computed from.
        let y = x.exp();
        let loss = y.sum_all();
        let mut inside = y;
        let z = tape.checkpoint(|| {
            inside = y.map(Sin);
            Ok(inside.map(Sin))
        });
        tape.run(Pass::new(Keep::Leaves).releasing(), loss).unwrap();
        assert_eq!(
            (inside.is_released(), z.unwrap().is_released(), foreign.is_released()),
            (true, false, false)
        );
        assert_eq!(tape.apply(crate::ops::Add, &[inside, inside]).unwrap_err(), Error::Released);
    }
}
