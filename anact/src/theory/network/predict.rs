//! The abstract run: second moments forward, E[δ²] backward.

use autograd::{Map, Result, Scalar, Tape, Var, ops};

use super::Quantities;
use super::fans::{Fans, unevenness};
use super::function::ActivationNode;
use super::measure::{mean, second_moment};
use super::moments::Moments;
use super::sample::pooling::{mean_pooling, winners_slope};
use super::sites::{Site, has_weights};
use crate::factor::{Ratios, factor};

/// Where ρ, ρ′ and κ come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A Gaussian z of the predicted moments.
    Gaussian,
    /// The tape.
    Measured,
}

/// An activation's part of the prediction.
#[derive(Debug, Clone, Copy)]
struct Slope {
    ratios: Ratios<f64>,
    /// κ as predicted.
    kappa: f64,
    /// E\[h′²\] where the gradient arrives: κ²ρ′, but behind a maximum the winners' own, as measured.
    squared: f64,
}

/// E[δ²] at a node, from the consumers seen so far.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Delta {
    /// The sum over consumers; 0 if there is none.
    Known(f64),
    /// A consumer has no backward rule: any sum would be too small.
    Unknown,
}

/// Predicted numbers by node.
#[derive(Debug)]
pub(super) struct Prediction {
    source: Source,
    moments: Vec<Moments>,
    slopes: Vec<Option<Slope>>,
    deltas: Vec<Delta>,
}

/// Runs the prediction up to `output`, where E[δ²] is `at_output`.
pub(super) fn run<S: Scalar>(
    tape: &Tape<S>,
    output: Var<'_, S>,
    at_output: f64,
    source: Source,
) -> Result<Prediction> {
    let nodes: Vec<Var<'_, S>> = tape.vars().take(output.id().index() + 1).collect();
    let mut prediction = Prediction {
        source,
        moments: Vec::with_capacity(nodes.len()),
        slopes: vec![None; nodes.len()],
        deltas: vec![Delta::Known(0.0); nodes.len()],
    };
    for &node in &nodes {
        let moments = prediction.forward(node)?;
        prediction.moments.push(moments);
    }
    prediction.deltas[output.id().index()] = Delta::Known(at_output);
    for &node in nodes.iter().rev().filter(|n| n.needs_gradient()) {
        prediction.backward(node);
    }
    Ok(prediction)
}

impl Prediction {
    fn of<S: Scalar>(&self, var: Var<'_, S>) -> Moments {
        self.moments[var.id().index()]
    }

    /// The moments of `node` from those of its inputs. A leaf, and a node without a rule, is measured.
    fn forward<S: Scalar>(&mut self, node: Var<'_, S>) -> Result<Moments> {
        if let Some(activation) = ActivationNode::of(node) {
            return self.activate(node, &activation);
        }
        let inputs = node.inputs();
        let of = |i: usize| self.of(inputs[i]);
        Ok(match node.op_name() {
            "conv2d" | "matmul" if has_weights(node) => match Fans::of(node) {
                Some(fans) => {
                    // Weights of zero mean, independent of x: every mixed term vanishes.
                    let (x, weight) = (of(0), of(1).second);
                    let own = Moments {
                        mean: 0.0,
                        second: weight * fans.inward * x.second,
                        fixed: weight * fans.inward_fixed * x.fixed,
                        unevenness: unevenness(inputs[1]),
                    };
                    inputs.get(2).map_or(own, |bias| own.plus(self.of(*bias)))
                }
                None => Moments::measured(node),
            },
            "add" => of(0).plus(of(1)),
            "batch_norm" => {
                // x̂ has mean 0 and variance v/(v + ε), which is 1 for all that matters here.
                let (gamma, beta) = (of(1), of(2));
                Moments {
                    mean: beta.mean,
                    second: gamma.second + beta.second,
                    fixed: beta.second,
                    unevenness: 1.0,
                }
            }
            "reshape" => of(0),
            "scale" => match node.op_as::<Map<ops::Scale>>() {
                Some(Map(ops::Scale(factor))) => of(0).scaled(factor),
                None => Moments::measured(node),
            },
            "dropout" | "stochastic_depth" => {
                // A mask of 0 and 1/(1 − p), as it fell, whatever x is: of mean 1 over all draws, not in one.
                let x = of(0);
                let (mean, second) =
                    node.saved().first().map_or((1.0, 1.0), |m| (mean(m.data()), second_moment(m.data())));
                Moments { mean: mean * x.mean, second: second * x.second, fixed: mean * mean * x.fixed, ..x }
            }
            "global_avg_pool" | "avg_pool2d" => match mean_pooling(node) {
                Some(shares) => of(0).averaged(shares),
                None => Moments::measured(node),
            },
            _ => Moments::measured(node),
        })
    }

    /// The moments behind an activation.
    fn activate<S: Scalar>(&mut self, node: Var<'_, S>, activation: &ActivationNode) -> Result<Moments> {
        let z = self.of(node.inputs()[0]);
        let std = z.variance().sqrt();
        if !(std > 0.0 && std.is_finite()) {
            return Ok(Moments::measured(node));
        }
        if self.source == Source::Measured {
            return self.activate_as_measured(node, activation, z);
        }
        let gaussian = activation.function.gaussian(z.mean, std)?;
        let (kappa, mean) = match &activation.normalization {
            // μ, the mean of f, is subtracted.
            Some(n) => {
                let ratios = gaussian.ratios(n.moment);
                (factor(ratios.forward, ratios.backward).unwrap_or(1.0) + n.adjustment, 0.0)
            }
            None => (1.0, gaussian.f),
        };
        let ratios = gaussian.ratios(activation.moment());
        let squared = kappa * kappa * ratios.backward;
        self.slopes[node.id().index()] = Some(Slope { ratios, kappa, squared });
        // Channel means that differ by little move the output's by E[f′] times as much.
        let spread = (z.fixed - z.mean * z.mean).max(0.0);
        let moved = (kappa * gaussian.df).powi(2) * spread;
        let behind = Moments::alike(mean, kappa * kappa * gaussian.f_var);
        Ok(Moments { fixed: (behind.fixed + moved).min(behind.second), ..behind })
    }

    /// The moments behind an activation whose ratios are those of the tape: what it makes of the second moment there, it
    /// makes of the predicted one.
    fn activate_as_measured<S: Scalar>(
        &mut self,
        node: Var<'_, S>,
        activation: &ActivationNode,
        z: Moments,
    ) -> Result<Moments> {
        let (own, on_tape) =
            (Moments::measured(node), activation.function.on(&node.inputs()[0].value().cast())?);
        let Some(ratios) = on_tape.ratios(activation.moment()) else { return Ok(own) };
        let kappa = activation.kappa();
        let squared = kappa * kappa * ratios.backward;
        self.slopes[node.id().index()] = Some(Slope { ratios, kappa, squared });
        Ok(own.scaled((z.variance() / on_tape.z_var).sqrt()))
    }

    /// Passes E[δ²] of `node` on to its inputs; contributions of independent branches add.
    fn backward<S: Scalar>(&mut self, node: Var<'_, S>) {
        let delta = self.deltas[node.id().index()];
        if node.op_name() == "max_pool2d" {
            self.meet_winners(node.inputs()[0], node);
        }
        let factors = self.factors(node);
        for (i, input) in node.inputs().iter().enumerate().filter(|(_, x)| x.needs_gradient()) {
            let slot = &mut self.deltas[input.id().index()];
            *slot = match (*slot, delta, factors.as_ref().map(|f| f.get(i))) {
                // Parameters have no rule of their own here: their gradients are the rows' business.
                (slot, _, Some(None)) => slot,
                (Delta::Known(sum), Delta::Known(delta), Some(Some(factor))) => {
                    Delta::Known(sum + factor * delta)
                }
                (slot, Delta::Known(0.0), None) => slot,
                _ => Delta::Unknown,
            };
        }
    }

    /// Where a maximum follows, the slopes that count are the winners'.
    fn meet_winners<S: Scalar>(&mut self, x: Var<'_, S>, maximum: Var<'_, S>) {
        if let (Some(slope), Some(activation)) = (&mut self.slopes[x.id().index()], ActivationNode::of(x)) {
            slope.squared = winners_slope(maximum, &activation.slopes(x)).unwrap_or(slope.squared);
        }
    }

    /// What E[δ²] is multiplied by on its way to each of the first inputs; `None` without a rule.
    fn factors<S: Scalar>(&self, node: Var<'_, S>) -> Option<Vec<f64>> {
        let inputs = node.inputs();
        if let Some(slope) = self.slopes[node.id().index()] {
            return Some(vec![slope.squared]);
        }
        if inputs.is_empty() {
            return Some(Vec::new());
        }
        let second = |i: usize| self.of(inputs[i]).second;
        let share = node.shape().len() as f64 / inputs[0].shape().len() as f64;
        Some(match node.op_name() {
            "conv2d" | "matmul" if has_weights(node) => vec![Fans::of(node)?.outward * second(1)],
            // A gradient that was broadcast is summed back.
            "add" => {
                let broadcast = |x: &Var<'_, S>| node.shape().len() as f64 / x.shape().len() as f64;
                inputs.iter().map(broadcast).collect()
            }
            "batch_norm" => {
                let x = self.of(inputs[0]);
                vec![second(1) * x.unevenness / x.within()]
            }
            "batch_norm_inference" => vec![inference_slope(node)?],
            "reshape" => vec![1.0],
            "scale" => match node.op_as::<Map<ops::Scale>>()? {
                Map(ops::Scale(factor)) => vec![factor * factor],
            },
            // Every window's gradient goes to its winner alone.
            "max_pool2d" => vec![share],
            "dropout" | "stochastic_depth" => vec![second_moment(node.saved().first()?.data())],
            // Every input gets its share of δ from every window that it lies in.
            "global_avg_pool" | "avg_pool2d" => vec![share * mean_pooling(node)?.squares],
            _ => return None,
        })
    }

    /// The predicted numbers of one layer.
    pub(super) fn quantities<S: Scalar>(&self, site: &Site<'_, S>) -> Quantities {
        let known = |delta: Delta| match delta {
            Delta::Known(x) => Some(x),
            Delta::Unknown => None,
        };
        let x = self.of(site.weight_op.inputs()[0]);
        // Behind a batch normalization Σδ over a channel is 0, so what is fixed in x meets nothing.
        let seen = if site.is_batch_normalized { x.within() } else { x.second };
        let own = known(self.deltas[site.weight_op.id().index()]);
        let uses = Fans::of(site.weight_op).map(|f| f.uses);
        let mut q = Quantities {
            input: Some(x.second),
            variance_z: Some(self.of(site.z).variance()),
            delta: known(self.deltas[site.z.id().index()]),
            weight_gradient: own.zip(uses).map(|(delta, uses)| uses * seen * delta),
            ..Quantities::default()
        };
        let slope = site.activation.as_ref().and_then(|a| self.slopes[a.output.id().index()].map(|s| (a, s)));
        if let Some((_, slope)) = slope {
            let ratios = slope.ratios;
            let scaled = ratios.scaled(slope.kappa);
            q.kappa = Some(slope.kappa);
            (q.rho, q.rho_prime) = (Some(ratios.forward), Some(ratios.backward));
            (q.scaled_rho, q.scaled_rho_prime) = (Some(scaled.forward), Some(scaled.backward));
        }
        q
    }
}

/// The mean over channels of γ²/Var for given statistics; ε is left out.
fn inference_slope<S: Scalar>(node: Var<'_, S>) -> Option<f64> {
    let inputs = node.inputs();
    let (gamma, variance) = (inputs.get(1)?.value(), inputs.get(4)?.value());
    let slopes = gamma.data().iter().zip(variance.data()).map(|(g, v)| g.to_f64().powi(2) / v.to_f64());
    Some(slopes.sum::<f64>() / gamma.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use autograd::Tensor;
    use proptest::prelude::*;

    proptest! {
        /// Channels of any means, alike in all samples, whatever samples are dropped: the moments of what is left are those
        /// of the tape.
        #[test]
        fn a_mask_moves_means_as_it_fell(seed in any::<u64>(), p in 0.0..0.9, samples in 1usize..6, channels in 1usize..4) {
            let tape = Tape::<f64>::new();
            let values = (0..samples * channels).map(|i| (i % channels) as f64 - 0.5).collect();
            let x = tape.variable(Tensor::filled([samples, channels, 1, 1].into(), values));
            let y = x.stochastic_depth(p, seed, 0).unwrap();
            let predicted = run(&tape, y, 1.0, Source::Gaussian).unwrap().of(y);
            let measured = Moments::measured(y);
            for (a, b) in [
                (predicted.mean, measured.mean),
                (predicted.second, measured.second),
                (predicted.fixed, measured.fixed),
            ] {
                prop_assert!((a - b).abs() <= 1e-12 * (1.0 + b.abs()), "{predicted:?} {measured:?}");
            }
        }
    }
}
