//! The block of ResNet-50 and deeper.

use autograd::{Result, Scalar, Var};

use super::{BlockSizes, shortcut::shortcut};
use crate::activation::MakeActivation;
use crate::batch_norm::{BatchNorm2d, BatchNormSettings};
use crate::context::Context;
use crate::conv::Conv2d;
use crate::init::Initializer;
use crate::layer::{Layer, Walk};
use crate::sequential::Sequential;
use crate::stochastic_depth::StochasticDepth;

/// y = φ₃(bn3(conv3(φ₂(bn2(conv2(φ₁(bn1(conv1(x)))))))) + shortcut(x)): 1×1 down to `width` channels, 3×3 with the
/// stride, 1×1 up to 4·`width`.
///
/// The stride sits at the 3×3 convolution, as in torchvision (the paper has it at the first 1×1). Children `conv1
/// bn1 act1 conv2 bn2 act2 conv3 bn3 act3` and, where shapes change, `downsample`.
/// Source: He et al., *Deep residual learning* (2016), figure 5.
#[derive(Debug)]
pub struct Bottleneck<S: Scalar> {
    conv1: Conv2d<S>,
    bn1: BatchNorm2d<S>,
    act1: Box<dyn Layer<S>>,
    conv2: Conv2d<S>,
    bn2: BatchNorm2d<S>,
    act2: Box<dyn Layer<S>>,
    conv3: Conv2d<S>,
    bn3: BatchNorm2d<S>,
    downsample: Option<Sequential<S>>,
    act3: Box<dyn Layer<S>>,
    depth: Option<StochasticDepth>,
}

impl<S: Scalar> Bottleneck<S> {
    /// Channels of the output per channel inside.
    pub const EXPANSION: usize = 4;

    /// A block.
    ///
    /// # Errors
    /// As the layers it is made of.
    pub fn new(sizes: BlockSizes, activation: MakeActivation<'_, S>, init: &mut Initializer) -> Result<Self> {
        let BlockSizes { inputs, width, stride } = sizes;
        let outputs = width * Self::EXPANSION;
        let norm = |channels| BatchNorm2d::new(channels, BatchNormSettings::default());
        Ok(Self {
            conv1: Conv2d::same(inputs, width, 1, 1, init)?,
            bn1: norm(width)?,
            act1: activation(width),
            conv2: Conv2d::same(width, width, 3, stride, init)?,
            bn2: norm(width)?,
            act2: activation(width),
            conv3: Conv2d::same(width, outputs, 1, 1, init)?,
            bn3: norm(outputs)?,
            downsample: shortcut(inputs, outputs, stride, init)?,
            act3: activation(outputs),
            depth: None,
        })
    }

    /// With γ of bn3 starting at 0, so that the branch does: the block starts as φ₃(shortcut(x)).
    /// Source: Goyal et al., *Accurate, large minibatch SGD* (2017), section 5.1.
    #[must_use]
    pub fn with_zero_gamma(self) -> Self {
        Self { bn3: self.bn3.with_zero_gamma(), ..self }
    }

    /// With a branch that is dropped at random.
    #[must_use]
    pub fn with_depth(self, depth: Option<StochasticDepth>) -> Self {
        Self { depth, ..self }
    }

    fn record<'t>(&mut self, cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        let mut y = cx.call("conv1", &mut self.conv1, x)?;
        let normed = cx.norm("bn1", &mut self.bn1, y)?;
        y = cx.call_normed("act1", self.act1.as_mut(), normed)?;
        y = cx.call("conv2", &mut self.conv2, y)?;
        let normed = cx.norm("bn2", &mut self.bn2, y)?;
        y = cx.call_normed("act2", self.act2.as_mut(), normed)?;
        y = cx.call("conv3", &mut self.conv3, y)?;
        let normed = cx.branch_end("bn3", &mut self.bn3, self.depth.as_mut(), y)?;
        let around = match &mut self.downsample {
            Some(layers) => cx.call("downsample", layers, x)?,
            None => x,
        };
        cx.call_normed("act3", self.act3.as_mut(), normed.plus(around)?)
    }
}

impl<S: Scalar> Layer<S> for Bottleneck<S> {
    fn forward<'t>(&mut self, cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        cx.block(|| self.record(cx, x))
    }

    fn visit(&mut self, walk: &mut Walk<'_, S>) {
        walk.child("conv1", &mut self.conv1);
        walk.child("bn1", &mut self.bn1);
        walk.child("act1", self.act1.as_mut());
        walk.child("conv2", &mut self.conv2);
        walk.child("bn2", &mut self.bn2);
        walk.child("act2", self.act2.as_mut());
        walk.child("conv3", &mut self.conv3);
        walk.child("bn3", &mut self.bn3);
        if let Some(layers) = &mut self.downsample {
            walk.child("downsample", layers);
        }
        walk.child("act3", self.act3.as_mut());
    }
}
