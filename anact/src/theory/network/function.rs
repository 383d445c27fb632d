//! Recognising activations on a tape, whatever their type.

use std::fmt::Debug;

use autograd::ops::activation::{ACTIVATIONS, LeakyRelu, Visitor, with_activation};
use autograd::{Elementwise, Map, Result, Scalar, Tensor, Var};

use crate::groups::Granularity;
use crate::moments::{BatchMoments, ForwardMoment, measure};
use crate::node::{ADJUSTMENT, NodeStatistics, Normalize};
use crate::theory::gaussian::GaussianMoments;

/// An elementwise function whose type has been forgotten.
pub(super) trait Function: Debug {
    fn label(&self) -> String;
    /// Its moments under N(mean, std²).
    fn gaussian(&self, mean: f64, std: f64) -> Result<GaussianMoments>;
    /// Its moments on a sample.
    fn on(&self, z: &Tensor<f64>) -> Result<BatchMoments<f64>>;
}

impl<E: Elementwise> Function for E {
    fn label(&self) -> String {
        Elementwise::label(self)
    }

    fn gaussian(&self, mean: f64, std: f64) -> Result<GaussianMoments> {
        GaussianMoments::quadrature(self, mean, std)
    }

    fn on(&self, z: &Tensor<f64>) -> Result<BatchMoments<f64>> {
        Ok(measure(self, z, Granularity::Layer)?[0])
    }
}

/// What normalizes an activation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Normalization {
    /// Which ρ its λ is made of.
    pub(super) moment: ForwardMoment,
    /// 0.3·tanh α, the mean over groups.
    pub(super) adjustment: f64,
    /// κ as applied on this tape, the mean over groups.
    pub(super) kappa: f64,
}

/// An activation on a tape, plain or normalized.
#[derive(Debug)]
pub(super) struct ActivationNode {
    pub(super) function: Box<dyn Function>,
    pub(super) normalization: Option<Normalization>,
}

impl ActivationNode {
    /// The activation that `var` is the output of, if it is one.
    pub(super) fn of<S: Scalar>(var: Var<'_, S>) -> Option<Self> {
        let name = var.op_name();
        if name == "prelu" {
            // With one slope it is a leaky ReLU of that slope; with one per channel it has no single function.
            let slope = var.inputs().get(1)?.value().item().ok()?.to_f64();
            return Some(Self { function: Box::new(LeakyRelu { slope }), normalization: None });
        }
        let is_candidate = |plain: &str| name == plain || name == crate::node::NAME;
        ACTIVATIONS
            .iter()
            .filter(|a| is_candidate(a.name))
            .find_map(|a| with_activation(a.name, Recognise(var)).ok().flatten())
    }

    /// `swish`, or `nswish` if normalized.
    pub(super) fn label(&self) -> String {
        let plain = self.function.label();
        if self.normalization.is_some() { format!("n{plain}") } else { plain }
    }

    /// Which ρ is meant.
    pub(super) fn moment(&self) -> ForwardMoment {
        self.normalization.map_or(ForwardMoment::Raw, |n| n.moment)
    }
}

/// Asks whether a node applies the function of a type, with whatever parameter.
struct Recognise<'t, S>(Var<'t, S>);

impl<S: Scalar> Visitor for Recognise<'_, S> {
    type Output = Option<ActivationNode>;

    fn visit<E: Elementwise>(self, _default: E) -> Self::Output {
        if let Some(Map(function)) = self.0.op_as::<Map<E>>() {
            return Some(ActivationNode { function: Box::new(function), normalization: None });
        }
        let node = self.0.op_as::<Normalize<E>>()?;
        let groups = NodeStatistics::of(self.0)?.groups;
        let alpha = self.0.inputs().get(1).map(|a| a.value());
        let adjustments = alpha.iter().flat_map(Tensor::data).map(|a| ADJUSTMENT * a.to_f64().tanh());
        let adjustment = adjustments.sum::<f64>() / groups.len() as f64;
        let lambda = groups.iter().map(|g| g.lambda).sum::<f64>() / groups.len() as f64;
        let normalization =
            Normalization { moment: node.plan().settings().moment, adjustment, kappa: lambda + adjustment };
        Some(ActivationNode { function: Box::new(node.function()), normalization: Some(normalization) })
    }
}
