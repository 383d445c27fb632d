//! The bottleneck with normalization and activation in front of its convolutions.

use autograd::{Result, Scalar, Var};

use super::{BlockSizes, Bottleneck, Preactivation, shortcut::projection};
use crate::activation::MakeActivation;
use crate::batch_norm::{BatchNorm2d, BatchNormSettings};
use crate::context::Context;
use crate::conv::Conv2d;
use crate::init::Initializer;
use crate::layer::{Layer, Walk};
use crate::stochastic_depth::StochasticDepth;

/// y = conv3(φ₃(bn3(conv2(φ₂(bn2(conv1(a))))))) + shortcut, a = φ₁(bn1(x)): 1×1 down to `width` channels, 3×3 with the
/// stride, 1×1 up to 4·`width`.
///
/// The shortcut is x itself where shapes agree, else a 1×1 convolution of a without normalization. Where x is
/// activated already, a = x. Children `bn1 act1 conv1 bn2 act2 conv2 bn3 act3 conv3` and, where shapes change,
/// `downsample`.
/// Source: He et al., *Identity mappings in deep residual networks* (2016), figure 4 (e) and the appendix.
#[derive(Debug)]
pub struct PreactivatedBottleneck<S: Scalar> {
    before: Preactivation<S>,
    conv1: Conv2d<S>,
    bn2: BatchNorm2d<S>,
    act2: Box<dyn Layer<S>>,
    conv2: Conv2d<S>,
    bn3: BatchNorm2d<S>,
    act3: Box<dyn Layer<S>>,
    conv3: Conv2d<S>,
    downsample: Option<Conv2d<S>>,
    depth: Option<StochasticDepth>,
}

impl<S: Scalar> PreactivatedBottleneck<S> {
    /// A block; `is_activated` says that its input is.
    ///
    /// # Errors
    /// As the layers it is made of.
    pub fn new(
        sizes: BlockSizes,
        is_activated: bool,
        activation: MakeActivation<'_, S>,
        init: &mut Initializer,
    ) -> Result<Self> {
        let BlockSizes { inputs, width, stride } = sizes;
        let outputs = width * Bottleneck::<S>::EXPANSION;
        let norm = || BatchNorm2d::new(width, BatchNormSettings::default());
        Ok(Self {
            before: Preactivation::new(inputs, is_activated, activation)?,
            conv1: Conv2d::same(inputs, width, 1, 1, init)?,
            bn2: norm()?,
            act2: activation(width),
            conv2: Conv2d::same(width, width, 3, stride, init)?,
            bn3: norm()?,
            act3: activation(width),
            conv3: Conv2d::same(width, outputs, 1, 1, init)?,
            downsample: projection(inputs, outputs, stride, init)?,
            depth: None,
        })
    }

    /// With a branch that is dropped at random.
    #[must_use]
    pub fn with_depth(self, depth: Option<StochasticDepth>) -> Self {
        Self { depth, ..self }
    }

    fn record<'t>(&mut self, cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        let activated = self.before.record(cx, x)?;
        let mut y = cx.call("conv1", &mut self.conv1, activated)?;
        let normed = cx.norm("bn2", &mut self.bn2, y)?;
        y = cx.call_normed("act2", self.act2.as_mut(), normed)?;
        y = cx.call("conv2", &mut self.conv2, y)?;
        let normed = cx.norm("bn3", &mut self.bn3, y)?;
        y = cx.call_normed("act3", self.act3.as_mut(), normed)?;
        y = cx.call("conv3", &mut self.conv3, y)?;
        if let Some(depth) = &mut self.depth {
            y = cx.call("stochastic_depth", depth, y)?;
        }
        y.try_add(match &mut self.downsample {
            Some(conv) => cx.call("downsample", conv, activated)?,
            None => x,
        })
    }
}

impl<S: Scalar> Layer<S> for PreactivatedBottleneck<S> {
    fn forward<'t>(&mut self, cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        cx.block(|| self.record(cx, x))
    }

    fn visit(&mut self, walk: &mut Walk<'_, S>) {
        self.before.visit(walk);
        walk.child("conv1", &mut self.conv1);
        walk.child("bn2", &mut self.bn2);
        walk.child("act2", self.act2.as_mut());
        walk.child("conv2", &mut self.conv2);
        walk.child("bn3", &mut self.bn3);
        walk.child("act3", self.act3.as_mut());
        walk.child("conv3", &mut self.conv3);
        if let Some(conv) = &mut self.downsample {
            walk.child("downsample", conv);
        }
    }
}
