//! The block of ResNet-18 and -34 and of the CIFAR networks.

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

/// y = φ₂(bn2(conv2(φ₁(bn1(conv1(x))))) + shortcut(x)), two 3×3 convolutions, the first with the stride.
///
/// x [N, inputs, H, W], y [N, width, ⌈H/stride⌉, ⌈W/stride⌉]. Children `conv1 bn1 act1 conv2 bn2 act2` and, where
/// shapes change, `downsample`. Source: He et al., *Deep residual learning* (2016), figure 2 and option B.
#[derive(Debug)]
pub struct BasicBlock<S: Scalar> {
    conv1: Conv2d<S>,
    bn1: BatchNorm2d<S>,
    act1: Box<dyn Layer<S>>,
    conv2: Conv2d<S>,
    bn2: BatchNorm2d<S>,
    downsample: Option<Sequential<S>>,
    act2: Box<dyn Layer<S>>,
    depth: Option<StochasticDepth>,
}

impl<S: Scalar> BasicBlock<S> {
    /// A block.
    ///
    /// # Errors
    /// As the layers it is made of.
    pub fn new(sizes: BlockSizes, activation: MakeActivation<'_, S>, init: &mut Initializer) -> Result<Self> {
        let BlockSizes { inputs, width, stride } = sizes;
        let norm = || BatchNorm2d::new(width, BatchNormSettings::default());
        Ok(Self {
            conv1: Conv2d::same(inputs, width, 3, stride, init)?,
            bn1: norm()?,
            act1: activation(width),
            conv2: Conv2d::same(width, width, 3, 1, init)?,
            bn2: norm()?,
            downsample: shortcut(inputs, width, stride, init)?,
            act2: activation(width),
            depth: None,
        })
    }

    /// With γ of bn2 starting at 0, so that the branch does: the block starts as φ₂(shortcut(x)).
    /// Source: Goyal et al., *Accurate, large minibatch SGD* (2017), section 5.1.
    #[must_use]
    pub fn with_zero_gamma(self) -> Self {
        Self { bn2: self.bn2.with_zero_gamma(), ..self }
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
        let normed = cx.branch_end("bn2", &mut self.bn2, self.depth.as_mut(), y)?;
        let around = match &mut self.downsample {
            Some(layers) => cx.call("downsample", layers, x)?,
            None => x,
        };
        cx.call_normed("act2", self.act2.as_mut(), normed.plus(around)?)
    }
}

impl<S: Scalar> Layer<S> for BasicBlock<S> {
    fn forward<'t>(&mut self, cx: &Context<'t, S>, x: Var<'t, S>) -> Result<Var<'t, S>> {
        cx.block(|| self.record(cx, x))
    }

    fn visit(&mut self, walk: &mut Walk<'_, S>) {
        walk.child("conv1", &mut self.conv1);
        walk.child("bn1", &mut self.bn1);
        walk.child("act1", self.act1.as_mut());
        walk.child("conv2", &mut self.conv2);
        walk.child("bn2", &mut self.bn2);
        if let Some(layers) = &mut self.downsample {
            walk.child("downsample", layers);
        }
        walk.child("act2", self.act2.as_mut());
    }
}
