//! The variance of every layer's gradients, predicted and measured on the tape of a real network.
//!
//! The prediction is an abstract run of the tape: every op maps the second moments of its inputs to those of its
//! output, and every backward rule maps E\[δ²\] of its output to that of its inputs, under the assumptions of the
//! general form: weights of zero mean, independent of activations and of δ; pre-activations Gaussian; branches of a
//! residual sum independent. What the prediction is told: the input's moments, the weights' mean squares, the batch
//! norms' γ and β, the adjustments α, and E\[δ²\] at the output. Everything else follows, except at a
//! maximum, whose output and whose winners' slopes are taken as measured, since a winner is no typical z, and at an op
//! unknown here: its output is taken as measured and the way back ends there, so that rows before it have no predicted δ.
//!
//! ```text
//! Var[z_{l+1}]  = n_{l+1} · Var[w_{l+1}] · ρ_l · Var[z_l]
//! E[δ_l²]       = m_{l+1} · Var[w_{l+1}] · ρ′_l · E[δ_{l+1}²]
//! E[(∂L/∂w_l)²] = P_l · E[x_l²] · E[δ_l²]
//! ```
//!
//! n counts the taps of a convolution that fall inside the image, averaged over outputs; m the same from the input's
//! side; P the positions at which a weight is used, in all samples: zero padding is accounted for.
//!
//! A batch normalization divides by the variance *inside each channel*. Behind an activation whose mean is not 0 that is
//! n·Var\[w\]·Var\[x\] and not n·Var\[w\]·E\[x²\], so the part of E\[x²\] that lies in channel means is carried along; for
//! Swish the difference is 1.14 per layer on the way back, for ReLU π/(π − 1). The normalized activations have none.
//!
//! Source: the general form is of *ANAct* (arXiv 2208.13315); borders, residual sums, batch norm and pooling are our
//! own derivation.

mod fans;
mod function;
mod measure;
mod moments;
mod predict;
mod sample;
mod sites;

pub(super) use self::function::Function;
use self::predict::Source;
use self::sample::Theory;
pub(super) use self::sample::log_spread;
use autograd::{Gradients, Result, Scalar, Tape, Var};
use serde::{Deserialize, Serialize};

/// The numbers of one layer; absent where they do not apply, as ρ where no activation follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantities {
    /// E\[x²\] of the layer's input.
    pub input: Option<f64>,
    /// Var\[z\] of the activation's input, or of the layer's own output where no activation follows.
    pub variance_z: Option<f64>,
    /// ρ = E\[f(z)²\]/Var\[z\], or centred, as the node's λ uses it; of f itself, without any factor.
    pub rho: Option<f64>,
    /// ρ′ = E\[f′(z)²\].
    pub rho_prime: Option<f64>,
    /// The factor as applied: κ = λ + 0.3·tanh α, and 1 for a plain activation.
    pub kappa: Option<f64>,
    /// κ²ρ.
    pub scaled_rho: Option<f64>,
    /// κ²ρ′.
    pub scaled_rho_prime: Option<f64>,
    /// E\[δ²\], δ = ∂L/∂z at the same place as Var\[z\].
    pub delta: Option<f64>,
    /// E\[(∂L/∂w)²\], the mean over the layer's weights.
    pub weight_gradient: Option<f64>,
}

/// One layer with weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerRow {
    /// Its path in the network.
    pub layer: String,
    /// The activation that its output reaches through normalizations and sums, such as `nswish`.
    pub activation: Option<String>,
    /// By the general form alone, from the input's moments, the weights' mean squares and E\[δ²\] at the output.
    pub predicted: Quantities,
    /// The general form again, but with ρ and ρ′ of every activation as measured on this tape.
    pub with_measured_ratios: Quantities,
    /// The general form for every sample (and position) by itself, averaged last.
    pub per_sample: BackwardMoments,
    /// The same for every unit by itself, which residual sums keep apart.
    pub per_unit: BackwardMoments,
    /// The same, with the share of δ that returns along the activations.
    pub two_state: BackwardMoments,
    /// a of the layer's activation, the mean over samples: how differences between the samples' norms grow.
    pub slope: Option<f64>,
    /// The standard deviation over samples of log q, q = |z|²/n.
    pub log_q_spread: Option<f64>,
    /// On this tape.
    pub measured: Quantities,
}

/// What comes back to a layer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct BackwardMoments {
    /// E\[δ²\], as in [`Quantities`].
    pub delta: Option<f64>,
    /// E\[(∂L/∂w)²\].
    pub weight_gradient: Option<f64>,
}

/// Predicts and measures every layer with weights between the tape's input and `output`, from input to output.
/// `gradients` are those of a backward pass through `output` which kept every node's, or at least the weights' and those
/// of the nodes that [`compared`] names: [`Keep::All`](autograd::Keep::All), or
/// [`Keep::Watched`](autograd::Keep::Watched) with these nodes watched.
///
/// # Errors
/// Gradients that were not kept.
pub fn compare<S: Scalar>(
    tape: &Tape<S>,
    output: Var<'_, S>,
    gradients: &Gradients<S>,
) -> Result<Vec<LayerRow>> {
    let sites = sites::find(tape, output);
    let cotangent = gradients.wrt(output)?;
    let at_output = measure::second_moment(cotangent.data());
    let pooled = |source| predict::run(tape, output, at_output, source);
    let (prediction, with_measured_ratios) = (pooled(Source::Gaussian)?, pooled(Source::Measured)?);
    let by_sample = |theory| sample::predict(tape, output, &cotangent, theory, &sites);
    let [per_sample, per_unit, two_state] =
        [Theory::PerSample, Theory::PerUnit, Theory::TwoState].map(by_sample);
    let row = |(i, site): (usize, &sites::Site<'_, S>)| {
        Ok(LayerRow {
            layer: site.weight_op.scope(),
            activation: site.activation.as_ref().map(|a| a.node.label()),
            predicted: prediction.quantities(site),
            with_measured_ratios: with_measured_ratios.quantities(site),
            per_sample: per_sample[i],
            per_unit: per_unit[i],
            two_state: two_state[i],
            slope: site.activation.as_ref().and_then(|a| sample::slope(&a.node, a.input, a.output)),
            log_q_spread: sample::log_q_spread(site.z),
            measured: measure::quantities(site, gradients)?,
        })
    };
    sites.iter().enumerate().map(row).collect()
}

/// The nodes whose gradients [`compare`] reads, besides the weights': `output` and, for every layer, where Var\[z\] and
/// E\[δ²\] are looked at. A pass that keeps no other ([`Keep::Watched`](autograd::Keep::Watched)) saves the rest.
pub fn compared<'t, S: Scalar>(tape: &'t Tape<S>, output: Var<'t, S>) -> Vec<Var<'t, S>> {
    sites::find(tape, output).iter().map(|site| site.z).chain([output]).collect()
}

#[cfg(test)]
mod tests;
