//! How a backward pass is run: where it starts, what it keeps, who looks on.

use crate::error::{Error, Result};
use crate::inspect::{Observer, Seen};
use crate::scalar::Scalar;
use crate::tape::{NodeId, Var};
use crate::tensor::Tensor;

/// Which gradients a backward pass returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Those of leaves; the others are freed as soon as they were passed on.
    Leaves,
    /// Those of leaves and of watched nodes, with every edge's contribution to the latter.
    Watched,
    /// Those of every node, with every edge's contribution.
    All,
}

/// A node, or a pattern that names nodes.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Node {
        /// The id of the node's tape.
        tape: u64,
        id: NodeId,
    },
    Pattern(String),
}

/// One who looks on, and at what.
pub(crate) struct Look<'w, S> {
    pub(crate) target: Target,
    pub(crate) observer: Box<dyn Observer<S> + 'w>,
}

/// A backward pass to be run by [`Tape::run`](crate::Tape::run). A [`Keep`] alone is a pass, too.
///
/// Patterns are those of [`Tape::find`](crate::Tape::find); one that names nothing is an error when the pass is run.
///
/// ```
/// use autograd::inspect::Probe;
/// use autograd::{Keep, Pass, Tape, Tensor};
///
/// let tape = Tape::<f64>::new();
/// let x = tape.variable(Tensor::vector(vec![1.0, 2.0]));
/// let loss = {
///     let _scope = tape.scope("layer1");
///     x.exp().sum_all()
/// };
/// let mut probe = Probe::new();
/// let pass = Pass::new(Keep::Watched).watch("layer1.exp").probe("layer1*", &mut probe);
/// let gradients = tape.run(pass, loss)?;
/// let exp = tape.find("layer1.exp")?[0];
/// assert_eq!(gradients.wrt(exp)?.data(), [1.0, 1.0]);
/// assert_eq!(probe.rows()["layer1.exp"].gradient.mean(), Some(1.0));
/// # Ok::<(), autograd::Error>(())
/// ```
#[must_use = "a pass does nothing until it is run"]
pub struct Pass<'w, S> {
    pub(crate) keep: Keep,
    pub(crate) cotangent: Option<Tensor<S>>,
    pub(crate) watched: Vec<Target>,
    pub(crate) looks: Vec<Look<'w, S>>,
    pub(crate) allows_missing: bool,
    pub(crate) releases: bool,
    pub(crate) finds_anomalies: bool,
    pub(crate) measures_memory: bool,
}

impl<S: Scalar> From<Keep> for Pass<'_, S> {
    fn from(keep: Keep) -> Self {
        Self::new(keep)
    }
}

impl<'w, S: Scalar> Pass<'w, S> {
    /// A pass that keeps these gradients, and does nothing else.
    pub fn new(keep: Keep) -> Self {
        Self {
            keep,
            cotangent: None,
            watched: Vec::new(),
            looks: Vec::new(),
            allows_missing: false,
            releases: false,
            finds_anomalies: false,
            measures_memory: false,
        }
    }

    /// Starts from ∂L/∂var = `cotangent` instead of from 1, which only a single number can start from.
    pub fn with_cotangent(mut self, cotangent: Tensor<S>) -> Self {
        self.cotangent = Some(cotangent);
        self
    }

    /// Watches the nodes that `pattern` names: with [`Keep::Watched`] their gradients are kept, with
    /// [`Pass::releasing`] their values. With [`Keep::Leaves`] alone it would do nothing, which is an error when the pass
    /// is run.
    pub fn watch(mut self, pattern: &str) -> Self {
        self.watched.push(Target::Pattern(pattern.to_string()));
        self
    }

    /// Watches one node, as [`Pass::watch`].
    pub fn watch_node(mut self, var: Var<'_, S>) -> Self {
        self.watched.push(Target::Node { tape: var.tape().id, id: var.id() });
        self
    }

    /// Shows the nodes that `pattern` names to `observer`: their values before the pass, oldest first, and each
    /// gradient as soon as it is complete.
    pub fn observe(mut self, pattern: &str, observer: impl Observer<S> + 'w) -> Self {
        let target = Target::Pattern(pattern.to_string());
        self.looks.push(Look { target, observer: Box::new(observer) });
        self
    }

    /// Folds values and gradients of the nodes that `pattern` names into `probe`; nothing more is kept of them.
    pub fn probe(self, pattern: &str, probe: &'w mut crate::inspect::Probe) -> Self {
        self.observe(pattern, probe)
    }

    /// Calls `hook` with every value that `pattern` names.
    pub fn on_value(self, pattern: &str, hook: impl FnMut(&Seen<'_, S>) + 'w) -> Self {
        self.observe(pattern, crate::inspect::OnValue(hook))
    }

    /// Calls `hook` with every gradient that `pattern` names, as soon as it is complete.
    pub fn on_gradient(self, pattern: &str, hook: impl FnMut(&Seen<'_, S>) + 'w) -> Self {
        self.observe(pattern, crate::inspect::OnGradient(hook))
    }

    /// Accepts parameters that get no gradient, which otherwise are an error.
    pub fn allowing_missing(mut self) -> Self {
        self.allows_missing = true;
        self
    }

    /// Frees every op's value and saved tensors after their last use, except those of watched nodes. Afterwards
    /// [`Var::value`] and [`Var::saved`] of a freed node panic, and no second pass can be run.
    pub fn releasing(mut self) -> Self {
        self.releases = true;
        self
    }

    /// Looks for the first value, then the first gradient, that is not finite, and ends with
    /// [`Error::Anomaly`](crate::Error::Anomaly) there.
    pub fn finding_anomalies(mut self) -> Self {
        self.finds_anomalies = true;
        self
    }

    /// Refuses settings that contradict one another.
    pub(crate) fn check(&self) -> Result<()> {
        if self.watched.is_empty() || self.releases || self.keep != Keep::Leaves {
            return Ok(());
        }
        Err(Error::Argument {
            op: "backward",
            what: "nodes are watched by a pass with Keep::Leaves that releases nothing, which does nothing for them".into(),
            legal: "Keep::Watched, which keeps their gradients, or Pass::releasing, which spares their values".into(),
        })
    }

    /// Reports the bytes of every node and the peak, see [`Gradients::memory`](crate::Gradients::memory).
    pub fn measuring_memory(mut self) -> Self {
        self.measures_memory = true;
        self
    }
}
