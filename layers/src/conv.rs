//! The convolution layer.

use autograd::{Result, Scalar, Tensor, Var, ops};

use crate::context::Context;
use crate::init::Initializer;
use crate::layer::{Layer, Walk};
use crate::parameter::{Parameter, Role};

/// What a [`Conv2d`] is built from; `..Default::default()` gives stride 1, no padding, no dilation, one group, no bias.
#[derive(Debug, Clone, Copy)]
pub struct ConvSettings {
    /// C of the input.
    pub inputs: usize,
    /// C of the output.
    pub outputs: usize,
    /// Height and width of the kernel.
    pub kernel: usize,
    /// Step between outputs.
    pub stride: usize,
    /// Zeros around the image.
    pub padding: usize,
    /// Distance between taps.
    pub dilation: usize,
    /// Channel groups that do not mix.
    pub groups: usize,
    /// Whether a bias is added.
    pub bias: bool,
}

impl Default for ConvSettings {
    fn default() -> Self {
        Self { inputs: 1, outputs: 1, kernel: 3, stride: 1, padding: 0, dilation: 1, groups: 1, bias: false }
    }
}

/// Convolution of images [N, C, H, W] with square kernels [O, C/groups, K, K]. Parameters `weight` and, if asked
/// for, `bias` \[O\] starting at 0. Output and errors as [`ops::Conv2d`].
#[derive(Debug)]
pub struct Conv2d<S> {
    op: ops::Conv2d,
    weight: Parameter<S>,
    bias: Option<Parameter<S>>,
}

impl<S: Scalar> Conv2d<S> {
    /// A convolution.
    ///
    /// # Errors
    /// `groups` is 0 or divides the channels unevenly.
    pub fn new(settings: ConvSettings, init: &mut Initializer) -> Result<Self> {
        let ConvSettings { inputs, outputs, kernel, stride, padding, dilation, groups, bias } = settings;
        if groups == 0 || inputs % groups != 0 || outputs % groups != 0 {
            return Err(autograd::Error::Argument {
                op: "conv2d",
                what: format!("{groups} groups for {inputs} input and {outputs} output channels"),
                legal: "a number of groups that divides both".into(),
            });
        }
        let op = ops::Conv2d { stride: [stride; 2], padding: [padding; 2], dilation: [dilation; 2], groups };
        let weight = init.weight([outputs, inputs / groups, kernel, kernel]);
        let bias = bias.then(|| Parameter::new(Tensor::zeros([outputs]), Role::Bias));
        Ok(Self { op, weight, bias })
    }

    /// A square convolution with padding (kernel − 1)/2 and no bias, as residual networks use it.
    ///
    /// # Errors
    /// As [`Conv2d::new`].
    pub fn same(
        inputs: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
        init: &mut Initializer,
    ) -> Result<Self> {
        let padding = kernel.saturating_sub(1) / 2;
        Self::new(ConvSettings { inputs, outputs, kernel, stride, padding, ..ConvSettings::default() }, init)
    }
}

impl<S: Scalar> Layer<S> for Conv2d<S> {
    fn forward<'t>(&mut self, cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        let weight = cx.parameter("weight", &self.weight)?;
        let bias = self.bias.as_ref().map(|b| cx.parameter("bias", b)).transpose()?;
        x.conv2d(weight, bias, self.op)
    }

    fn visit(&mut self, walk: &mut Walk<'_, S>) {
        walk.parameter("weight", &mut self.weight);
        if let Some(bias) = &mut self.bias {
            walk.parameter("bias", bias);
        }
    }
}
