//! Batch normalization with given statistics: evaluation mode.

use crate::check::Case;
use crate::error::Result;
use crate::kernels::batch_norm::{self, Normalized};
use crate::kernels::buffer;
use crate::kernels::channels::Channels;
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::ops::batch_norm::layout;
use crate::samples::{Sample, SampledInput, Samples};
use crate::scalar::Scalar;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = γ·x̂ + β with x̂ = (x − μ)/√(v + ε), where μ and v are inputs of the op.
///
/// Derivatives: ∂L/∂x = γ/√(v + ε)·g; ∂L/∂γ = Σ g·x̂; ∂L/∂β = Σ g; ∂L/∂μ = −γ/√(v + ε)·Σ g;
/// ∂L/∂v = −½·γ/(v + ε)·Σ g·x̂. Sums are per channel.
///
/// Shapes: x (N, C, …) with any number of position axes; γ, β, μ, v (C); y as x. Nothing saved.
///
/// A channel with v + ε = 0 has x̂ = 0, and no gradient but that of β; v + ε < 0 gives NaN.
///
/// Errors: fewer than 2 axes, another operand of another shape, ε negative or not finite.
///
/// Source: Ioffe and Szegedy, *Batch normalization* (2015), algorithm 2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNormInference {
    /// ε, added to the variance.
    pub eps: f64,
}

/// ε = 10⁻⁵.
impl Default for BatchNormInference {
    fn default() -> Self {
        Self { eps: 1e-5 }
    }
}

const NAME: &str = "batch_norm_inference";

impl<S: Scalar> Op<S> for BatchNormInference {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let legal = "5: the input, gamma, beta, mean and variance";
        let &[x, gamma, beta, mean, variance] = inputs_of(NAME, inputs, legal)?;
        let per_channel = [("gamma", gamma), ("beta", beta), ("the mean", mean), ("the variance", variance)];
        let layout = layout(NAME, self.eps, x, &per_channel)?;
        let inverse_deviation = batch_norm::inverse_deviations(variance.data(), self.eps);
        let normalized = Normalized {
            layout,
            mean: mean.data(),
            inverse_deviation: &inverse_deviation,
            gamma: gamma.data(),
            beta: beta.data(),
            x: x.data(),
            shortcut: None,
        };
        Ok(Forward::of(Tensor::filled(x.shape(), normalized.values())))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let (x, gamma, g) = (cx.inputs[0], cx.inputs[1].data(), cx.upstream.data());
        let layout = Channels::of(x.shape());
        let inverse = batch_norm::inverse_deviations(cx.inputs[4].data(), self.eps);
        let dx = cx.needs[0].then(|| {
            let mut dx = buffer::to_overwrite(x.len());
            layout.for_each_run(&mut dx, |channel, start, dx| {
                let scale = gamma[channel] * inverse[channel];
                for (dx, &g) in dx.iter_mut().zip(&g[start..]) {
                    *dx = scale * g;
                }
            });
            Tensor::filled(x.shape(), dx)
        });
        let mut gradients = vec![dx, None, None, None, None];
        if cx.needs[1..].contains(&true) {
            let normalized = Normalized {
                layout,
                mean: cx.inputs[3].data(),
                inverse_deviation: &inverse,
                gamma,
                beta: cx.inputs[2].data(),
                x: x.data(),
                shortcut: None,
            };
            let sums = normalized.gradient_sums(g);
            let half = S::from_f64(0.5);
            // Of channel c with Σ g and Σ g·x̂.
            let of_channel = |input: usize, c: usize, (plain, weighted): (S, S)| match input {
                1 => weighted,
                2 => plain,
                3 => -(gamma[c] * inverse[c] * plain),
                _ => -(half * gamma[c] * inverse[c] * inverse[c] * weighted),
            };
            for input in (1..5).filter(|&input| cx.needs[input]) {
                let gradient = sums.iter().enumerate().map(|(c, &sum)| of_channel(input, c, sum)).collect();
                gradients[input] = Some(Tensor::vector(gradient));
            }
        }
        gradients
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        Samples::row_by_row_with(inputs[0], &inputs[1..])
    }

    fn backward_of_sample(&self, cx: &Backward<'_, S>, sample: Sample<'_>) -> Vec<Option<Tensor<S>>> {
        sample.alone(cx, |cx| self.backward(cx))
    }
}

impl<S: Scalar> Var<'_, S> {
    /// Normalization per channel with given statistics; see [`BatchNormInference`].
    ///
    /// # Errors
    /// Shapes or an ε that do not fit.
    pub fn batch_norm_inference(
        self,
        gamma: Self,
        beta: Self,
        mean: Self,
        variance: Self,
        norm: BatchNormInference,
    ) -> Result<Self> {
        self.tape().apply(norm, &[self, gamma, beta, mean, variance])
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    let case = |name, eps, x: &[usize]| {
        let c = x[1];
        let x = crate::Shape::new(x).expect("a case has few axes");
        Case::op(name, BatchNormInference { eps }).normal(x).normal([c]).normal([c]).normal([c]).positive([c])
    };
    vec![
        case("images", 1e-5, &[2, 3, 3, 5]),
        case("vectors", 1e-3, &[4, 3]),
        case("a large eps", 0.1, &[1, 2, 5]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keep, Tape};

    /// By hand: x̂ = (5 − 1)/√(3 + 1) = 2.
    #[test]
    fn value_and_gradient() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::new([1, 1], vec![5.0]).unwrap());
        let of = |value: f64| tape.variable(Tensor::vector(vec![value]));
        let (gamma, beta, mean, variance) = (of(6.0), of(0.5), of(1.0), of(3.0));
        let y = x.batch_norm_inference(gamma, beta, mean, variance, BatchNormInference { eps: 1.0 }).unwrap();
        assert_eq!(y.value().data(), [12.5]);
        let gradients = tape.backward_from(y, Tensor::full([1, 1], 10.0), Keep::Leaves).unwrap();
        let of = |v| gradients.wrt(v).unwrap().data().to_vec();
        assert_eq!(
            [of(x), of(gamma), of(beta), of(mean), of(variance)],
            [[30.0], [20.0], [10.0], [-30.0], [-15.0]]
        );
    }

    #[test]
    fn misfits_are_named() {
        let tape = Tape::<f32>::new();
        let (x, one, two) = (
            tape.constant(Tensor::zeros([0, 2, 3])),
            tape.constant(Tensor::zeros([1])),
            tape.constant(Tensor::zeros([2])),
        );
        let norm = BatchNormInference::default();
        assert!(x.batch_norm_inference(two, two, two, two, norm).unwrap().value().is_empty());
        let text = x.batch_norm_inference(two, two, two, one, norm).unwrap_err().to_string();
        assert_eq!(
            text,
            "batch_norm_inference: the variance has shape [1], want [2], one number per channel"
        );
    }
}
