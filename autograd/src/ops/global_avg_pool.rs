//! Mean over each image.

use crate::check::Case;
use crate::error::{Error, Result};
use crate::kernels::buffer;
use crate::kernels::{channels::Channels, map, reduce};
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::samples::{SampledInput, Samples};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y[n, c] = Σ x[n, c, i, j] / (H·W) over all positions (i, j).
///
/// Derivative: ∂L/∂x[n, c, i, j] = g[n, c] / (H·W).
///
/// Shapes: x (N, C, H, W); y (N, C). Nothing saved. Errors: another rank, an image without elements.
///
/// Source: Lin, Chen and Yan, *Network in network* (2013), section 3.2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GlobalAvgPool;

const NAME: &str = "global_avg_pool";

impl<S: Scalar> Op<S> for GlobalAvgPool {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x] = inputs_of(NAME, inputs, "1")?;
        let &[samples, channels, (1..), (1..)] = x.dims() else {
            let legal = "4 axes (N, C, H, W), H and W at least 1".into();
            return Err(Error::Operand { op: NAME, what: "the input", shape: x.shape(), legal });
        };
        let (data, positions) = (x.data(), Channels::of(x.shape()).positions);
        let count = S::from_f64(positions as f64);
        // Every image is a channel of its own, in a batch of one.
        let images = Channels { samples: 1, channels: samples * channels, positions };
        let y = images.map(|image| reduce::sum(&data[image * positions..][..positions]) / count);
        Ok(Forward::of(Tensor::filled(Shape::from([samples, channels]), y)))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        vec![cx.needs[0].then(|| {
            let (shape, g) = (cx.inputs[0].shape(), cx.upstream.data());
            let layout = Channels::of(shape);
            let share = map::map(g, |g| g / S::from_f64(layout.positions as f64));
            let mut dx = buffer::to_overwrite(shape.len());
            layout.for_each_run(&mut dx, |_, start, run| run.fill(share[start / layout.positions]));
            Tensor::filled(shape, dx)
        })]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        // Linear, and every image for itself.
        inputs[0].samples
    }
}

impl<S: Scalar> Var<'_, S> {
    /// Mean over each image: (N, C, H, W) to (N, C); see [`GlobalAvgPool`].
    ///
    /// # Errors
    /// A shape that does not fit.
    pub fn global_avg_pool(self) -> Result<Self> {
        self.tape().apply(GlobalAvgPool, &[self])
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::op("odd sizes", GlobalAvgPool).normal([2, 3, 5, 3]).bilinear(),
        Case::op("one element", GlobalAvgPool).normal([3, 4, 1, 1]).bilinear(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keep, Tape};

    /// By hand.
    #[test]
    fn value_and_gradient() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::new([1, 2, 1, 2], vec![1.0, 2.0, 5.0, -6.0]).unwrap());
        let y = x.global_avg_pool().unwrap();
        assert_eq!(y.value(), Tensor::new([1, 2], vec![1.5, -0.5]).unwrap());
        let g = Tensor::new([1, 2], vec![2.0, 10.0]).unwrap();
        let gradients = tape.backward_from(y, g, Keep::Leaves).unwrap();
        assert_eq!(gradients.wrt(x).unwrap().data(), [1.0, 1.0, 5.0, 5.0]);
    }

    #[test]
    fn empty_images_are_refused_and_empty_batches_are_not() {
        let tape = Tape::<f64>::new();
        let text = tape.constant(Tensor::zeros([1, 2, 0, 3])).global_avg_pool().unwrap_err().to_string();
        assert!(text.contains("[1, 2, 0, 3], want 4 axes"), "{text}");
        let empty = tape.constant(Tensor::zeros([0, 2, 4, 4])).global_avg_pool().unwrap();
        assert_eq!(empty.shape().dims(), [0, 2]);
    }
}
