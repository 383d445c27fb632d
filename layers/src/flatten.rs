//! From images to vectors.

use autograd::{Result, Scalar, Var};

use crate::context::Context;
use crate::layer::Layer;

/// [N, ...] to [N, product of the rest], row-major.
#[derive(Debug, Clone, Copy)]
pub struct Flatten;

impl<S: Scalar> Layer<S> for Flatten {
    fn forward<'t>(&mut self, _cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        x.flatten_from(1)
    }
}

#[cfg(test)]
mod tests {
    use autograd::{Tape, Tensor};

    use super::*;

    #[test]
    fn the_batch_stays_and_the_order_too() {
        let tape = Tape::<f64>::new();
        let flat = |x: Tensor<f64>| {
            let y = Flatten.forward(&Context::eval(&tape), tape.constant(x.clone())).unwrap().value();
            assert_eq!(y.data(), x.data());
            y.dims().to_vec()
        };
        let numbers: Vec<f64> = (0..24).map(f64::from).collect();
        assert_eq!(flat(Tensor::new([2, 3, 2, 2], numbers.clone()).unwrap()), [2, 12]);
        assert_eq!(flat(Tensor::new([6, 4], numbers).unwrap()), [6, 4]);
    }
}
