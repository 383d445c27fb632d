//! The stages that all residual networks are made of.

use autograd::{Result, Scalar};

use super::ModelSettings;
use crate::activation::MakeActivation;
use crate::batch_norm::{BatchNorm2d, BatchNormSettings};
use crate::dropout::Dropout;
use crate::init::Initializer;
use crate::layer::Layer;
use crate::linear::Linear;
use crate::pooling::GlobalAvgPool;
use crate::residual::{BasicBlock, BlockSizes, Bottleneck, PreactivatedBlock, PreactivatedBottleneck};
use crate::sequential::Sequential;
use crate::stochastic_depth::StochasticDepth;

/// Which block a network is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    Basic,
    Bottleneck,
}

/// Where normalization and activation stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Behind convolutions and sums.
    Post,
    /// In front of convolutions. Once more behind the last block, as `norm` and `act`: its sum is not activated.
    Pre {
        /// Whether the stem ends in an activation, which the first block then does without.
        after_activation: bool,
    },
}

/// What stands between the stem and the logits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stages<'a> {
    pub(super) block: Block,
    pub(super) order: Order,
    /// Blocks of every stage.
    pub(super) depths: &'a [usize],
    /// Channels that come out of the stem.
    pub(super) inputs: usize,
}

impl Stages<'_> {
    /// Appends `layer1 … layerN` with doubling width, all but the first beginning with stride 2, then `avgpool fc`.
    ///
    /// Block l of L, counted from 1, has the random sites 2l (its branch) and 2l + 1 (its dropout).
    pub(super) fn append<S: Scalar>(
        self,
        mut net: Sequential<S>,
        settings: &ModelSettings,
        activation: MakeActivation<'_, S>,
        init: &mut Initializer,
    ) -> Result<Box<dyn Layer<S>>> {
        let (mut inputs, mut place) = (self.inputs, 0);
        for (stage, &depth) in self.depths.iter().enumerate() {
            let width = settings.width() << stage;
            let mut blocks = Sequential::new();
            for number in 0..depth {
                let stride = if stage > 0 && number == 0 { 2 } else { 1 };
                place += 1;
                let sizes = BlockSizes { inputs, width, stride };
                let block = self.block(sizes, place, settings, activation, init)?;
                blocks = blocks.boxed(&number.to_string(), block);
                inputs = match self.block {
                    Block::Basic => width,
                    Block::Bottleneck => width * Bottleneck::<S>::EXPANSION,
                };
            }
            net = net.named(&format!("layer{}", stage + 1), blocks);
        }
        if let Order::Pre { .. } = self.order {
            net = net
                .named("norm", BatchNorm2d::new(inputs, BatchNormSettings::default())?)
                .boxed("act", activation(inputs));
        }
        Ok(Box::new(
            net.named("avgpool", GlobalAvgPool).named("fc", Linear::new(inputs, settings.classes, init)),
        ))
    }

    /// Block `place`, counted from 1.
    fn block<S: Scalar>(
        self,
        sizes: BlockSizes,
        place: usize,
        settings: &ModelSettings,
        activation: MakeActivation<'_, S>,
        init: &mut Initializer,
    ) -> Result<Box<dyn Layer<S>>> {
        let (variant, site) = (&settings.variant, 2 * place as u64);
        let last = variant.stochastic_depth.unwrap_or(0.0);
        let depth = StochasticDepth::decaying(last, place, self.depths.iter().sum(), site)?;
        let dropout =
            variant.dropout.filter(|&p| p != 0.0).map(|p| Dropout::numbered(p, site + 1)).transpose()?;
        let zero_gamma = variant.zero_gamma;
        Ok(match (self.block, self.order) {
            (Block::Basic, Order::Post) => {
                let block = BasicBlock::new(sizes, activation, init)?.with_depth(depth);
                Box::new(if zero_gamma { block.with_zero_gamma() } else { block })
            }
            (Block::Bottleneck, Order::Post) => {
                let block = Bottleneck::new(sizes, activation, init)?.with_depth(depth);
                Box::new(if zero_gamma { block.with_zero_gamma() } else { block })
            }
            (kind, Order::Pre { after_activation }) => {
                let is_activated = after_activation && place == 1;
                match kind {
                    Block::Basic => Box::new(
                        PreactivatedBlock::new(sizes, is_activated, activation, init)?
                            .with_dropout(dropout)
                            .with_depth(depth),
                    ),
                    Block::Bottleneck => Box::new(
                        PreactivatedBottleneck::new(sizes, is_activated, activation, init)?.with_depth(depth),
                    ),
                }
            }
        })
    }
}

/// The order of a network that ends its stem in an activation either way.
pub(super) fn order_of(settings: &ModelSettings) -> Order {
    if settings.variant.preactivation { Order::Pre { after_activation: true } } else { Order::Post }
}
