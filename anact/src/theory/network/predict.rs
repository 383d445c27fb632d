//! The abstract run: second moments forward, E[δ²] backward.

use autograd::{Result, Scalar, Tape, Var};

use super::Quantities;
use super::fans::Fans;
use super::function::ActivationNode;
use super::measure::{mean, second_moment};
use super::sites::{Site, has_weights};
use crate::factor::factor;
use crate::theory::gaussian::GaussianMoments;

/// Mean and second moment of a value, over everything in it.
#[derive(Debug, Clone, Copy)]
struct Moments {
    mean: f64,
    second: f64,
}

impl Moments {
    fn measured<S: Scalar>(var: Var<'_, S>) -> Self {
        let value = var.value();
        Self { mean: mean(value.data()), second: second_moment(value.data()) }
    }

    fn of(mean: f64, variance: f64) -> Self {
        Self { mean, second: variance + mean * mean }
    }

    fn variance(self) -> f64 {
        (self.second - self.mean * self.mean).max(0.0)
    }
}

/// An activation's part of the prediction.
#[derive(Debug, Clone, Copy)]
struct Slope {
    gaussian: GaussianMoments,
    /// κ as predicted.
    kappa: f64,
}

/// Predicted numbers by node.
#[derive(Debug)]
pub(super) struct Prediction {
    moments: Vec<Moments>,
    slopes: Vec<Option<Slope>>,
    deltas: Vec<Option<f64>>,
}

/// Runs the prediction up to `output`, where E[δ²] is `at_output`.
pub(super) fn run<S: Scalar>(tape: &Tape<S>, output: Var<'_, S>, at_output: f64) -> Result<Prediction> {
    let nodes: Vec<Var<'_, S>> = tape.vars().take(output.id().index() + 1).collect();
    let mut prediction = Prediction {
        moments: Vec::with_capacity(nodes.len()),
        slopes: vec![None; nodes.len()],
        deltas: vec![None; nodes.len()],
    };
    for &node in &nodes {
        let moments = prediction.forward(node)?;
        prediction.moments.push(moments);
    }
    prediction.deltas[output.id().index()] = Some(at_output);
    for &node in nodes.iter().rev() {
        if let Some(delta) = prediction.deltas[node.id().index()] {
            prediction.backward(node, delta);
        }
    }
    Ok(prediction)
}

impl Prediction {
    /// The moments of `node` from those of its inputs. A leaf, and a node without a rule (max pooling), is measured.
    fn forward<S: Scalar>(&mut self, node: Var<'_, S>) -> Result<Moments> {
        let inputs = node.inputs();
        let of = |i: usize| self.moments[inputs[i].id().index()];
        if let Some(activation) = ActivationNode::of(node) {
            return self.activate(node, &activation);
        }
        Ok(match node.op_name() {
            "conv2d" | "matmul" if has_weights(node) => {
                let Some(fans) = Fans::of(node) else { return Ok(Moments::measured(node)) };
                let variance = fans.inward * of(1).second * of(0).second;
                let bias = inputs.get(2).map_or(Moments::of(0.0, 0.0), |b| self.moments[b.id().index()]);
                Moments { mean: bias.mean, second: variance + bias.second }
            }
            "add" => Moments::of(of(0).mean + of(1).mean, of(0).variance() + of(1).variance()),
            "batch_norm" | "batch_norm_inference" => {
                // x̂ has mean 0 and variance v/(v + ε), which is 1 for all that matters here.
                let (gamma, beta) = (of(1), of(2));
                Moments { mean: beta.mean, second: gamma.second + beta.second }
            }
            "reshape" => of(0),
            "dropout" => {
                let kept = node.saved().first().map_or(1.0, |m| second_moment(m.data()));
                Moments { mean: of(0).mean, second: of(0).second * kept }
            }
            "global_avg_pool" | "avg_pool2d" => {
                // Positions as if independent, which neighbouring ones are not.
                let averaged = inputs[0].shape().len() as f64 / node.shape().len() as f64;
                Moments::of(of(0).mean, of(0).variance() / averaged)
            }
            _ => Moments::measured(node),
        })
    }

    /// The moments behind an activation whose input is Gaussian.
    fn activate<S: Scalar>(&mut self, node: Var<'_, S>, activation: &ActivationNode) -> Result<Moments> {
        let z = self.moments[node.inputs()[0].id().index()];
        let std = z.variance().sqrt();
        if !(std > 0.0 && std.is_finite()) {
            return Ok(Moments::measured(node));
        }
        let gaussian = activation.function.gaussian(z.mean, std)?;
        let (kappa, mean) = match activation.normalization {
            // μ, the mean of f, is subtracted.
            Some(n) => {
                let ratios = gaussian.ratios(n.moment);
                (factor(ratios.forward, ratios.backward).unwrap_or(1.0) + n.adjustment, 0.0)
            }
            None => (1.0, gaussian.f),
        };
        self.slopes[node.id().index()] = Some(Slope { gaussian, kappa });
        Ok(Moments::of(mean, kappa * kappa * gaussian.f_var))
    }

    /// Passes E[δ²] of `node` on to its inputs; contributions of independent branches add.
    fn backward<S: Scalar>(&mut self, node: Var<'_, S>, delta: f64) {
        let inputs = node.inputs();
        let share = inputs.first().map_or(1.0, |x| node.shape().len() as f64 / x.shape().len() as f64);
        let factors: Vec<f64> = if let Some(slope) = self.slopes[node.id().index()] {
            vec![slope.kappa * slope.kappa * slope.gaussian.rho_prime()]
        } else {
            let second = |i: usize| self.moments[inputs[i].id().index()].second;
            match node.op_name() {
                "conv2d" | "matmul" if has_weights(node) => {
                    Fans::of(node).map(|f| f.outward * second(1)).into_iter().collect()
                }
                "add" => vec![1.0, 1.0],
                "batch_norm" | "batch_norm_inference" => {
                    let variance = self.moments[inputs[0].id().index()].variance();
                    vec![second(1) / variance]
                }
                "reshape" => vec![1.0],
                // One input of each window gets its δ.
                "max_pool2d" => vec![share],
                // Every input gets δ divided by the size of the window; windows as if they did not overlap.
                "global_avg_pool" | "avg_pool2d" => vec![share * share],
                // A mask of 0 and 1/(1 − p), as it fell.
                "dropout" => node.saved().first().map(|m| second_moment(m.data())).into_iter().collect(),
                _ => Vec::new(),
            }
        };
        for (input, factor) in inputs.iter().zip(factors) {
            let slot = &mut self.deltas[input.id().index()];
            *slot = Some(slot.unwrap_or(0.0) + factor * delta);
        }
    }

    /// The predicted numbers of one layer.
    pub(super) fn quantities<S: Scalar>(&self, site: &Site<'_, S>) -> Quantities {
        let input = site.weight_op.inputs()[0].id().index();
        let own = self.deltas[site.weight_op.id().index()];
        let uses = Fans::of(site.weight_op).map(|f| f.uses);
        let mut q = Quantities {
            variance_z: Some(self.moments[site.z.id().index()].variance()),
            delta: self.deltas[site.z.id().index()],
            weight_gradient: own.zip(uses).map(|(delta, uses)| uses * self.moments[input].second * delta),
            ..Quantities::default()
        };
        let slope = site.activation.as_ref().and_then(|a| self.slopes[a.output.id().index()].map(|s| (a, s)));
        if let Some((activation, slope)) = slope {
            let ratios = slope.gaussian.ratios(activation.node.moment());
            let scaled = ratios.scaled(slope.kappa);
            q.kappa = Some(slope.kappa);
            (q.rho, q.rho_prime) = (Some(ratios.forward), Some(ratios.backward));
            (q.scaled_rho, q.scaled_rho_prime) = (Some(scaled.forward), Some(scaled.backward));
        }
        q
    }
}
