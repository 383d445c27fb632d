//! The normalized PReLU, whose function is itself learnt.

use autograd::ops::activation::LeakyRelu;
use autograd::{Result, Scalar, Tensor, Var};
use layers::{Context, Layer, Parameter, Role, Walk};

use crate::composed::{Parts, composed};
use crate::layer::{Normalization, NormalizedSettings};

/// y = (λ + 0.3·tanh α)·(f(z) − μ) with f(z) = z for z > 0, else a·z, and one slope a learnt from ¼.
///
/// The fused node takes functions of one number only, so this one is composed of the tape's ops; with a full
/// gradient, a gets its share through the statistics too. Parameters `weight` \[1\] (a) and `alpha`; buffer
/// `running_statistics`. Errors: as [`Normalize`](crate::Normalize).
#[derive(Debug)]
pub struct NormalizedPRelu<S> {
    slope: Parameter<S>,
    state: Normalization<S>,
}

impl<S: Scalar> NormalizedPRelu<S> {
    /// The layer for a site with `channels` channels.
    ///
    /// # Errors
    /// As [`NormalizedSettings::checked`].
    pub fn new(settings: NormalizedSettings, channels: usize) -> Result<Self> {
        Ok(Self {
            slope: Parameter::new(Tensor::full([1], S::from_f64(0.25)), Role::Activation),
            state: Normalization::new(settings, channels)?,
        })
    }
}

impl<S: Scalar> Layer<S> for NormalizedPRelu<S> {
    fn forward<'t>(&mut self, cx: &Context<'t, S>, z: Var<'t, S>) -> Result<Var<'t, S>> {
        let (slope, alpha) =
            (cx.parameter("weight", &self.slope)?, cx.parameter("alpha", &self.state.alpha)?);
        // At its present slope PReLU is a leaky ReLU, which is all that a measurement needs.
        let present = LeakyRelu { slope: self.slope.value.data()[0].to_f64() };
        let plan = self.state.plan(cx, &present, z)?;
        let node = composed(Parts::prelu(z, slope)?, Some(alpha), &plan)?;
        self.state.follow(cx, &node.statistics)?;
        Ok(node.output)
    }

    fn visit(&mut self, walk: &mut Walk<'_, S>) {
        walk.parameter("weight", &mut self.slope);
        self.state.visit(walk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Normalized;
    use autograd::{Keep, Tape};

    /// With its slope held at ¼ it is the normalized leaky ReLU of that slope, in value and in gradient by z.
    #[test]
    fn at_a_fixed_slope_it_is_the_normalized_leaky_relu() {
        let numbers: Vec<f64> = (0..24).map(|i| f64::from((i * 7) % 24) / 5.0 - 2.3).collect();
        let z = Tensor::new([2, 3, 4], numbers).unwrap();
        let run = |layer: &mut dyn Layer<f64>| {
            let tape = Tape::new();
            let z = tape.variable(z.clone());
            let y = layer.forward(&Context::train(&tape, 0, 0), z).unwrap();
            let cotangent = Tensor::filled(y.shape(), (0..24).map(|i| f64::from(i % 5) - 1.5).collect());
            let gradients = tape.backward_from(y, cotangent, Keep::Leaves).unwrap();
            (y.value().data().to_vec(), gradients.wrt(z).unwrap().data().to_vec())
        };
        let settings = NormalizedSettings::default();
        let (y, g) = run(&mut NormalizedPRelu::new(settings, 3).unwrap());
        let (want_y, want_g) = run(&mut Normalized::new(LeakyRelu { slope: 0.25 }, settings, 3).unwrap());
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-13);
        assert!(close(&y, &want_y) && close(&g, &want_g), "{y:?} {want_y:?} {g:?} {want_g:?}");
    }
}
