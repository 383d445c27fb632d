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
        let op = ops::Conv2d {
            stride: [stride; 2],
            padding: [padding; 2],
            dilation: [dilation; 2],
            groups,
            exact: false,
        };
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
        x.conv2d(weight, bias, ops::Conv2d { exact: cx.execution().exact, ..self.op })
    }

    fn visit(&mut self, walk: &mut Walk<'_, S>) {
        walk.parameter("weight", &mut self.weight);
        if let Some(bias) = &mut self.bias {
            walk.parameter("bias", bias);
        }
    }
}

#[cfg(test)]
mod tests {
    use autograd::Tape;

    use super::*;
    use crate::init::Init;
    use crate::layer::testing::{Entry, set, state};

    fn build(settings: ConvSettings) -> Result<Conv2d<f64>> {
        Conv2d::new(settings, &mut Initializer::new(Init::LecunNormal, 2))
    }

    fn output(layer: &mut Conv2d<f64>, x: Tensor<f64>) -> Result<Tensor<f64>> {
        let tape = Tape::new();
        Ok(layer.forward(&Context::eval(&tape), tape.constant(x))?.value())
    }

    #[test]
    fn parameters_have_the_shapes_of_torch() {
        let grouped = ConvSettings { inputs: 6, outputs: 4, kernel: 5, groups: 2, ..<_>::default() };
        let shapes = |settings| -> Vec<_> {
            let entries = state(&mut build(settings).unwrap()).into_iter();
            entries.map(|Entry { name, role, dims, .. }| (name, role.unwrap(), dims)).collect()
        };
        let both = [
            ("weight".to_string(), Role::Weight, vec![4, 3, 5, 5]),
            ("bias".to_string(), Role::Bias, vec![4]),
        ];
        assert_eq!(shapes(grouped), both[..1]);
        assert_eq!(shapes(ConvSettings { bias: true, ..grouped }), both);
    }

    /// 1 × 1 kernels of one number each, so that every output can be named.
    #[test]
    fn every_setting_reaches_the_op() {
        let settings =
            ConvSettings { inputs: 2, outputs: 2, kernel: 1, groups: 2, bias: true, ..<_>::default() };
        let x = Tensor::new([1, 2, 1, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        let outcome = |settings: ConvSettings| {
            let mut conv = build(settings).unwrap();
            set(&mut conv, "weight", &[10.0, 100.0]);
            set(&mut conv, "bias", &[1.0, 2.0]);
            let y = output(&mut conv, x.clone()).unwrap();
            (y.dims().to_vec(), y.data().to_vec())
        };
        assert_eq!(outcome(settings), (vec![1, 2, 1, 3], vec![11.0, 21.0, 31.0, 402.0, 502.0, 602.0]));
        let sparse = outcome(ConvSettings { stride: 2, ..settings });
        assert_eq!(sparse, (vec![1, 2, 1, 2], vec![11.0, 31.0, 402.0, 602.0]));
        assert_eq!(outcome(ConvSettings { padding: 1, ..settings }).0, [1, 2, 3, 5]);
        let mut wide = build(ConvSettings { kernel: 3, dilation: 2, ..<_>::default() }).unwrap();
        assert_eq!(output(&mut wide, Tensor::zeros([1, 1, 7, 5])).unwrap().dims(), [1, 1, 3, 1]);
    }

    #[test]
    fn same_keeps_the_size() {
        for kernel in [1, 3, 5] {
            let mut conv =
                Conv2d::<f64>::same(2, 3, kernel, 1, &mut Initializer::new(Init::LecunNormal, 2)).unwrap();
            assert_eq!(output(&mut conv, Tensor::zeros([1, 2, 7, 6])).unwrap().dims(), [1, 3, 7, 6]);
            assert_eq!(state(&mut conv).len(), 1, "no bias");
        }
    }

    #[test]
    fn groups_must_divide_the_channels() {
        for (inputs, outputs, groups) in [(4, 4, 0), (4, 6, 4), (6, 4, 4), (4, 4, 3)] {
            let text =
                build(ConvSettings { inputs, outputs, groups, ..<_>::default() }).unwrap_err().to_string();
            assert_eq!(
                text,
                format!(
                    "conv2d: {groups} groups for {inputs} input and {outputs} output channels; \
                     want a number of groups that divides both"
                )
            );
        }
        assert!(build(ConvSettings { inputs: 4, outputs: 8, groups: 4, ..<_>::default() }).is_ok());
    }

    #[test]
    fn an_input_of_other_channels_is_refused() {
        let mut conv = build(ConvSettings { inputs: 3, ..<_>::default() }).unwrap();
        assert!(output(&mut conv, Tensor::zeros([1, 2, 5, 5])).is_err());
        assert!(output(&mut conv, Tensor::zeros([3, 5, 5])).is_err());
        assert!(output(&mut conv, Tensor::zeros([1, 3, 2, 5])).is_err());
    }
}
