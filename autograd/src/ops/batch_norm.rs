//! Batch normalization with the statistics of the batch: training mode.

use crate::check::Case;
use crate::error::{Error, Result};
use crate::kernels::batch_norm::{self, Normalized};
use crate::kernels::channels::Channels;
use crate::kernels::moments::Moments;
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::samples::{Sample, SampledInput, Samples};
use crate::scalar::Scalar;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = γ·x̂ + β with x̂ = (x − μ)/√(v + ε), where μ and v are the mean and the biased variance of each channel over
/// samples and positions.
///
/// Derivatives: μ and v depend on x, so ∂L/∂x = γ/√(v + ε) · (g − mean(g) − x̂·mean(g·x̂)); ∂L/∂γ = Σ g·x̂; ∂L/∂β = Σ g.
/// Means and sums are per channel.
///
/// Shapes: x (N, C, …) with any number of position axes, γ (C), β (C); y as x. Saved, in this order: μ (C), v (C).
///
/// With one element per channel v = 0, x̂ = 0, y = β, and ∂L/∂x = 0; likewise for a constant channel up to rounding.
/// Nothing becomes NaN, even with ε = 0: a channel with v + ε = 0 has x̂ = 0 and no gradient.
///
/// A channel whose variance is beyond the scalar's range (in f32 a spread of more than 1.8e19) has v = ∞, x̂ = 0 and y = β, as in
/// PyTorch: the running variance, which becomes ∞ with it, is where it shows. NaN or ∞ in a channel makes all of it NaN.
///
/// Errors: fewer than 2 axes, γ or β of another shape, a channel without elements (an empty batch has no mean), ε
/// negative or not finite.
///
/// Source: Ioffe and Szegedy, *Batch normalization* (2015), algorithm 1 and the chain rule of section 3.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNorm {
    /// ε, added to the variance.
    pub eps: f64,
}

/// ε = 10⁻⁵.
impl Default for BatchNorm {
    fn default() -> Self {
        Self { eps: 1e-5 }
    }
}

const NAME: &str = "batch_norm";

/// The sizes of `x`, once ε and all operands of shape (C) have been checked; for both modes.
pub(super) fn layout<S: Scalar>(
    op: &'static str,
    eps: f64,
    x: &Tensor<S>,
    per_channel: &[(&'static str, &Tensor<S>)],
) -> Result<Channels> {
    if !(eps.is_finite() && eps >= 0.0) {
        return Err(Error::Argument {
            op,
            what: format!("eps {eps}"),
            legal: "a finite number, at least 0".into(),
        });
    }
    if x.dims().len() < 2 {
        let legal = "at least 2 axes (N, C, ...)".into();
        return Err(Error::Operand { op, what: "the input", shape: x.shape(), legal });
    }
    let layout = Channels::of(x.shape());
    for &(what, operand) in per_channel {
        if operand.dims() != [layout.channels] {
            let legal = format!("[{}], one number per channel", layout.channels);
            return Err(Error::Operand { op, what, shape: operand.shape(), legal });
        }
    }
    Ok(layout)
}

/// What a batch says of its channels; for [`BatchNorm`] and for ops that begin with one.
#[derive(Debug)]
pub struct MeasuredChannels<S> {
    mean: Vec<S>,
    variance: Vec<S>,
    inverse_deviation: Vec<S>,
}

impl BatchNorm {
    /// Checks the operands of `op` and measures x.
    ///
    /// # Errors
    /// As [`BatchNorm`].
    pub fn measure<S: Scalar>(
        &self,
        op: &'static str,
        x: &Tensor<S>,
        gamma: &Tensor<S>,
        beta: &Tensor<S>,
    ) -> Result<MeasuredChannels<S>> {
        let layout = layout(op, self.eps, x, &[("gamma", gamma), ("beta", beta)])?;
        if layout.count() == 0 {
            let legal = "at least one element per channel: there is no mean of nothing".into();
            return Err(Error::Operand { op, what: "the input", shape: x.shape(), legal });
        }
        let moments = batch_norm::moments(&layout, x.data());
        let mean = moments.iter().map(|m| m.mean).collect();
        let variance: Vec<S> = moments.iter().map(Moments::biased_variance).collect();
        let inverse_deviation = batch_norm::inverse_deviations(&variance, self.eps);
        Ok(MeasuredChannels { mean, variance, inverse_deviation })
    }

    /// What [`BatchNorm::measure`] said, from what was [saved](MeasuredChannels::saved) of it.
    pub fn measured<S: Scalar>(&self, saved: &[Tensor<S>]) -> MeasuredChannels<S> {
        let (mean, variance) = (saved[0].data().to_vec(), saved[1].data().to_vec());
        let inverse_deviation = batch_norm::inverse_deviations(&variance, self.eps);
        MeasuredChannels { mean, variance, inverse_deviation }
    }

    /// What a batch normalization of `inputs`, the sum with `shortcut` and a function of every element do to samples;
    /// `inputs` are x and what all samples share.
    pub fn samples_with(inputs: &[SampledInput], shortcut: Option<&SampledInput>) -> Samples {
        let normalized = match Samples::row_by_row_with(inputs[0], &inputs[1..]) {
            Samples::Rows => {
                Samples::Coupled("the mean and variance of its channels are those of the whole batch")
            }
            other => other,
        };
        match (normalized, shortcut.map(|s| s.samples)) {
            (Samples::Shared, Some(shortcut)) => shortcut.row_by_row(),
            (Samples::Coupled(_), Some(Samples::Mixed(why))) => Samples::Mixed(why),
            (normalized, _) => normalized,
        }
    }
}

impl<S: Scalar> MeasuredChannels<S> {
    /// γ·x̂ + β, plus `shortcut` if there is one, to be computed as it is read.
    pub fn normalized<'a>(
        &'a self,
        x: &'a Tensor<S>,
        gamma: &'a Tensor<S>,
        beta: &'a Tensor<S>,
        shortcut: Option<&'a Tensor<S>>,
    ) -> Normalized<'a, S> {
        Normalized {
            layout: Channels::of(x.shape()),
            mean: &self.mean,
            inverse_deviation: &self.inverse_deviation,
            gamma: gamma.data(),
            beta: beta.data(),
            x: x.data(),
            shortcut: shortcut.map(Tensor::data),
        }
    }

    /// μ (C) and v (C), to be saved for the backward pass.
    pub fn saved(self) -> Vec<Tensor<S>> {
        vec![Tensor::vector(self.mean), Tensor::vector(self.variance)]
    }
}

impl<S: Scalar> Op<S> for BatchNorm {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        let &[x, gamma, beta] = inputs_of(NAME, inputs, "3: the input, gamma and beta")?;
        let channels = self.measure(NAME, x, gamma, beta)?;
        let z = channels.normalized(x, gamma, beta, None).values();
        Ok(Forward { output: Tensor::filled(x.shape(), z), saved: channels.saved() })
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        let (x, gamma, g) = (cx.inputs[0], cx.inputs[1], cx.upstream.data());
        let channels = self.measured(cx.saved);
        let normalized = channels.normalized(x, gamma, cx.inputs[2], None);
        let sums = normalized.gradient_sums(g);
        let dx = cx.needs[0].then(|| Tensor::filled(x.shape(), normalized.input_gradient(&sums, g)));
        let dgamma = cx.needs[1].then(|| Tensor::vector(sums.iter().map(|s| s.1).collect()));
        let dbeta = cx.needs[2].then(|| Tensor::vector(sums.iter().map(|s| s.0).collect()));
        vec![dx, dgamma, dbeta]
    }

    fn samples(&self, inputs: &[SampledInput]) -> Samples {
        Self::samples_with(inputs, None)
    }

    /// γ and β see x̂, which the batch's saved μ and v fix.
    fn backward_of_sample(&self, cx: &Backward<'_, S>, sample: Sample<'_>) -> Vec<Option<Tensor<S>>> {
        sample.alone(cx, |cx| self.backward(cx))
    }
}

impl<S: Scalar> Var<'_, S> {
    /// Normalization per channel with the batch's own statistics; see [`BatchNorm`].
    ///
    /// # Errors
    /// Shapes or an ε that do not fit.
    pub fn batch_norm(self, gamma: Self, beta: Self, norm: BatchNorm) -> Result<Self> {
        self.tape().apply(norm, &[self, gamma, beta])
    }
}

/// The cases on which the gradient is checked.
pub(super) fn cases() -> Vec<Case> {
    let norm = BatchNorm::default();
    vec![
        Case::op("images", norm).normal([2, 3, 3, 5]).normal([3]).normal([3]),
        Case::op("vectors", BatchNorm { eps: 1e-3 }).normal([7, 3]).normal([3]).normal([3]),
        Case::op("one axis of positions", BatchNorm { eps: 0.1 }).normal([3, 2, 5]).normal([2]).normal([2]),
        Case::op("volumes", norm).normal([2, 2, 3, 1, 2]).normal([2]).normal([2]),
        Case::op("one element per channel", norm).normal([1, 3, 1, 1]).normal([3]).normal([3]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keep, Tape};

    /// By hand: (0, 2, 4, 6) has mean 3 and biased variance 5, so with ε = 4 x̂ = (−3, −1, 1, 3)/3. For g = (1, 0, 0, 0)
    /// mean(g) = 1/4 and mean(g·x̂) = −1/4, so dx = γ/3·(1 − 1/4 − 1/4, −1/4 − 1/12, −1/4 + 1/12, −1/4 + 1/4).
    #[test]
    fn value_and_gradient() {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::new([2, 1, 2], vec![0.0, 2.0, 4.0, 6.0]).unwrap());
        let (gamma, beta) =
            (tape.variable(Tensor::vector(vec![6.0])), tape.variable(Tensor::vector(vec![0.5])));
        let y = x.batch_norm(gamma, beta, BatchNorm { eps: 4.0 }).unwrap();
        let close = |got: &[f64], want: &[f64]| {
            assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-14), "{got:?} {want:?}");
        };
        close(y.value().data(), &[-5.5, -1.5, 2.5, 6.5]);
        close(y.saved()[0].data(), &[3.0]);
        close(y.saved()[1].data(), &[5.0]);
        let g = Tensor::new([2, 1, 2], vec![1.0, 0.0, 0.0, 0.0]).unwrap();
        let gradients = tape.backward_from(y, g, Keep::Leaves).unwrap();
        close(gradients.wrt(x).unwrap().data(), &[1.0, -2.0 / 3.0, -1.0 / 3.0, 0.0]);
        close(gradients.wrt(gamma).unwrap().data(), &[-1.0]);
        close(gradients.wrt(beta).unwrap().data(), &[1.0]);
    }

    #[test]
    fn a_channel_without_spread_becomes_beta() {
        for eps in [0.0, 1e-5] {
            let tape = Tape::<f32>::new();
            let x = tape.variable(Tensor::new([1, 2, 1, 1], vec![0.1, -7.3]).unwrap());
            let gamma = tape.variable(Tensor::vector(vec![2.0, 3.0]));
            let beta = tape.variable(Tensor::vector(vec![0.25, -4.0]));
            let y = x.batch_norm(gamma, beta, BatchNorm { eps }).unwrap();
            assert_eq!(y.value().data(), [0.25, -4.0]);
            let g = Tensor::new(y.shape(), vec![5.0, 11.0]).unwrap();
            let gradients = tape.backward_from(y, g, Keep::Leaves).unwrap();
            assert_eq!(gradients.wrt(x).unwrap().data(), [0.0, 0.0]);
            assert_eq!(gradients.wrt(gamma).unwrap().data(), [0.0, 0.0]);
            assert_eq!(gradients.wrt(beta).unwrap().data(), [5.0, 11.0]);
        }
    }

    #[test]
    fn misfits_are_named() {
        let tape = Tape::<f32>::new();
        let of = |dims: &[usize]| tape.constant(Tensor::zeros(crate::Shape::new(dims).unwrap()));
        let text = |x: &[usize], gamma: &[usize], eps| {
            of(x).batch_norm(of(gamma), of(&[3]), BatchNorm { eps }).unwrap_err().to_string()
        };
        assert!(text(&[3], &[3], 0.1).contains("the input has shape [3], want at least 2 axes"));
        assert!(text(&[2, 3], &[2], 0.1).contains("gamma has shape [2], want [3], one number per channel"));
        assert!(text(&[0, 3, 4], &[3], 0.1).contains("want at least one element per channel"));
        assert!(text(&[2, 3], &[3], -1.0).contains("eps -1; want a finite number, at least 0"));
    }

    #[test]
    fn the_same_bits_on_any_number_of_threads() {
        let run = || {
            let noise = |i: usize| ((i * 7919) % 1009) as f32 * 1.3e-3 - 0.6;
            let tape = Tape::<f32>::new();
            let x = tape
                .variable(Tensor::new([6, 5, 37, 41], (0..6 * 5 * 37 * 41).map(noise).collect()).unwrap());
            let gamma = tape.variable(Tensor::vector((0..5).map(noise).collect()));
            let y = x.batch_norm(gamma, gamma, BatchNorm::default()).unwrap();
            let g = Tensor::new(y.shape(), (0..y.value().len()).map(|i| noise(i * i)).collect()).unwrap();
            let gradients = tape.backward_from(y, g, Keep::Leaves).unwrap();
            let all = [y.value(), gradients.wrt(x).unwrap(), gradients.wrt(gamma).unwrap()];
            all.iter()
                .flat_map(|t| t.data().iter().map(|x| x.to_bits()).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run);
        let one = on(1);
        assert!([2, 3, 8].iter().all(|&t| on(t) == one));
    }
}
