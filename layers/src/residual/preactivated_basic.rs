//! The basic block with normalization and activation in front of its convolutions.

use autograd::{Result, Scalar, Var};

use super::{BlockSizes, Preactivation, shortcut::projection};
use crate::activation::MakeActivation;
use crate::batch_norm::{BatchNorm2d, BatchNormSettings};
use crate::context::Context;
use crate::conv::Conv2d;
use crate::dropout::Dropout;
use crate::init::Initializer;
use crate::layer::{Layer, Walk};
use crate::stochastic_depth::StochasticDepth;

/// y = conv2(φ₂(bn2(conv1(a)))) + shortcut, a = φ₁(bn1(x)), two 3×3 convolutions, the first with the stride.
///
/// The shortcut is x itself where shapes agree, else a 1×1 convolution of a without normalization. Where x is
/// activated already, a = x. x [N, inputs, H, W], y [N, width, ⌈H/stride⌉, ⌈W/stride⌉]. Children `bn1 act1 conv1 bn2
/// act2 conv2` and, where shapes change, `downsample`; `dropout` between act2 and conv2 if asked for.
/// Source: He et al., *Identity mappings in deep residual networks* (2016), figure 4 (e) and the appendix; dropout:
/// Zagoruyko and Komodakis, *Wide residual networks* (2016), section 2.4.
#[derive(Debug)]
pub struct PreactivatedBlock<S: Scalar> {
    before: Preactivation<S>,
    conv1: Conv2d<S>,
    bn2: BatchNorm2d<S>,
    act2: Box<dyn Layer<S>>,
    dropout: Option<Dropout>,
    conv2: Conv2d<S>,
    downsample: Option<Conv2d<S>>,
    depth: Option<StochasticDepth>,
}

impl<S: Scalar> PreactivatedBlock<S> {
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
        Ok(Self {
            before: Preactivation::new(inputs, is_activated, activation)?,
            conv1: Conv2d::same(inputs, width, 3, stride, init)?,
            bn2: BatchNorm2d::new(width, BatchNormSettings::default())?,
            act2: activation(width),
            dropout: None,
            conv2: Conv2d::same(width, width, 3, 1, init)?,
            downsample: projection(inputs, width, stride, init)?,
            depth: None,
        })
    }

    /// With dropout between its convolutions.
    #[must_use]
    pub fn with_dropout(self, dropout: Option<Dropout>) -> Self {
        Self { dropout, ..self }
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
        if let Some(dropout) = &mut self.dropout {
            y = cx.call("dropout", dropout, y)?;
        }
        y = cx.call("conv2", &mut self.conv2, y)?;
        if let Some(depth) = &mut self.depth {
            y = cx.call("stochastic_depth", depth, y)?;
        }
        y.try_add(match &mut self.downsample {
            Some(conv) => cx.call("downsample", conv, activated)?,
            None => x,
        })
    }
}

impl<S: Scalar> Layer<S> for PreactivatedBlock<S> {
    fn forward<'t>(&mut self, cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        cx.block(|| self.record(cx, x))
    }

    fn visit(&mut self, walk: &mut Walk<'_, S>) {
        self.before.visit(walk);
        walk.child("conv1", &mut self.conv1);
        walk.child("bn2", &mut self.bn2);
        walk.child("act2", self.act2.as_mut());
        walk.child("conv2", &mut self.conv2);
        if let Some(conv) = &mut self.downsample {
            walk.child("downsample", conv);
        }
    }
}
