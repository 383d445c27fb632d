//! Gradients sample by sample: their mean and variance for every parameter, exact, without storing N of them.
//!
//! # What is computed
//!
//! A loss L = (1/N) Σₙ ℓₙ (a mean) or Σₙ ℓₙ (a sum) has two sets of per-sample vectors for a parameter θ, and they are
//! easily taken for each other:
//!
//! - the sample's **gradient** gₙ = ∂ℓₙ/∂θ ([`PerSample`]);
//! - its **contribution** cₙ to ∂L/∂θ = Σₙ cₙ ([`Contribution`]): gₙ/N for a mean, gₙ for a sum.
//!
//! The variance of one is N² times that of the other for a mean, so statistics carry in their type whose they are. Which
//! loss it is, is read off the tape: what reduced the samples, a mean or a sum ([`Reduction`]). A sum scaled by a constant
//! is a sum of scaled ℓₙ.
//!
//! # When they exist
//!
//! Every node between the batch and the loss is classified by [`Op::samples`](crate::Op::samples); whatever does not say
//! that it keeps the samples apart is refused. [`SampleSemantics`] says what to do about statistics of the batch.
//! A constant is taken as independent of the samples unless it is one of the batch's leaves or was made from a value by
//! [`Var::detach`] or [`Var::constant_from`]; one made from the batch behind the tape's back is not seen.
//!
//! # How
//!
//! One backward pass gives ∂L/∂y, complete, for every node y. Where a parameter meets a batch, row n of ∂L/∂y is
//! sample n's alone, and [`Op::backward_of_sample`](crate::Op::backward_of_sample) turns it into the parameter's part. What is
//! computed from parameters alone is followed further, sample by sample, so a parameter that is used twice, scaled or
//! reshaped first gets its parts summed before anything is squared. A sample's parts are folded into running sums at once:
//! besides the backward pass, which keeps every node's gradient, memory is that of four gradients, whatever N is. A weight used by one matrix product has
//! cₙ = δₙxₙᵀ, which is folded without being formed.
//!
//! Sums are in `f64`, of distances from ∂L/∂θ/N, with the correction for that not being their mean exactly (Chan, Golub
//! and LeVeque, *Algorithms for computing the sample variance*, 1983, equation 1.7), so a variance far below the mean
//! square does not cancel.
//!
//! ```
//! use autograd::per_sample::{PerSample, Query, SampleSemantics, statistics};
//! use autograd::{Tape, Tensor};
//!
//! // ℓₙ = (w·xₙ)² / 2 with w = 1: gₙ = xₙ², that is 1 and 9.
//! let tape = Tape::<f64>::new();
//! let x = tape.constant(Tensor::new([2, 1], vec![1.0, 3.0])?);
//! let w = tape.parameter("w", &Tensor::new([1, 1], vec![1.0])?)?;
//! let y = x.matmul(w)?;
//! let loss = (y * y).scale(0.5).mean_all()?;
//! let found = statistics(&Query::new(&[x], loss, SampleSemantics::Independent))?;
//! let g = found.named("w")?.per_sample();
//! assert_eq!(g.mean().data(), [5.0]);
//! assert_eq!(g.variance().data(), [16.0]);
//! assert_eq!(found.named("w")?.contribution().variance().data(), [4.0]);
//! # Ok::<(), autograd::Error>(())
//! ```

mod classify;
mod fold;
mod outer;
mod statistics;
#[cfg(test)]
mod tests;
mod walk;

pub use statistics::{Contribution, ParameterStatistics, PerSample, PerSampleStatistics, SampleStatistics};

use crate::error::{Error, Result};
use crate::gradients::Gradients;
use crate::pass::{Keep, Pass};
use crate::scalar::Scalar;
use crate::tape::{NodeId, Var};
use crate::tensor::Tensor;
use classify::Classes;
use fold::Fold;
use walk::Walk;

/// What to do where samples meet in statistics of the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleSemantics {
    /// Refuse: with a batch norm in training, or a normalized activation that measures its batch (with a detached gradient
    /// too, as its value depends on all samples), a sample has no loss of its own, and so no gradient.
    Independent,
    /// Take the statistics as given: cₙ is what row n of the complete gradient sends to a parameter. Σₙ cₙ = ∂L/∂θ holds
    /// still. If no gradient flows through the statistics (detached nodes), cₙ is exactly the gradient of sample n's term
    /// with the batch's statistics frozen. If it does (batch norm, full gradients), row n of the gradient also holds what
    /// sample n does to the losses of the others through the statistics: cₙ is a part of the gradient, and no
    /// derivative of a loss of its own.
    BatchStatistics,
}

/// How the loss reduces its samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// L = (1/N) Σₙ ℓₙ.
    Mean,
    /// L = Σₙ ℓₙ.
    Sum,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a, S: Scalar> {
    /// The leaves whose axis 0 runs over the samples: the images, and whatever else comes one per sample.
    pub batch: &'a [Var<'a, S>],
    /// L, a single number.
    pub loss: Var<'a, S>,
    /// What to do about statistics of the batch.
    pub semantics: SampleSemantics,
    /// Leaves without a name that are wanted besides the named ones.
    pub variables: &'a [Var<'a, S>],
}

impl<'a, S: Scalar> Query<'a, S> {
    /// The question for all named leaves.
    pub fn new(batch: &'a [Var<'a, S>], loss: Var<'a, S>, semantics: SampleSemantics) -> Self {
        Self { batch, loss, semantics, variables: &[] }
    }
}

/// One parameter that the loss depends on.
#[derive(Debug, Clone)]
struct Wanted<S> {
    id: NodeId,
    name: Option<String>,
    /// ∂L/∂θ.
    gradient: Tensor<S>,
}

/// What all routes start from: classes, one backward pass, and the parameters in alphabetical order.
struct Prepared<S> {
    classes: Classes,
    gradients: Gradients<S>,
    wanted: Vec<Wanted<S>>,
}

impl<S: Scalar> Prepared<S> {
    fn of(query: &Query<'_, S>) -> Result<Self> {
        let tape = query.loss.tape();
        let classes = Classes::of(query)?;
        // A parameter without a gradient is left out below, so the pass need not complain.
        let gradients = tape.run(Pass::new(Keep::All).allowing_missing(), query.loss)?;
        tape.recall_all()?;
        let named = tape.parameters().into_iter().map(|(name, var)| (Some(name), var));
        let asked = query.variables.iter().filter(|v| v.name().is_none()).map(|&v| (None, v));
        let mut wanted: Vec<Wanted<S>> = Vec::new();
        for (name, var) in named.chain(asked) {
            if classes.is_row(var.id()) || wanted.iter().any(|t| t.id == var.id()) {
                continue;
            }
            // A named leaf that the loss does not use has no gradient, and is left out.
            match gradients.wrt(var) {
                Ok(gradient) => wanted.push(Wanted { id: var.id(), name, gradient }),
                Err(_) if name.is_some() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { classes, gradients, wanted })
    }
}

/// Checks that the variables asked for are leaves of the loss's tape, and not the batch itself.
fn check_variables<S: Scalar>(query: &Query<'_, S>) -> Result<()> {
    for var in query.variables {
        if !query.loss.tape().has(*var) {
            return Err(Error::ForeignVar { op: "per_sample" });
        }
        let is_batch = query.batch.iter().any(|b| b.id() == var.id());
        if !var.is_leaf() || is_batch {
            return Err(Error::Argument {
                op: "per_sample",
                what: format!(
                    "variable {} is {}",
                    var.path(),
                    if is_batch { "the batch itself" } else { "no leaf" }
                ),
                legal: "a leaf that all samples share".into(),
            });
        }
    }
    Ok(())
}

/// Mean and variance over the samples of the gradient of every named leaf (and of `query.variables`) that the loss
/// depends on, named leaves in alphabetical order.
///
/// # Errors
/// A batch without leaves or samples, or with unequal numbers of them; leaves of another tape; a loss that is no single
/// number, does not depend on the batch or on any variable, or is no mean or sum over the samples; samples that do not
/// keep apart ([`Error::Mixed`], see [`SampleSemantics`]); a parameter that enters the loss beside the samples.
pub fn statistics<S: Scalar>(query: &Query<'_, S>) -> Result<PerSampleStatistics> {
    fold_by(query, true)
}

/// [`statistics`], the short cut for matrix products only if `may_cut`.
fn fold_by<S: Scalar>(query: &Query<'_, S>, may_cut: bool) -> Result<PerSampleStatistics> {
    check_variables(query)?;
    let prepared = Prepared::of(query)?;
    let Prepared { classes, gradients, wanted } = &prepared;
    let nodes = query.loss.tape().nodes.borrow();
    let count = classes.samples;
    let mut folds: Vec<Fold> = wanted.iter().map(|t| Fold::around(&t.gradient, count)).collect();
    let mut walk = Walk::new(&nodes, classes, gradients, query.loss.tape());
    for (parameter, fold) in wanted.iter().zip(&mut folds).filter(|_| may_cut) {
        if let Some(product) = walk.single_product(parameter.id) {
            product.fold(fold);
            walk.skip(parameter.id);
        }
    }
    if folds.iter().any(|f| !f.is_full()) {
        for n in 0..count {
            walk.sample(n);
            for (parameter, fold) in wanted.iter().zip(&mut folds).filter(|(_, f)| !f.is_full()) {
                fold.add(walk.take(parameter.id).as_ref());
            }
        }
    }
    let parameters = wanted.iter().zip(folds);
    let parameters =
        parameters.map(|(t, fold)| ParameterStatistics::new(t.name.clone(), t.id, fold.finish(), classes));
    Ok(PerSampleStatistics {
        tape: query.loss.tape().id,
        semantics: query.semantics,
        reduction: classes.reduction,
        count,
        parameters: parameters.collect(),
    })
}

/// Calls `visit(n, contributions)` for every sample in turn, with cₙ of every parameter in the order of [`statistics`]:
/// for what a mean and a variance do not tell. Nothing is kept between the calls. Returns how the loss reduces samples,
/// which says whether gₙ is cₙ or N·cₙ. `visit` may read the tape; recording on it panics, since it is being walked.
///
/// # Errors
/// As [`statistics`].
pub fn for_each_sample<S: Scalar>(
    query: &Query<'_, S>,
    mut visit: impl FnMut(usize, &[(Option<&str>, Tensor<S>)]),
) -> Result<Reduction> {
    check_variables(query)?;
    let prepared = Prepared::of(query)?;
    let Prepared { classes, gradients, wanted } = &prepared;
    let nodes = query.loss.tape().nodes.borrow();
    let mut walk = Walk::new(&nodes, classes, gradients, query.loss.tape());
    for n in 0..classes.samples {
        walk.sample(n);
        let mut parts = Vec::with_capacity(wanted.len());
        for t in wanted {
            let c = walk.take(t.id).unwrap_or_else(|| Tensor::zeros(t.gradient.shape()));
            parts.push((t.name.as_deref(), c));
        }
        visit(n, &parts);
    }
    Ok(classes.reduction)
}
