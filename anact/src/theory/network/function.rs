//! Recognising activations on a tape, whatever their type.

use std::fmt::Debug;

use autograd::ops::activation::{ACTIVATIONS, LeakyRelu, Visitor, with_activation};
use autograd::{Elementwise, Map, Result, Scalar, Tensor, Var};

use crate::groups::Granularity;
use crate::moments::{BatchMoments, ForwardMoment, measure};
use crate::node::{ADJUSTMENT, NodeStatistics, Normalize};
use crate::rivals::{self, Affine};
use crate::theory::gaussian::GaussianMoments;

/// An elementwise function whose type has been forgotten.
pub(in crate::theory) trait Function: Debug + Sync {
    fn label(&self) -> String;
    /// Its moments under N(mean, std²).
    fn gaussian(&self, mean: f64, std: f64) -> Result<GaussianMoments>;
    /// f at every element.
    fn values(&self, z: &[f64]) -> Vec<f64>;
    /// f′ at every element.
    fn slopes(&self, z: &[f64]) -> Vec<f64>;
    /// Its moments on a sample.
    fn on(&self, z: &Tensor<f64>) -> Result<BatchMoments<f64>>;
}

impl<E: Elementwise> Function for E {
    fn label(&self) -> String {
        Elementwise::label(self)
    }

    fn gaussian(&self, mean: f64, std: f64) -> Result<GaussianMoments> {
        GaussianMoments::of(self, mean, std)
    }

    fn values(&self, z: &[f64]) -> Vec<f64> {
        z.iter().map(|&z| self.f(z)).collect()
    }

    fn slopes(&self, z: &[f64]) -> Vec<f64> {
        z.iter().map(|&z| self.df(z, self.f(z))).collect()
    }

    fn on(&self, z: &Tensor<f64>) -> Result<BatchMoments<f64>> {
        Ok(measure(self, z, Granularity::Layer)?[0])
    }
}

/// What normalizes an activation.
#[derive(Debug, Clone)]
pub(super) struct Normalization {
    /// Which ρ its λ is made of.
    pub(super) moment: ForwardMoment,
    /// 0.3·tanh α, the mean over groups.
    pub(super) adjustment: f64,
    /// κ as applied on this tape, group by group.
    kappas: Vec<f64>,
}

impl Normalization {
    /// κ as applied on this tape, the mean over groups.
    pub(super) fn kappa(&self) -> f64 {
        self.kappas.iter().sum::<f64>() / self.kappas.len().max(1) as f64
    }
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
        let is_any = name == crate::node::NAME || name == rivals::NAME;
        let is_candidate = |plain: &str| name == plain || is_any;
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

    /// h′ = κ·f′ at every element of `node`, which is the activation's own.
    pub(super) fn slopes<S: Scalar>(&self, node: Var<'_, S>) -> Vec<f64> {
        let z: Vec<f64> = node.inputs()[0].value().data().iter().map(|z| z.to_f64()).collect();
        let mut slopes = self.function.slopes(&z);
        if let Some(n) = &self.normalization {
            // Groups are channels, axis 1, or there is one.
            let positions: usize = node.shape().dims().iter().skip(2).product();
            let groups = n.kappas.len();
            for (i, slope) in slopes.iter_mut().enumerate() {
                *slope *= n.kappas[i / positions % groups];
            }
        }
        slopes
    }

    /// κ as applied, the mean over groups; 1 for a plain activation.
    pub(super) fn kappa(&self) -> f64 {
        self.normalization.as_ref().map_or(1.0, Normalization::kappa)
    }

    /// Which ρ is meant.
    pub(super) fn moment(&self) -> ForwardMoment {
        self.normalization.as_ref().map_or(ForwardMoment::Raw, |n| n.moment)
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
        if let Some(Map(rival)) = self.0.op_as::<Map<Affine<E>>>() {
            return Some(ActivationNode { function: Box::new(rival), normalization: None });
        }
        let node = self.0.op_as::<Normalize<E>>()?;
        let groups = NodeStatistics::of(self.0)?.groups;
        let alpha = self.0.inputs().get(1).map(|a| a.value());
        let alpha = alpha.iter().flat_map(Tensor::data).map(|a| ADJUSTMENT * a.to_f64().tanh());
        let adjustments: Vec<f64> = alpha.chain(std::iter::repeat(0.0)).take(groups.len()).collect();
        let kappas = groups.iter().zip(&adjustments).map(|(g, adjustment)| g.lambda + adjustment).collect();
        let adjustment = adjustments.iter().sum::<f64>() / groups.len() as f64;
        let normalization = Normalization { moment: node.plan().settings().moment, adjustment, kappas };
        Some(ActivationNode { function: Box::new(node.function()), normalization: Some(normalization) })
    }
}
