//! What is found out, with types that say of which vectors it is.

use std::fmt;
use std::marker::PhantomData;

use super::classify::Classes;
use super::{Reduction, SampleSemantics};
use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::tape::{NodeId, Var};
use crate::tensor::Tensor;

/// Marks statistics of gₙ = ∂ℓₙ/∂θ, the gradient of a sample's own loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerSample {}

/// Marks statistics of cₙ, what a sample contributes to ∂L/∂θ = Σₙ cₙ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contribution {}

/// Mean and variance over N samples of the vectors that `K` names: [`PerSample`] or [`Contribution`].
#[derive(Clone, PartialEq)]
pub struct SampleStatistics<K> {
    count: usize,
    mean: Tensor<f64>,
    variance: Tensor<f64>,
    kind: PhantomData<K>,
}

impl<K> fmt::Debug for SampleStatistics<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = std::any::type_name::<K>().rsplit("::").next().unwrap_or_default();
        let mut out = f.debug_struct(&format!("SampleStatistics<{kind}>"));
        out.field("count", &self.count).field("mean", &self.mean).field("variance", &self.variance).finish()
    }
}

impl<K> SampleStatistics<K> {
    pub(super) fn new(count: usize, mean: Tensor<f64>, variance: Tensor<f64>) -> Self {
        Self { count, mean, variance, kind: PhantomData }
    }

    /// N.
    pub fn count(&self) -> usize {
        self.count
    }

    /// (1/N) Σₙ, elementwise, of the parameter's shape.
    pub fn mean(&self) -> &Tensor<f64> {
        &self.mean
    }

    /// The population variance (1/N) Σₙ (· − mean)², elementwise, of the parameter's shape. 0 for one sample.
    pub fn variance(&self) -> &Tensor<f64> {
        &self.variance
    }

    /// The unbiased estimate 1/(N − 1) Σₙ (· − mean)²; `None` for one sample, which says nothing about it.
    pub fn unbiased_variance(&self) -> Option<Tensor<f64>> {
        let n = self.count as f64;
        (self.count > 1).then(|| scaled(&self.variance, n / (n - 1.0)))
    }

    /// The trace of the (population) covariance: Σ of the elementwise variances.
    pub fn total_variance(&self) -> f64 {
        crate::kernels::reduce::sum(self.variance.data())
    }

    /// ‖mean‖².
    pub fn squared_norm(&self) -> f64 {
        crate::kernels::reduce::dot(self.mean.data(), self.mean.data())
    }

    /// ‖mean‖² / total variance, the same for gₙ and cₙ. ∞ without any variance; NaN if both are 0.
    pub fn signal_to_noise(&self) -> f64 {
        self.squared_norm() / self.total_variance()
    }
}

fn scaled(x: &Tensor<f64>, factor: f64) -> Tensor<f64> {
    Tensor::filled(x.shape(), x.data().iter().map(|x| factor * x).collect())
}

/// One parameter's statistics.
#[derive(Debug, Clone)]
pub struct ParameterStatistics {
    name: Option<String>,
    node: NodeId,
    /// gₙ/cₙ.
    factor: f64,
    contribution: SampleStatistics<Contribution>,
}

impl ParameterStatistics {
    pub(super) fn new(
        name: Option<String>,
        node: NodeId,
        contribution: SampleStatistics<Contribution>,
        classes: &Classes,
    ) -> Self {
        let factor = match classes.reduction {
            Reduction::Mean => contribution.count as f64,
            Reduction::Sum => 1.0,
        };
        Self { name, node, factor, contribution }
    }

    /// The leaf's full name; `None` for a variable without one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The leaf's position on the tape.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Of cₙ, with Σₙ cₙ = ∂L/∂θ.
    pub fn contribution(&self) -> &SampleStatistics<Contribution> {
        &self.contribution
    }

    /// Of gₙ = ∂ℓₙ/∂θ. Under [`SampleSemantics::BatchStatistics`] that of cₙ times N for a mean, which is a
    /// derivative of ℓₙ only where that says so.
    pub fn per_sample(&self) -> SampleStatistics<PerSample> {
        let SampleStatistics { count, mean, variance, .. } = &self.contribution;
        SampleStatistics::new(*count, scaled(mean, self.factor), scaled(variance, self.factor * self.factor))
    }
}

/// The statistics of all parameters, labelled with what was assumed.
#[derive(Debug, Clone)]
pub struct PerSampleStatistics {
    /// What was done about statistics of the batch.
    pub semantics: SampleSemantics,
    /// How the loss reduces its samples.
    pub reduction: Reduction,
    /// N.
    pub count: usize,
    /// Named leaves in alphabetical order, then the variables asked for.
    pub parameters: Vec<ParameterStatistics>,
    /// The id of the tape.
    pub(super) tape: u64,
}

impl PerSampleStatistics {
    /// The statistics of the named leaf.
    ///
    /// # Errors
    /// No leaf of this name needs a gradient and reaches the loss.
    pub fn named(&self, name: &str) -> Result<&ParameterStatistics> {
        let names = || self.parameters.iter().filter_map(ParameterStatistics::name);
        let found = self.parameters.iter().find(|p| p.name() == Some(name));
        found.ok_or_else(|| Error::unknown("parameter of the loss", name, names()))
    }

    /// The statistics of a leaf of the tape they were taken on.
    ///
    /// # Errors
    /// It is of another tape, or none of the parameters.
    pub fn wrt<S: Scalar>(&self, var: Var<'_, S>) -> Result<&ParameterStatistics> {
        if var.tape().id != self.tape {
            return Err(Error::ForeignVar { op: "per_sample" });
        }
        let found = self.parameters.iter().find(|p| p.node == var.id());
        found.ok_or_else(|| Error::NoGradient {
            name: var.name().unwrap_or_else(|| format!("{var:?}")),
            reason: "it is neither a named leaf that the loss depends on nor one of the variables asked for",
        })
    }
}
