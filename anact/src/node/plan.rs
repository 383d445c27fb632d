//! What the node computes apart from its function: which statistics, from where, and which gradient.

use std::fmt;
use std::sync::Arc;

use autograd::{Error, Result, Scalar};
use serde::{Deserialize, Serialize};

use super::NAME;
use super::table::Row;
use crate::groups::Granularity;
use crate::moments::{BatchMoments, ForwardMoment};
use crate::statistics::{Applied, Averaging, RunningStatistics};

/// Whether the batch's statistics are constants to the gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GradientMode {
    /// They are. Cheaper, and what running statistics imply; *not* the derivative of a forward pass that takes
    /// its statistics from the batch, so it does not pass a gradient check there, on purpose.
    #[default]
    Detached,
    /// They are differentiated through: the exact derivative of the forward pass.
    Full,
}

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Which forward moment.
    pub moment: ForwardMoment,
    /// Which gradient.
    pub gradient: GradientMode,
    /// Which elements share a factor.
    pub granularity: Granularity,
}

/// Settings, and where λ and μ come from. A plan that exists makes sense: what cannot work is refused here and not
/// in the backward pass.
#[derive(Clone, PartialEq)]
pub struct Plan {
    settings: Settings,
    source: Source,
    /// Whether given numbers were moved by the batch they are applied to.
    moved: bool,
}

#[derive(Clone, PartialEq)]
enum Source {
    Batch,
    BatchOr(Arc<[Applied]>),
    Given(Arc<[Applied]>),
    Running(Arc<Running>),
}

/// Averages before a batch, and how it enters them.
#[derive(PartialEq)]
struct Running {
    averages: RunningStatistics,
    averaging: Averaging,
}

impl Plan {
    /// The batch's own statistics. A degenerate group takes λ = 1 and μ = 0.
    pub fn batch(settings: Settings) -> Self {
        Self { settings, source: Source::Batch, moved: false }
    }

    /// The batch's own statistics, and one pair of numbers per group for degenerate ones: the running values.
    ///
    /// # Errors
    /// A number that is not finite.
    pub fn batch_or(settings: Settings, fallback: Vec<Applied>) -> Result<Self> {
        Ok(Self { settings, source: Source::BatchOr(finite(fallback)?), moved: false })
    }

    /// Given numbers, one pair per group: for evaluation, or for training on running statistics.
    ///
    /// # Errors
    /// A number that is not finite, or [`GradientMode::Full`]: there are no batch statistics to differentiate.
    pub fn given(settings: Settings, values: Vec<Applied>) -> Result<Self> {
        not_full(settings, "given")?;
        Ok(Self { settings, source: Source::Given(finite(values)?), moved: false })
    }

    /// The numbers that `averages` give once the node's own batch has been taken into them: what [`Plan::given`] does
    /// with averages that were moved before, but measured where z is computed. The node moves nothing itself; what it
    /// measured is what [`NodeStatistics`](super::NodeStatistics) reads.
    ///
    /// # Errors
    /// [`GradientMode::Full`]: running averages are constants to the gradient.
    pub(crate) fn running(
        settings: Settings,
        averages: RunningStatistics,
        averaging: Averaging,
    ) -> Result<Self> {
        not_full(settings, "running")?;
        Ok(Self {
            settings,
            source: Source::Running(Arc::new(Running { averages, averaging })),
            moved: false,
        })
    }

    /// The same plan, saying that its given numbers have taken in the very batch they are applied to, as running
    /// statistics in training have: to the gradient they are constants, but they depend on every sample.
    #[must_use]
    pub fn moved_by_batch(self) -> Self {
        Self { moved: true, ..self }
    }

    /// The settings.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Whether the batch is measured.
    pub(crate) fn measures(&self) -> bool {
        !matches!(self.source, Source::Given(_))
    }

    /// Whether λ and μ depend on the batch.
    pub(crate) fn depends_on_batch(&self) -> bool {
        self.measures() || self.moved
    }

    /// What every group uses, from its `moments` if the batch was [measured](Self::measures).
    ///
    /// # Errors
    /// Running averages of another number of groups.
    pub(super) fn rows<S: Scalar>(
        &self,
        groups: usize,
        moments: Option<Vec<BatchMoments<S>>>,
    ) -> Result<Vec<Row<S>>> {
        let moment = self.settings.moment;
        let Some(moments) = moments else {
            return Ok((0..groups).map(|g| constant(self.constant(g), None)).collect());
        };
        if let Source::Running(running) = &self.source {
            let mut averages = running.averages.clone();
            averages.update(&running.averaging, &moments, moment)?;
            let rows = averages.applied().into_iter().zip(moments);
            return Ok(rows
                .map(|(applied, m)| Row {
                    degenerate: m.ratios(moment).is_none(),
                    ..constant(applied, Some(m))
                })
                .collect());
        }
        let row = |(g, m): (usize, BatchMoments<S>)| match m.ratios(moment).and_then(|r| r.factor()) {
            Some(lambda) => Row { lambda, mu: m.m1, degenerate: false, moments: Some(m) },
            None => constant(self.constant(g), Some(m)),
        };
        Ok(moments.into_iter().enumerate().map(row).collect())
    }

    /// What `group` takes where its batch says nothing.
    pub(crate) fn constant(&self, group: usize) -> Applied {
        match &self.source {
            Source::Given(values) | Source::BatchOr(values) => values[group],
            Source::Batch | Source::Running(_) => Applied::default(),
        }
    }

    /// Checks that there are numbers for `groups` groups, if there are any.
    pub(crate) fn check(&self, groups: usize) -> Result<()> {
        match &self.source {
            Source::Given(values) | Source::BatchOr(values) if values.len() != groups => {
                Err(Error::Argument {
                    op: NAME,
                    what: format!("λ and μ of {} groups given", values.len()),
                    legal: format!("{groups}: one for each group of the input"),
                })
            }
            _ => Ok(()),
        }
    }
}

/// A row with a constant λ and μ; degenerate if the batch was measured to no avail.
fn constant<S: Scalar>(Applied { lambda, mu }: Applied, moments: Option<BatchMoments<S>>) -> Row<S> {
    let (lambda, mu) = (S::from_f64(lambda), S::from_f64(mu));
    Row { lambda, mu, degenerate: moments.is_some(), moments }
}

/// Refuses a full gradient where there are no batch statistics to differentiate.
fn not_full(settings: Settings, statistics: &str) -> Result<()> {
    if settings.gradient == GradientMode::Full {
        return Err(Error::Argument {
            op: NAME,
            what: format!("gradient mode `full` asked for with {statistics} statistics"),
            legal: format!(
                "`detached`, as {statistics} λ and μ do not depend on the batch; or the batch's statistics"
            ),
        });
    }
    Ok(())
}

/// Refuses numbers that are not finite.
fn finite(values: Vec<Applied>) -> Result<Arc<[Applied]>> {
    match values.iter().find(|v| !(v.lambda.is_finite() && v.mu.is_finite())) {
        None => Ok(values.into()),
        Some(v) => Err(Error::Argument {
            op: NAME,
            what: format!("λ = {} and μ = {} given", v.lambda, v.mu),
            legal: "finite numbers".into(),
        }),
    }
}

impl fmt::Debug for Plan {
    /// Short, for listings: `raw detached layer batch`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { moment, gradient, granularity } = self.settings;
        let source = match self.source {
            Source::Batch | Source::BatchOr(_) => "batch",
            Source::Given(_) => "given",
            Source::Running(_) => "running",
        };
        f.write_str(&format!("{moment:?} {gradient:?} {granularity:?} {source}").to_lowercase())
    }
}
