//! Dropout.

use crate::check::Case;
use crate::error::{Error, Result};
use crate::kernels::{buffer, map};
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::random::{Purpose, Stream};
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = m∘x with a random mask m that is 0 with probability p and 1/(1 − p) otherwise; ∂L/∂x = m∘g.
///
/// Shapes: any; y as x. The expectation of y is x. The mask is a function of seed and index, the same for every scalar
/// type and on every machine; whoever uses dropout more than once counts the index up. Saved: m, once for
/// both passes: reading it costs a tenth of drawing it anew. Inference leaves the op out. Cannot fail.
/// Source: Srivastava et al., *Dropout* (2014), scaled during training ("inverted").
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    probability: f64,
    seed: u64,
    index: u64,
}

impl Dropout {
    /// Drops every element with `probability`; the mask is that of `seed` and `index`.
    ///
    /// # Errors
    /// `probability` outside [0, 1).
    pub fn new(probability: f64, seed: u64, index: u64) -> Result<Self> {
        if (0.0..1.0).contains(&probability) {
            return Ok(Self { probability, seed, index });
        }
        Err(Error::Argument {
            op: "dropout",
            what: format!("probability is {probability}"),
            legal: "a number from 0 to below 1".into(),
        })
    }

    /// p, the probability of being dropped.
    pub fn probability(&self) -> f64 {
        self.probability
    }

    /// The seed of the mask.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The index of the mask.
    pub fn index(&self) -> u64 {
        self.index
    }
}

impl<S: Scalar> Op<S> for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of("dropout", inputs, "1")?;
        let kept = S::from_f64(1.0 / (1.0 - self.probability));
        let mut mask = buffer::to_overwrite(x.len());
        map::for_each_chunk(&mut mask, |at, mask| {
            let mut stream = Stream::at(self.seed, Purpose::Dropout, self.index, at as u64);
            let mut is_dropped = [false; 1024];
            for mask in mask.chunks_mut(is_dropped.len()) {
                stream.fill_below(self.probability, &mut is_dropped[..mask.len()]);
                for (m, &is_dropped) in mask.iter_mut().zip(&is_dropped) {
                    *m = if is_dropped { S::ZERO } else { kept };
                }
            }
        });
        let y = map::map2(x.data(), &mask, |x, m| x * m);
        Ok(Forward { output: Tensor::filled(x.shape(), y), saved: vec![Tensor::filled(x.shape(), mask)] })
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let dx = map::map2(cx.upstream.data(), cx.saved[0].data(), |g, m| g * m);
        vec![Some(Tensor::filled(cx.output.shape(), dx))]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        // The mask depends on seed and place alone.
        inputs[0].samples
    }
}

impl<S: Scalar> Var<'_, S> {
    /// Every element dropped with `probability`, the others scaled to make up for it.
    ///
    /// # Errors
    /// `probability` outside [0, 1).
    pub fn dropout(self, probability: f64, seed: u64, index: u64) -> Result<Self> {
        self.tape().apply(Dropout::new(probability, seed, index)?, &[self])
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    let with = |p| Dropout::new(p, 11, 3).expect("probabilities of a case are legal");
    vec![
        Case::op("matrix", with(0.5)).normal([5, 7]).bilinear(),
        Case::op("three axes", with(0.1)).normal([2, 3, 5]).bilinear(),
        Case::op("nothing dropped", with(0.0)).normal([7]).bilinear(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keep, Tape};

    #[test]
    fn share_and_mean_are_those_of_the_definition() {
        let n = 100_000;
        let x: Vec<f64> = (0..n).map(|i| 1.0 + f64::from(i % 100) / 100.0).collect();
        for (p, seed) in [(0.1, 1), (0.5, 2), (0.8, 3)] {
            let tape = Tape::<f64>::new();
            let input = tape.variable(Tensor::vector(x.clone()));
            let y = input.dropout(p, seed, 0).unwrap();
            let (y, n) = (y.value(), f64::from(n));
            let share = y.data().iter().filter(|&&y| y != 0.0).count() as f64 / n;
            assert!((share - (1.0 - p)).abs() < 5.0 * (p * (1.0 - p) / n).sqrt(), "{share}");
            // Var y = x² p / (1 − p) for each element.
            let squares: f64 = x.iter().map(|x| x * x).sum();
            let error = (y.data().iter().sum::<f64>() - x.iter().sum::<f64>()) / n;
            assert!(error.abs() < 5.0 * (squares * p / (1.0 - p)).sqrt() / n, "{error}");
        }
    }

    #[test]
    fn the_mask_is_named_by_seed_and_index_and_serves_both_passes() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::full([64], 1.0));
        let mask = |seed, index| x.dropout(0.5, seed, index).unwrap().value();
        assert_eq!(mask(1, 0), mask(1, 0));
        assert_ne!(mask(1, 0), mask(2, 0));
        assert_ne!(mask(1, 0), mask(1, 1));
        let y = x.dropout(0.5, 1, 0).unwrap();
        let gradients = tape.backward(y.sum_all(), Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(x).unwrap(), y.value());
        assert!(y.value().data().iter().all(|&y| y == 0.0 || y == 2.0));
    }

    #[test]
    fn a_probability_of_one_is_refused() {
        for p in [1.0, -0.1, f64::NAN] {
            assert!(Dropout::new(p, 0, 0).unwrap_err().to_string().contains("from 0 to below 1"));
        }
    }
}
