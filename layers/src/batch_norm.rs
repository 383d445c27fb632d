//! Batch normalization of images.

use autograd::{Error, Result, Scalar, Tensor, Var, ops};

use crate::context::Context;
use crate::layer::{BufferMut, Layer, Walk};
use crate::parameter::{Parameter, Role};

/// Settings with PyTorch's defaults.
#[derive(Debug, Clone, Copy)]
pub struct BatchNormSettings {
    /// Added to the variance under the root.
    pub eps: f64,
    /// Share of the new batch in the running statistics: r ← (1 − momentum)·r + momentum·batch, as PyTorch names it.
    pub momentum: f64,
}

impl Default for BatchNormSettings {
    fn default() -> Self {
        Self { eps: 1e-5, momentum: 0.1 }
    }
}

/// y = γ·(x − E\[x\])/√(Var\[x\] + ε) + β per channel of x [N, C, ...], γ starting at 1 and β at 0.
///
/// Training uses the batch's mean and biased variance and moves the running ones, whose variance is the unbiased
/// n/(n − 1) one as in PyTorch; a batch of one number per channel has no unbiased variance and leaves the running
/// variance as it is. Evaluation uses the running statistics. Parameters `weight` (γ) and `bias` (β); buffers
/// `running_mean`, `running_var`, `num_batches_tracked`.
/// Source: Ioffe and Szegedy, *Batch normalization* (2015).
#[derive(Debug)]
pub struct BatchNorm2d<S> {
    settings: BatchNormSettings,
    weight: Parameter<S>,
    bias: Parameter<S>,
    running_mean: Tensor<S>,
    running_var: Tensor<S>,
    batches: u64,
}

impl<S: Scalar> BatchNorm2d<S> {
    /// A normalization of `channels` channels.
    ///
    /// # Errors
    /// ε is not positive and finite, or the momentum is outside 0 to 1.
    pub fn new(channels: usize, settings: BatchNormSettings) -> Result<Self> {
        let refuse =
            |what: String, legal: &str| Error::Argument { op: "batch_norm", what, legal: legal.into() };
        if !(settings.eps > 0.0 && settings.eps.is_finite()) {
            return Err(refuse(format!("eps is {}", settings.eps), "a positive number"));
        }
        if !(0.0..=1.0).contains(&settings.momentum) {
            return Err(refuse(format!("momentum is {}", settings.momentum), "a number from 0 to 1"));
        }
        Ok(Self {
            settings,
            weight: Parameter::new(Tensor::full([channels], S::ONE), Role::Norm),
            bias: Parameter::new(Tensor::zeros([channels]), Role::Norm),
            running_mean: Tensor::zeros([channels]),
            running_var: Tensor::full([channels], S::ONE),
            batches: 0,
        })
    }

    /// Moves the running statistics by what the op saved.
    fn track(&mut self, y: Var<'_, S>) {
        let [mean, variance] = &y.saved()[..] else { unreachable!("batch_norm saves mean and variance") };
        let count = y.shape().len() / mean.len().max(1);
        let momentum = self.settings.momentum;
        follow(&mut self.running_mean, mean, momentum, 1.0);
        if count > 1 {
            follow(&mut self.running_var, variance, momentum, count as f64 / (count - 1) as f64);
        }
        self.batches += 1;
    }
}

/// r ← (1 − momentum)·r + momentum·factor·batch.
fn follow<S: Scalar>(running: &mut Tensor<S>, batch: &Tensor<S>, momentum: f64, factor: f64) {
    let (old, new) = (S::from_f64(1.0 - momentum), S::from_f64(momentum * factor));
    for (r, &b) in running.data_mut().iter_mut().zip(batch.data()) {
        *r = old * *r + new * b;
    }
}

impl<S: Scalar> Layer<S> for BatchNorm2d<S> {
    fn forward<'t>(&mut self, cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        let (weight, bias) = (cx.parameter("weight", &self.weight)?, cx.parameter("bias", &self.bias)?);
        if cx.is_training() {
            let y = x.batch_norm(weight, bias, ops::BatchNorm { eps: self.settings.eps })?;
            self.track(y);
            return Ok(y);
        }
        let mean = cx.tape().constant(self.running_mean.clone());
        let variance = cx.tape().constant(self.running_var.clone());
        x.batch_norm_inference(
            weight,
            bias,
            mean,
            variance,
            ops::BatchNormInference { eps: self.settings.eps },
        )
    }

    fn visit(&mut self, walk: &mut Walk<'_, S>) {
        walk.parameter("weight", &mut self.weight);
        walk.parameter("bias", &mut self.bias);
        walk.buffer("running_mean", BufferMut::Tensor(&mut self.running_mean));
        walk.buffer("running_var", BufferMut::Tensor(&mut self.running_var));
        walk.buffer("num_batches_tracked", BufferMut::Count(&mut self.batches));
    }
}
