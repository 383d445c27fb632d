//! Stochastic depth.

use autograd::{Result, Scalar, Var, ops};

use crate::batch_norm::BatchNorm2d;
use crate::context::Context;
use crate::layer::Layer;
use crate::normed::Normed;

/// In training, zeroes each sample's branch with the given probability p and scales the others by 1/(1 − p); in
/// evaluation the identity.
///
/// Which samples are dropped follows from the [site's key](Context::site_key): from seed, step and number alone, so a
/// fused, an unfused and a checkpointed step drop the same ones. What is dropped is computed all the same, so every
/// parameter has a gradient and running statistics move in every step; no time is saved. See
/// [`ops::StochasticDepth`] for the source and for how this differs from the paper.
#[derive(Debug, Clone, Copy)]
pub struct StochasticDepth {
    probability: f64,
    number: u64,
}

impl StochasticDepth {
    /// Drops with `probability`, at the random site `number` of a network.
    ///
    /// # Errors
    /// The probability is not in [0, 1).
    pub fn new(probability: f64, number: u64) -> Result<Self> {
        // The op knows the legal range; asking it here refuses a bad value at construction.
        ops::StochasticDepth::new(probability, 0, 0)?;
        Ok(Self { probability, number })
    }

    /// The linear decay rule: block `place` of `count`, counted from 1, is dropped with probability
    /// `last`·place/count, at site `number`; `None` where that is 0.
    /// Source: Huang et al. (2016), equation 4, in terms of survival.
    ///
    /// # Errors
    /// `last` is not in [0, 1).
    pub fn decaying(last: f64, place: usize, count: usize, number: u64) -> Result<Option<Self>> {
        let depth = Self::new(last, number)?;
        let probability = last * place as f64 / count as f64;
        Ok((probability > 0.0).then_some(Self { probability, ..depth }))
    }
}

impl<S: Scalar> Layer<S> for StochasticDepth {
    fn forward<'t>(&mut self, cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        if !cx.is_training() {
            return Ok(x);
        }
        let (seed, index) = cx.site_key(self.number);
        x.stochastic_depth(self.probability, seed, index)
    }
}

impl<'t, S: Scalar> Context<'t, S> {
    /// The normalization that ends a residual branch, and what drops the branch: only without it can the norm become
    /// part of the op behind it.
    pub(crate) fn branch_end<'a>(
        &self,
        name: &str,
        norm: &'a mut BatchNorm2d<S>,
        depth: Option<&mut StochasticDepth>,
        x: Var<'t, S>,
    ) -> Result<Normed<'a, 't, S>> {
        let Some(depth) = depth else { return self.norm(name, norm, x) };
        let z = self.call(name, norm, x)?;
        Ok(Normed::from(self.call("stochastic_depth", depth, z)?))
    }
}

#[cfg(test)]
mod tests {
    use autograd::{Tape, Tensor};

    use super::*;

    fn factors(layer: &mut StochasticDepth, cx: &Context<'_, f64>) -> Vec<f64> {
        let x = cx.tape().constant(Tensor::full([200, 1], 1.0));
        layer.forward(cx, x).unwrap().value().data().to_vec()
    }

    #[test]
    fn evaluation_is_the_identity() {
        let tape = Tape::<f64>::new();
        let cx = Context::eval(&tape);
        assert_eq!(factors(&mut StochasticDepth::new(0.9, 0).unwrap(), &cx), [1.0; 200]);
    }

    /// Nodes recorded before make no difference, but seed, step and number do.
    #[test]
    fn samples_follow_from_seed_step_and_number_alone() {
        let tape = Tape::<f64>::new();
        let run = |seed, step, number| {
            factors(&mut StochasticDepth::new(0.5, number).unwrap(), &Context::train(&tape, seed, step))
        };
        let first = run(1, 0, 3);
        assert_eq!(run(1, 0, 3), first);
        assert!(first.iter().all(|&m| m == 0.0 || m == 2.0));
        for other in [run(2, 0, 3), run(1, 1, 3), run(1, 0, 4)] {
            assert_ne!(other, first);
        }
    }

    /// By hand: four blocks and a last one dropped with probability ½.
    #[test]
    fn the_rule_is_linear() {
        let at = |place| StochasticDepth::decaying(0.5, place, 4, 0).unwrap().unwrap().probability;
        assert_eq!([1, 2, 3, 4].map(at), [0.125, 0.25, 0.375, 0.5]);
        assert!(StochasticDepth::decaying(0.0, 4, 4, 0).unwrap().is_none());
        for last in [1.0, -0.1, f64::NAN] {
            let text = StochasticDepth::decaying(last, 1, 4, 0).unwrap_err().to_string();
            assert!(text.contains("from 0 to below 1"), "{text}");
        }
    }
}
