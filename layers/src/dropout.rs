//! Dropout.

use autograd::{Result, Scalar, Var, ops};

use crate::context::Context;
use crate::layer::Layer;

/// In training, zeroes each element with the given probability and scales the others by 1/(1 − p); in evaluation
/// the identity. Source: Srivastava et al., *Dropout* (2014).
///
/// With a number of its own it draws the same mask however a step is carried out, see [`Context::site_key`].
#[derive(Debug, Clone, Copy)]
pub struct Dropout {
    probability: f64,
    number: Option<u64>,
}

impl Dropout {
    /// A dropout layer.
    ///
    /// # Errors
    /// The probability is not in [0, 1).
    pub fn new(probability: f64) -> Result<Self> {
        // The op knows the legal range; asking it here refuses a bad value at construction.
        ops::Dropout::new(probability, 0, 0)?;
        Ok(Self { probability, number: None })
    }

    /// A dropout layer that is the random site `number` of a network.
    ///
    /// # Errors
    /// As [`Dropout::new`].
    pub fn numbered(probability: f64, number: u64) -> Result<Self> {
        Ok(Self { number: Some(number), ..Self::new(probability)? })
    }
}

impl<S: Scalar> Layer<S> for Dropout {
    fn forward<'t>(&mut self, cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        if !cx.is_training() {
            return Ok(x);
        }
        let (seed, index) = self.number.map_or_else(|| cx.random_key(), |number| cx.site_key(number));
        cx.tape().apply(ops::Dropout::new(self.probability, seed, index)?, &[x])
    }
}

#[cfg(test)]
mod tests {
    use autograd::{Keep, Tape, Tensor};

    use super::*;
    use crate::sequential::Sequential;

    /// The masks of two layers in a row, shown by what they make of ones: the first's alone, then both together.
    fn masks(seed: u64, step: u64) -> [Vec<f64>; 2] {
        let tape = Tape::<f64>::new();
        let mut net = Sequential::new().then(Dropout::new(0.5).unwrap()).then(Dropout::new(0.5).unwrap());
        let x = tape.constant(Tensor::full([256], 1.0));
        let y = net.forward(&Context::train(&tape, seed, step), x).unwrap();
        let inputs = y.inputs();
        assert_eq!((y.op_name(), inputs[0].op_name()), ("dropout", "dropout"));
        [inputs[0], y].map(|v| v.saved()[0].data().to_vec())
    }

    #[test]
    fn evaluation_is_the_identity() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::vector(vec![1.0, -2.0, f64::INFINITY]));
        let y = Dropout::new(0.9).unwrap().forward(&Context::eval(&tape), x).unwrap();
        assert_eq!((y.id(), tape.len()), (x.id(), 1));
    }

    #[test]
    fn every_layer_step_and_seed_has_a_mask_of_its_own_that_can_be_repeated() {
        let first = masks(7, 0);
        assert_eq!(masks(7, 0), first);
        let all = [first, masks(7, 1), masks(8, 0)].concat();
        for (i, mask) in all.iter().enumerate() {
            assert!(mask.iter().all(|&m| m == 0.0 || m == 2.0));
            // Five standard deviations of a fair coin thrown 256 times.
            let kept = mask.iter().filter(|&&m| m != 0.0).count();
            assert!((128 - 40..=128 + 40).contains(&kept), "{kept}");
            for other in &all[..i] {
                let equal = mask.iter().zip(other).filter(|(a, b)| a == b).count();
                assert!((128 - 40..=128 + 40).contains(&equal), "{equal}");
            }
        }
    }

    #[test]
    fn what_was_dropped_has_no_gradient() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::full([64], 1.0));
        let y = Dropout::new(0.25).unwrap().forward(&Context::train(&tape, 1, 2), x).unwrap();
        let gradients = tape.backward(y.sum_all(), Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(x).unwrap(), y.value());
    }

    #[test]
    fn an_illegal_probability_is_refused() {
        for p in [1.0, 1.5, -0.1, f64::NAN] {
            let text = Dropout::new(p).unwrap_err().to_string();
            assert_eq!(text, format!("dropout: probability is {p}; want a number from 0 to below 1"));
        }
        assert!(Dropout::new(0.0).is_ok());
    }
}
