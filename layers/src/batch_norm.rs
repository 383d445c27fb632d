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

    /// With γ starting at 0 instead of 1.
    #[must_use]
    pub fn with_zero_gamma(mut self) -> Self {
        self.weight.value = Tensor::zeros(self.weight.value.shape());
        self
    }

    /// The op of a training step.
    pub(crate) fn op(&self) -> ops::BatchNorm {
        ops::BatchNorm { eps: self.settings.eps }
    }

    /// Records γ and β.
    pub(crate) fn parameters<'t>(&self, cx: &Context<'t, S>) -> Result<[Var<'t, S>; 2]> {
        Ok([cx.parameter("weight", &self.weight)?, cx.parameter("bias", &self.bias)?])
    }

    /// Moves the running statistics by what the op, or one that begins with it, saved. If they are gathered anew, after
    /// `gathered` batches, they become means over these and this one.
    pub(crate) fn track(&mut self, y: Var<'_, S>, gathered: Option<u64>) {
        let [mean, variance, ..] = &y.saved()[..] else { unreachable!("batch_norm saves mean and variance") };
        let count = y.shape().len() / mean.len().max(1);
        let momentum = gathered.map_or(self.settings.momentum, |before| 1.0 / (before + 1) as f64);
        if gathered == Some(0) {
            // A first batch of one number has no variance, and what was there before must not stand for it.
            self.running_var.data_mut().fill(S::ONE);
            self.batches = 0;
        }
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
        let [weight, bias] = self.parameters(cx)?;
        if cx.is_training() {
            let y = x.batch_norm(weight, bias, self.op())?;
            self.track(y, cx.gathered());
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

    fn as_batch_norm(&mut self) -> Option<&mut Self> {
        Some(self)
    }

    fn visit(&mut self, walk: &mut Walk<'_, S>) {
        walk.parameter("weight", &mut self.weight);
        walk.parameter("bias", &mut self.bias);
        walk.buffer("running_mean", BufferMut::Tensor(&mut self.running_mean));
        walk.buffer("running_var", BufferMut::Tensor(&mut self.running_var));
        walk.buffer("num_batches_tracked", BufferMut::Count(&mut self.batches));
    }
}

#[cfg(test)]
mod tests {
    use autograd::{Shape, Tape};
    use serde_json::Value;

    use super::*;
    use crate::layer::testing::{numbers, set, state};

    fn list(value: &Value) -> Vec<f64> {
        value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    }

    fn tensor(value: &Value) -> Tensor<f64> {
        let dims: Vec<usize> = list(&value["shape"]).iter().map(|&d| d as usize).collect();
        Tensor::new(Shape::new(&dims).unwrap(), list(&value["data"])).unwrap()
    }

    fn assert_near(what: &str, got: &[f64], want: &[f64]) {
        assert_eq!(got.len(), want.len(), "{what}");
        for (a, b) in got.iter().zip(want) {
            assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{what}: {a} {b}");
        }
    }

    fn train(layer: &mut dyn Layer<f64>, x: &Tensor<f64>) -> Result<Tensor<f64>> {
        let tape = Tape::new();
        Ok(layer.forward(&Context::train(&tape, 0, 0), tape.constant(x.clone()))?.value())
    }

    fn eval(layer: &mut dyn Layer<f64>, x: &Tensor<f64>) -> Result<Tensor<f64>> {
        let tape = Tape::new();
        Ok(layer.forward(&Context::eval(&tape), tape.constant(x.clone()))?.value())
    }

    /// Values of `torch.nn.BatchNorm2d` in f64, with running statistics after one step from 0 and 1; see
    /// tests/golden/README.md.
    #[test]
    fn outputs_and_running_statistics_are_those_of_torch() {
        let rows: Value = serde_json::from_str(include_str!("../../tests/golden/ops.json")).unwrap();
        let (mut trained, mut evaluated) = (0, 0);
        for row in rows.as_array().unwrap().iter().filter(|row| row["op"] == "batch_norm") {
            let (name, extra) = (row["settings"].to_string(), &row["extra"]);
            let number = |key: &str| row["settings"][key].as_f64().unwrap();
            let settings = BatchNormSettings { eps: number("eps"), momentum: number("momentum") };
            let inputs: Vec<_> = row["inputs"].as_array().unwrap().iter().map(tensor).collect();
            let mut layer = BatchNorm2d::<f64>::new(inputs[1].len(), settings).unwrap();
            set(&mut layer, "weight", inputs[1].data());
            set(&mut layer, "bias", inputs[2].data());
            let statistics = ["running_mean", "running_var"];
            let got = if row["settings"]["training"] == true {
                trained += 1;
                train(&mut layer, &inputs[0]).unwrap()
            } else {
                evaluated += 1;
                statistics.iter().for_each(|key| set(&mut layer, key, &list(&extra[key])));
                eval(&mut layer, &inputs[0]).unwrap()
            };
            let want = tensor(&row["output"]);
            assert_eq!(got.shape(), want.shape(), "{name}");
            assert_near(&name, got.data(), want.data());
            for key in statistics {
                assert_near(&format!("{name}: {key}"), &numbers(&mut layer, key), &list(&extra[key]));
            }
            let steps = if row["settings"]["training"] == true { 1.0 } else { 0.0 };
            assert_eq!(numbers(&mut layer, "num_batches_tracked"), [steps]);
        }
        assert_eq!((trained, evaluated), (4, 3));
    }

    /// Two batches of variance 1 and 9 (biased) and 2 and 18 (unbiased), at momentum ¼.
    #[test]
    fn momentum_is_the_share_of_the_new_batch() {
        let settings = BatchNormSettings { momentum: 0.25, ..BatchNormSettings::default() };
        let mut layer = BatchNorm2d::<f64>::new(1, settings).unwrap();
        train(&mut layer, &Tensor::new([2, 1], vec![3.0, 5.0]).unwrap()).unwrap();
        assert_eq!(numbers(&mut layer, "running_mean"), [1.0]);
        assert_eq!(numbers(&mut layer, "running_var"), [0.75 + 0.5]);
        train(&mut layer, &Tensor::new([2, 1], vec![1.0, 7.0]).unwrap()).unwrap();
        assert_eq!(numbers(&mut layer, "running_mean"), [0.75 + 1.0]);
        assert_eq!(numbers(&mut layer, "running_var"), [0.75 * 1.25 + 4.5]);
        assert_eq!(numbers(&mut layer, "num_batches_tracked"), [2.0]);
    }

    #[test]
    fn one_number_per_channel_leaves_the_running_variance() {
        let mut layer = BatchNorm2d::<f64>::new(2, BatchNormSettings::default()).unwrap();
        set(&mut layer, "bias", &[0.5, -0.5]);
        let y = train(&mut layer, &Tensor::new([1, 2, 1, 1], vec![4.0, -2.0]).unwrap()).unwrap();
        assert_eq!(y.data(), [0.5, -0.5]);
        assert_near("mean", &numbers(&mut layer, "running_mean"), &[0.4, -0.2]);
        assert_eq!(numbers(&mut layer, "running_var"), [1.0, 1.0]);
        assert_eq!(numbers(&mut layer, "num_batches_tracked"), [1.0]);
    }

    #[test]
    fn evaluation_and_refused_inputs_move_nothing() {
        let mut layer = BatchNorm2d::<f64>::new(2, BatchNormSettings::default()).unwrap();
        let x = Tensor::new([2, 2, 1, 2], vec![1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0]).unwrap();
        train(&mut layer, &x).unwrap();
        let before = state(&mut layer);
        let names: Vec<_> = before.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]);
        assert_eq!(eval(&mut layer, &x).unwrap(), eval(&mut layer, &x).unwrap());
        assert!(train(&mut layer, &Tensor::zeros([2, 3, 1, 2])).is_err());
        assert!(train(&mut layer, &Tensor::zeros([0, 2, 1, 2])).is_err());
        assert!(eval(&mut layer, &Tensor::zeros([2, 3, 1, 2])).is_err());
        assert_eq!(state(&mut layer), before);
    }

    #[test]
    fn illegal_settings_are_refused() {
        let new = |eps, momentum| BatchNorm2d::<f32>::new(1, BatchNormSettings { eps, momentum });
        for eps in [0.0, -1e-5, f64::NAN, f64::INFINITY] {
            let text = new(eps, 0.1).unwrap_err().to_string();
            assert_eq!(text, format!("batch_norm: eps is {eps}; want a positive number"));
        }
        for momentum in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            let text = new(1e-5, momentum).unwrap_err().to_string();
            assert_eq!(text, format!("batch_norm: momentum is {momentum}; want a number from 0 to 1"));
        }
        assert!(new(1e-5, 0.0).is_ok() && new(1e-5, 1.0).is_ok());
    }
}
