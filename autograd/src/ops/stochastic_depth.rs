//! Stochastic depth.

use crate::check::Case;
use crate::error::{Error, Result};
use crate::kernels::{buffer, map};
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::random::{Purpose, Stream};
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::tape::Var;
use crate::tensor::Tensor;

/// yₙ = mₙ·xₙ with a random number mₙ for each sample, 0 with probability p and 1/(1 − p) otherwise; ∂L/∂xₙ = mₙ·gₙ.
///
/// x is (N, ...), one row per sample; y as x. The expectation of y is x. mₙ is a function of seed, index and n, the same
/// for every scalar type and on every machine; whoever uses the op more than once counts the index up, together with
/// that of [`Dropout`](crate::ops::Dropout), from whose streams it draws. Saved: m \[N\]. Inference leaves the op out.
/// Errors: x is a scalar.
/// Source: Huang et al., *Deep networks with stochastic depth* (2016), for each sample by itself and scaled in training
/// as in torchvision's `stochastic_depth(mode="row")`; the paper draws once per batch and scales in evaluation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StochasticDepth {
    probability: f64,
    seed: u64,
    index: u64,
}

impl StochasticDepth {
    /// Drops every sample with `probability`; which ones follows from `seed` and `index`.
    ///
    /// # Errors
    /// `probability` outside [0, 1).
    pub fn new(probability: f64, seed: u64, index: u64) -> Result<Self> {
        if (0.0..1.0).contains(&probability) {
            return Ok(Self { probability, seed, index });
        }
        Err(Error::Argument {
            op: "stochastic_depth",
            what: format!("probability is {probability}"),
            legal: "a number from 0 to below 1".into(),
        })
    }

    /// p, the probability of being dropped.
    pub fn probability(&self) -> f64 {
        self.probability
    }
}

/// Every row of x times its number.
fn times_rows<S: Scalar>(x: &Tensor<S>, factors: &[S]) -> Tensor<S> {
    let mut y = buffer::to_overwrite(x.len());
    let length = x.len() / factors.len().max(1);
    map::for_each_chunk(&mut y, |mut at, mut rest| {
        while !rest.is_empty() {
            let row = at / length;
            let (y, behind) = rest.split_at_mut(((row + 1) * length - at).min(rest.len()));
            for (y, &x) in y.iter_mut().zip(&x.data()[at..]) {
                *y = factors[row] * x;
            }
            at += y.len();
            rest = behind;
        }
    });
    Tensor::filled(x.shape(), y)
}

impl<S: Scalar> Op<S> for StochasticDepth {
    fn name(&self) -> &'static str {
        "stochastic_depth"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of("stochastic_depth", inputs, "1")?;
        let Some(&samples) = x.dims().first() else {
            return Err(Error::Argument {
                op: "stochastic_depth",
                what: "x is a scalar".into(),
                legal: "at least one axis, whose rows are the samples".into(),
            });
        };
        let kept = S::from_f64(1.0 / (1.0 - self.probability));
        let mut is_dropped = vec![false; samples];
        Stream::new(self.seed, Purpose::Dropout, self.index).fill_below(self.probability, &mut is_dropped);
        let factors = is_dropped.into_iter().map(|is_dropped| if is_dropped { S::ZERO } else { kept });
        let factors = Tensor::vector(factors.collect());
        Ok(Forward { output: times_rows(x, factors.data()), saved: vec![factors] })
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        vec![Some(times_rows(cx.upstream, cx.saved[0].data()))]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        // The factors depend on seed and place alone.
        inputs[0].samples
    }
}

impl<S: Scalar> Var<'_, S> {
    /// Every sample (row along axis 0) dropped with `probability`, the others scaled to make up for it.
    ///
    /// # Errors
    /// `probability` outside [0, 1), or a scalar.
    pub fn stochastic_depth(self, probability: f64, seed: u64, index: u64) -> Result<Self> {
        self.tape().apply(StochasticDepth::new(probability, seed, index)?, &[self])
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    let with = |p| StochasticDepth::new(p, 11, 3).expect("probabilities of a case are legal");
    vec![
        Case::op("images", with(0.5)).normal([5, 2, 3, 2]).bilinear(),
        Case::op("matrix", with(0.2)).normal([7, 3]).bilinear(),
        Case::op("nothing dropped", with(0.0)).normal([4]).bilinear(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keep, Tape};

    #[test]
    fn its_probability_is_the_one_given() {
        assert_eq!(StochasticDepth::new(0.25, 1, 2).unwrap().probability(), 0.25);
    }

    /// By hand: with p = ¾ a sample is 0 or four times itself, in both passes, and whole.
    #[test]
    fn a_sample_is_dropped_or_scaled_as_a_whole() {
        let tape = Tape::<f64>::new();
        let numbers: Vec<f64> = (1..=60).map(f64::from).collect();
        let x = tape.variable(Tensor::new([20, 3], numbers.clone()).unwrap());
        let y = x.stochastic_depth(0.75, 5, 2).unwrap();
        let gradient = tape.backward(y.sum_all(), Keep::Leaves).unwrap().wrt(x).unwrap();
        let y = y.value();
        let mut dropped = 0;
        for n in 0..20 {
            let [x, y, g] = [&numbers[..], y.data(), gradient.data()].map(|all| &all[3 * n..3 * n + 3]);
            if y[0] == 0.0 {
                dropped += 1;
                assert_eq!((y, g), (&[0.0; 3][..], &[0.0; 3][..]));
            } else {
                assert_eq!((y, g), (&[4.0 * x[0], 4.0 * x[1], 4.0 * x[2]][..], &[4.0; 3][..]));
            }
        }
        assert!((8..20).contains(&dropped), "{dropped}");
    }

    /// Five standard deviations of the share, and every key its own samples.
    #[test]
    fn samples_are_named_by_seed_and_index() {
        let n = 10_000;
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::full([n], 1.0));
        let y = |p, seed, index| x.stochastic_depth(p, seed, index).unwrap().value();
        for p in [0.1, 0.5, 0.8] {
            let dropped = y(p, 1, 0).data().iter().filter(|&&y| y == 0.0).count() as f64 / n as f64;
            assert!((dropped - p).abs() < 5.0 * (p * (1.0 - p) / n as f64).sqrt(), "{dropped}");
        }
        assert_eq!(y(0.5, 1, 0), y(0.5, 1, 0));
        assert_ne!(y(0.5, 1, 0), y(0.5, 2, 0));
        assert_ne!(y(0.5, 1, 0), y(0.5, 1, 1));
    }

    #[test]
    fn bad_probabilities_and_scalars_are_refused_and_no_samples_are_fine() {
        for p in [1.0, -0.1, f64::NAN] {
            let text = StochasticDepth::new(p, 0, 0).unwrap_err().to_string();
            assert_eq!(
                text,
                format!("stochastic_depth: probability is {p}; want a number from 0 to below 1")
            );
        }
        let tape = Tape::<f64>::new();
        let text = tape.variable(Tensor::scalar(1.0)).stochastic_depth(0.5, 0, 0).unwrap_err().to_string();
        assert!(text.contains("at least one axis"), "{text}");
        for shape in [[0, 3], [3, 0]] {
            let y = tape.variable(Tensor::zeros(shape)).stochastic_depth(0.5, 0, 0).unwrap();
            assert_eq!(y.shape().dims(), shape);
        }
    }
}
