//! Which values of a tape have samples, and whether the samples keep apart on the way to the loss.

use smallvec::SmallVec;

use super::{Query, Reduction, SampleSemantics};
use crate::error::{Error, Result};
use crate::node::Node;
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::tape::{NodeId, Var};

/// The classes of all nodes up to the loss.
pub(super) struct Classes {
    /// [`Samples::Shared`] for nodes that the loss does not depend on. Never coupled: under
    /// [`SampleSemantics::BatchStatistics`] those are rows.
    kinds: Vec<Samples>,
    /// N.
    pub(super) samples: usize,
    pub(super) reduction: Reduction,
}

impl Classes {
    pub(super) fn is_row(&self, id: NodeId) -> bool {
        self.kinds.get(id.index()) == Some(&Samples::Rows)
    }

    /// Whether the node is a row, by position.
    pub(super) fn row_at(&self, at: usize) -> bool {
        self.kinds[at] == Samples::Rows
    }

    pub(super) fn len(&self) -> usize {
        self.kinds.len()
    }

    pub(super) fn of<S: Scalar>(query: &Query<'_, S>) -> Result<Self> {
        let (tape, loss) = (query.loss.tape(), query.loss);
        let samples = samples(query)?;
        if loss.shape().len() != 1 {
            return Err(Error::NotScalar { shape: loss.shape() });
        }
        let path = |at: usize| tape.paths().swap_remove(at);
        let mixed = |at: usize, reason| Error::Mixed { path: path(at), reason };
        let at = loss.id().index();
        // The borrow ends before an error reads the tape for its text.
        let used = ancestors(&tape.nodes.borrow(), at);
        let classified = {
            let nodes = tape.nodes.borrow();
            let is_batch = |at: usize| query.batch.iter().any(|b| b.id().index() == at);
            classify(&nodes, &used, &is_batch, query.semantics, samples)
        };
        let kinds = classified.map_err(|(at, why)| mixed(at, why))?;
        let reduction = match kinds[at] {
            Samples::Mean => Reduction::Mean,
            Samples::Sum => Reduction::Sum,
            Samples::Shared => {
                return refuse(
                    loss,
                    "does not depend on the batch",
                    "a loss computed from the batch's leaves",
                );
            }
            Samples::Rows => {
                return refuse(loss, "still has an axis for the samples", "their mean or their sum");
            }
            // The first that mixed them on the loss's side; the loss itself at the latest.
            Samples::Mixed(_) | Samples::Coupled(_) => {
                let beside = beside_samples(&tape.nodes.borrow(), &kinds, at, |_| true);
                let mut suspects = kinds.iter().enumerate().filter(|(at, _)| beside[*at]);
                let first = suspects
                    .find_map(|(at, k)| if let Samples::Mixed(why) = k { Some((at, *why)) } else { None });
                let (at, why) = first.expect("the loss is one");
                return Err(mixed(at, why));
            }
        };
        let refused = {
            let nodes = tape.nodes.borrow();
            refused(&nodes, &kinds, &used, at)
        };
        if let Some((at, what, legal)) = refused {
            let what = format!("{} {what}", path(at));
            return Err(Error::Argument { op: "per_sample", what, legal: legal.into() });
        }
        Ok(Self { kinds, samples, reduction })
    }
}

fn refuse<T, S: Scalar>(loss: Var<'_, S>, what: &str, legal: &str) -> Result<T> {
    Err(Error::Argument {
        op: "per_sample",
        what: format!("the loss {} {what}", loss.path()),
        legal: legal.into(),
    })
}

/// N, the same for every leaf of the batch.
fn samples<S: Scalar>(query: &Query<'_, S>) -> Result<usize> {
    let wrong = |what, legal: &str| Err(Error::Argument { op: "per_sample", what, legal: legal.into() });
    let Some(first) = query.batch.first() else {
        return wrong("no leaf of the batch given".into(), "the leaves whose axis 0 runs over the samples");
    };
    for var in query.batch {
        if !query.loss.tape().has(*var) {
            return Err(Error::ForeignVar { op: "per_sample" });
        }
        if !var.is_leaf() {
            return wrong(
                format!("{} was given as the batch", var.path()),
                "a leaf: what is recorded, not what is computed",
            );
        }
        if var.shape().dims().first().is_none_or(|&n| n == 0) {
            return wrong(
                format!("a batch of shape {} was given", var.shape()),
                "an axis 0 with at least one sample",
            );
        }
        if var.shape().dims()[0] != first.shape().dims()[0] {
            let shapes = (first.shape(), var.shape());
            return wrong(
                format!("leaves of shapes {} and {} were given", shapes.0, shapes.1),
                "equally many samples in all",
            );
        }
    }
    Ok(first.shape().dims()[0])
}

/// Whether the loss depends on each node, without a gradient too.
fn ancestors<S>(nodes: &[Node<S>], loss: usize) -> Vec<bool> {
    let mut used = vec![false; loss + 1];
    used[loss] = true;
    for at in (0..=loss).rev() {
        if used[at] {
            nodes[at].inputs.iter().for_each(|id| used[id.index()] = true);
        }
    }
    used
}

/// The class of every node, or the first that mixes samples and why, if that is not legal.
fn classify<S: Scalar>(
    nodes: &[Node<S>],
    used: &[bool],
    is_batch: &dyn Fn(usize) -> bool,
    semantics: SampleSemantics,
    samples: usize,
) -> std::result::Result<Vec<Samples>, (usize, &'static str)> {
    let mut kinds = vec![Samples::Shared; used.len()];
    for at in (0..used.len()).filter(|&at| used[at]) {
        let node = &nodes[at];
        let kind = match &node.op {
            None if is_batch(at) => Samples::Rows,
            None => Samples::Shared,
            Some(op) => {
                let operand = |id: &NodeId| SampledInput {
                    samples: kinds[id.index()],
                    shape: nodes[id.index()].value.shape(),
                };
                let operands: SmallVec<[SampledInput; 3]> = node.inputs.iter().map(operand).collect();
                let is_shared = operands.iter().all(|o| o.samples == Samples::Shared);
                match if is_shared { Samples::Shared } else { op.samples(&operands) } {
                    Samples::Rows if node.needs_gradient && !op.has_linear_backward() => {
                        Samples::Coupled("it changes the gradient of the whole batch at once")
                    }
                    kind => kind,
                }
            }
        };
        let has_rows = node.value.dims().first() == Some(&samples);
        kinds[at] = match (kind, semantics) {
            (Samples::Rows | Samples::Coupled(_), _) if !has_rows => {
                return Err((at, "its op claims rows that its value does not have"));
            }
            (Samples::Coupled(why) | Samples::Mixed(why), SampleSemantics::Independent) => {
                return Err((at, why));
            }
            (Samples::Coupled(_), SampleSemantics::BatchStatistics) => Samples::Rows,
            (kind, _) => kind,
        };
    }
    Ok(kinds)
}

/// A node at which a parameter's gradient does not fall into parts of samples: it, what is wrong, what would be right.
fn refused<S: Scalar>(
    nodes: &[Node<S>],
    kinds: &[Samples],
    used: &[bool],
    loss: usize,
) -> Option<(usize, &'static str, &'static str)> {
    let beside = beside_samples(nodes, kinds, loss, |at| nodes[at].needs_gradient);
    let mut all =
        (0..kinds.len()).filter(|&at| used[at] && nodes[at].needs_gradient && kinds[at] != Samples::Rows);
    all.find_map(|at| {
        let is_linear = nodes[at].op.as_ref().is_none_or(|op| op.has_linear_backward());
        if beside[at] && kinds[at] == Samples::Shared {
            let legal = "a loss whose every term belongs to a sample, with nothing learnt joined to it after the samples were \
                         reduced";
            Some((at, "enters the loss beside the samples", legal))
        } else if !is_linear {
            let legal = "parameters and losses whose gradient is not changed on its way as that of the whole batch";
            Some((at, "changes a gradient in a way that does not add up over samples", legal))
        } else {
            None
        }
    })
}

/// The nodes without rows from which the loss is reached, through nodes that `follows`, without passing one with rows.
fn beside_samples<S>(
    nodes: &[Node<S>],
    kinds: &[Samples],
    loss: usize,
    follows: impl Fn(usize) -> bool,
) -> Vec<bool> {
    let mut beside = vec![false; kinds.len()];
    beside[loss] = true;
    for at in (0..kinds.len()).rev().filter(|&at| kinds[at] != Samples::Rows && follows(at)) {
        if beside[at] {
            nodes[at].inputs.iter().for_each(|id| beside[id.index()] = true);
        }
    }
    kinds.iter().zip(beside).map(|(kind, beside)| beside && *kind != Samples::Rows).collect()
}
