//! Pooling layers. None has state.

use autograd::{Result, Scalar, Var, ops};

use crate::context::Context;
use crate::layer::Layer;

/// The largest value of each window; see [`ops::MaxPool2d`].
#[derive(Debug, Clone, Copy)]
pub struct MaxPool2d(pub ops::MaxPool2d);

impl<S: Scalar> Layer<S> for MaxPool2d {
    fn forward<'t>(&mut self, _cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        x.max_pool2d(self.0)
    }
}

/// The mean of each window; see [`ops::AvgPool2d`].
#[derive(Debug, Clone, Copy)]
pub struct AvgPool2d(pub ops::AvgPool2d);

impl<S: Scalar> Layer<S> for AvgPool2d {
    fn forward<'t>(&mut self, _cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        x.avg_pool2d(self.0)
    }
}

/// The mean of each channel: [N, C, H, W] to [N, C].
#[derive(Debug, Clone, Copy)]
pub struct GlobalAvgPool;

impl<S: Scalar> Layer<S> for GlobalAvgPool {
    fn forward<'t>(&mut self, _cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        x.global_avg_pool()
    }
}

#[cfg(test)]
mod tests {
    use autograd::{Keep, Tape, Tensor};

    use super::*;
    use crate::conv::{Conv2d, ConvSettings};
    use crate::flatten::Flatten;
    use crate::init::{Init, Initializer};
    use crate::layer::testing::{scattered, state};
    use crate::linear::Linear;
    use crate::sequential::Sequential;

    /// Every kind of layer without statistics: sizes by hand, and a gradient of the parameter's shape for every
    /// parameter.
    #[test]
    fn shapes_through_a_small_stack() {
        let mut init = Initializer::new(Init::HeUniform, 5);
        let conv =
            ConvSettings { inputs: 3, outputs: 4, stride: 2, padding: 1, bias: true, ..<_>::default() };
        let max = ops::MaxPool2d { kernel: [2, 2], stride: [2, 2], padding: [0, 0] };
        let average =
            ops::AvgPool2d { kernel: [2, 1], stride: [1, 1], padding: [0, 0], count_include_pad: true };
        let mut net = Sequential::new()
            .then(Conv2d::new(conv, &mut init).unwrap())
            .then(MaxPool2d(max))
            .then(AvgPool2d(average))
            .then(Flatten)
            .then(Linear::new(8, 3, &mut init));
        let tape = Tape::<f64>::new();
        let x = tape.constant(Tensor::new([2, 3, 9, 7], scattered(2 * 3 * 9 * 7)).unwrap());
        let y = net.forward(&Context::train(&tape, 0, 0), x).unwrap();
        let last = |scope: &str| tape.vars().filter(|v| v.scope() == scope).last().unwrap().shape();
        // 9 × 7 with padding 1, kernel 3 and stride 2: ⌊8/2⌋ + 1 by ⌊6/2⌋ + 1.
        assert_eq!(last("0").dims(), [2, 4, 5, 4]);
        assert_eq!(last("1").dims(), [2, 4, 2, 2]);
        assert_eq!(last("2").dims(), [2, 4, 1, 2]);
        assert_eq!(last("3").dims(), [2, 8]);
        assert_eq!(y.shape().dims(), [2, 3]);
        let gradients = tape.backward((y * y).sum_all(), Keep::Leaves).unwrap();
        let state = state(&mut net);
        assert_eq!(state.len(), 4);
        for entry in state {
            let gradient = gradients.named(&entry.name).unwrap();
            assert_eq!(gradient.dims(), entry.dims, "{}", entry.name);
            assert!(gradient.data().iter().any(|&g| g != 0.0), "{}", entry.name);
        }
    }

    #[test]
    fn a_pooling_layer_is_its_op() {
        let tape = Tape::<f64>::new();
        let cx = Context::eval(&tape);
        let x = tape
            .constant(Tensor::new([1, 2, 2, 2], vec![1.0, 2.0, 3.0, 6.0, -1.0, -2.0, -3.0, -6.0]).unwrap());
        let [kernel, stride, padding] = [[2, 2], [1, 1], [0, 0]];
        let max = MaxPool2d(ops::MaxPool2d { kernel, stride, padding }).forward(&cx, x).unwrap().value();
        assert_eq!((max.dims(), max.data()), (&[1, 2, 1, 1][..], &[6.0, -1.0][..]));
        let mut average = AvgPool2d(ops::AvgPool2d { kernel, stride, padding, count_include_pad: false });
        assert_eq!(average.forward(&cx, x).unwrap().value().data(), [3.0, -3.0]);
        let global = GlobalAvgPool.forward(&cx, x).unwrap().value();
        assert_eq!((global.dims(), global.data()), (&[1, 2][..], &[3.0, -3.0][..]));
        assert!(GlobalAvgPool.forward(&cx, tape.constant(Tensor::zeros([2, 3]))).is_err());
    }
}
