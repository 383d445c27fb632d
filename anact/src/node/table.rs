//! What the node saves, and how it is read back.

use autograd::{Scalar, Tensor, Var};

use super::{NAME, after_norm};
use crate::factor::Ratios;
use crate::moments::{BatchMoments, ForwardMoment};

/// Rows of the saved tensor: of given numbers, and of a batch.
const GIVEN: usize = 2;
const BATCH: usize = 9;

/// One group's part of what is saved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<S> {
    pub(super) lambda: S,
    pub(super) mu: S,
    pub(super) degenerate: bool,
    /// `None` if λ and μ were given.
    pub(super) moments: Option<BatchMoments<S>>,
}

pub(super) fn pack<S: Scalar>(rows: &[Row<S>]) -> Tensor<S> {
    let batch = rows.iter().all(|r| r.moments.is_some());
    let column = |r: &Row<S>| {
        let m = r.moments.unwrap_or_default();
        let flag = if r.degenerate { S::ONE } else { S::ZERO };
        [r.lambda, r.mu, flag, m.m1, m.m2, m.f_var, m.d2, m.z_mean, m.z_var]
    };
    let columns: Vec<[S; BATCH]> = rows.iter().map(column).collect();
    let kept = if batch { BATCH } else { GIVEN };
    let data = (0..kept).flat_map(|k| columns.iter().map(move |c| c[k])).collect();
    Tensor::filled([kept, rows.len()].into(), data)
}

/// The rows again; `count` is the number of elements of a group.
pub(super) fn unpack<S: Scalar>(saved: &Tensor<S>, count: usize) -> Vec<Row<S>> {
    let (kept, groups) = (saved.dims()[0], saved.dims()[1]);
    let at = |k: usize, g: usize| saved.data()[k * groups + g];
    (0..groups)
        .map(|g| Row {
            lambda: at(0, g),
            mu: at(1, g),
            degenerate: kept == BATCH && at(2, g) != S::ZERO,
            moments: (kept == BATCH).then(|| BatchMoments {
                count,
                m1: at(3, g),
                m2: at(4, g),
                f_var: at(5, g),
                d2: at(6, g),
                z_mean: at(7, g),
                z_var: at(8, g),
            }),
        })
        .collect()
}

/// What one group of a node used and saw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupStatistics {
    /// The λ that was applied.
    pub lambda: f64,
    /// The μ that was subtracted.
    pub mu: f64,
    /// Whether the batch was degenerate, so that λ and μ are the fallback.
    pub degenerate: bool,
    /// The batch's moments; `None` for a node with given numbers, which measures nothing.
    pub moments: Option<BatchMoments<f64>>,
}

impl GroupStatistics {
    /// ρ and ρ′ of the batch; `None` if it was degenerate or not measured.
    pub fn ratios(&self, moment: ForwardMoment) -> Option<Ratios<f64>> {
        self.moments.filter(|_| !self.degenerate)?.ratios(moment)
    }
}

/// What a recorded node used and saw, for running statistics and reports.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeStatistics {
    /// In group order.
    pub groups: Vec<GroupStatistics>,
}

impl NodeStatistics {
    /// Reads the statistics of a [`Normalize`](super::Normalize) node, alone or
    /// [after a norm](super::NormalizeAfterNorm); `None` for any other node.
    pub fn of<S: Scalar>(var: Var<'_, S>) -> Option<Self> {
        let at = match var.op_name() {
            NAME => 0,
            after_norm::NAME => after_norm::TABLE,
            _ => return None,
        };
        let saved = var.saved().into_iter().nth(at)?;
        let count = var.shape().len() / saved.dims()[1].max(1);
        let group = |r: Row<S>| GroupStatistics {
            lambda: r.lambda.to_f64(),
            mu: r.mu.to_f64(),
            degenerate: r.degenerate,
            moments: r.moments.map(|m| m.to_f64()),
        };
        Some(Self { groups: unpack(&saved, count).into_iter().map(group).collect() })
    }

    /// The moments of every group, or `None` for a node with given numbers.
    pub fn moments(&self) -> Option<Vec<BatchMoments<f64>>> {
        self.groups.iter().map(|g| g.moments).collect()
    }

    /// The number of degenerate groups.
    pub fn degenerate(&self) -> usize {
        self.groups.iter().filter(|g| g.degenerate).count()
    }
}
