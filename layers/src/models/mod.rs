//! Whole networks by name.

mod allconv;
mod cnn;
mod mlp;
mod plain;
mod residual_stages;
mod resnet;
mod resnet_cifar;
mod variant;
mod vgg;
mod wrn;

use autograd::{Error, Result, Scalar};

use crate::activation::MakeActivation;
use crate::init::{Init, Initializer};
use crate::layer::Layer;

pub use variant::{CHOICES, Choice, HEADS, Head, STEMS, Stem, Variant};

/// What a network is built for.
#[derive(Debug, Clone, Copy)]
pub struct ModelSettings {
    /// Channels, height and width of an image.
    pub input: [usize; 3],
    /// The number of classes.
    pub classes: usize,
    /// Hidden units or channels of the first stage; `None` for the network's usual width.
    pub width: Option<usize>,
    /// What [`ModelEntry::depth`] counts; `None` for the network's usual depth, and for networks that have but one.
    pub depth: Option<usize>,
    /// How the network departs from its usual form.
    pub variant: Variant,
    /// How weights are drawn.
    pub init: Init,
    /// From which seed.
    pub seed: u64,
}

/// The largest width: far beyond any use, and small enough that no size overflows.
const MAX_WIDTH: usize = 65_536;
/// The largest depth, likewise.
const MAX_DEPTH: usize = 65_536;
/// The largest number of classes, likewise.
const MAX_CLASSES: usize = 65_536;
/// The most numbers in an image, likewise: 2048 × 2048 of one channel.
const MAX_IMAGE: usize = 1 << 22;

/// Builds a network.
pub type Build<S> = fn(&ModelSettings, MakeActivation<'_, S>, &mut Initializer) -> Result<Box<dyn Layer<S>>>;

/// One network as listings see it.
#[derive(Debug, Clone, Copy)]
pub struct ModelEntry<S: Scalar> {
    /// The registered name.
    pub name: &'static str,
    /// What it is, with its source.
    pub about: &'static str,
    /// The width it has unless told otherwise.
    pub width: usize,
    /// The depth it has unless told otherwise: hidden layers of `mlp`, layers with weights of `plain`. `None` where the
    /// network has but one.
    pub depth: Option<usize>,
    /// A learning rate that trains it by SGD with momentum 0.9 and batches of 128. Without normalization layers it
    /// must be smaller.
    pub rate: f64,
    /// The departures from its usual form that it has.
    pub choices: &'static [Choice],
    build: Build<S>,
}

impl<S: Scalar> ModelEntry<S> {
    /// Every network, in reading order. A new one is one file and one line here.
    pub const ALL: &'static [Self] = &[
        Self {
            name: "mlp",
            about: "hidden dense layers, as many as its depth",
            width: mlp::WIDTH,
            depth: Some(mlp::DEPTH),
            rate: 0.01,
            choices: &[],
            build: mlp::build,
        },
        Self {
            name: "cnn",
            about: "plain VGG-like net, six 3×3 convolutions, no norm",
            width: cnn::WIDTH,
            depth: None,
            rate: 0.01,
            choices: &[],
            build: cnn::build,
        },
        Self {
            name: "plain",
            about: "resnet20's three stages without shortcuts and norm; 3×3 convolutions and one dense layer",
            width: plain::WIDTH,
            depth: Some(plain::DEPTH),
            rate: 0.01,
            choices: &[],
            build: plain::build,
        },
        cifar(
            "resnet8",
            "CIFAR residual net (He et al. 2016, 4.2), option-B shortcuts, n = 1",
            resnet_cifar::build::<S, 1>,
        ),
        cifar("resnet14", "the same with n = 2", resnet_cifar::build::<S, 2>),
        cifar("resnet20", "the same with n = 3", resnet_cifar::build::<S, 3>),
        cifar("resnet32", "the same with n = 5", resnet_cifar::build::<S, 5>),
        cifar("resnet44", "the same with n = 7", resnet_cifar::build::<S, 7>),
        cifar("resnet56", "the same with n = 9", resnet_cifar::build::<S, 9>),
        cifar("resnet110", "the same with n = 18", resnet_cifar::build::<S, 18>),
        large("resnet18", "basic blocks 2-2-2-2, usual stem small (3×3, no pooling)", resnet::build_18),
        large("resnet34", "basic blocks 3-4-6-3, likewise", resnet::build_34),
        large("resnet50", "bottlenecks 3-4-6-3, likewise", resnet::build_50),
        large("resnet101", "bottlenecks 3-4-23-3, likewise", resnet::build_101),
        wide(
            "wrn-16-4",
            "wide residual net (Zagoruyko and Komodakis 2016), pre-activated",
            4,
            wrn::build::<S, 2>,
        ),
        wide("wrn-28-10", "the same, deeper and wider", 10, wrn::build::<S, 4>),
        vgg(
            "vgg11",
            "VGG configuration A (Simonyan and Zisserman 2015), usual head small",
            0.01,
            vgg::build_11::<S, false>,
        ),
        vgg("vgg16", "VGG configuration D, likewise", 0.01, vgg::build_16::<S, false>),
        vgg("vgg11_bn", "vgg11 with batch norm", 0.05, vgg::build_11::<S, true>),
        vgg("vgg16_bn", "vgg16 with batch norm", 0.05, vgg::build_16::<S, true>),
        Self {
            name: "allconv",
            about: "All-CNN-C, nine convolutions with bias, no norm (Springenberg et al. 2015)",
            width: allconv::WIDTH,
            depth: None,
            rate: 0.01,
            choices: allconv::CHOICES,
            build: allconv::build,
        },
    ];

    /// The network called `name`.
    ///
    /// # Errors
    /// There is none; the near names are given.
    pub fn named(name: &str) -> Result<&'static Self> {
        let entry = Self::ALL.iter().find(|m| m.name == name);
        entry.ok_or_else(|| Error::unknown("model", name, Self::ALL.iter().map(|m| m.name)))
    }

    /// Whether the network can depart from its usual form so.
    ///
    /// # Errors
    /// A departure that it does not have, a probability out of range, or two that do not go together.
    pub fn check(&self, variant: &Variant) -> Result<()> {
        variant.check(self.name, self.choices)
    }

    /// Builds the network.
    ///
    /// # Errors
    /// No classes, an empty image, a width or depth of 0, any of them beyond all use, a depth for a network that has but
    /// one, a departure that the network does not have, or an image too small for it.
    pub fn build(
        &self,
        settings: &ModelSettings,
        activation: MakeActivation<'_, S>,
    ) -> Result<Box<dyn Layer<S>>> {
        let refuse = |what: String, legal: &str| Error::Argument { op: self.name, what, legal: legal.into() };
        if !(1..=MAX_CLASSES).contains(&settings.classes) {
            return Err(refuse(format!("{} classes", settings.classes), "from 1 to 65,536"));
        }
        let numbers = settings.input.iter().try_fold(1usize, |n, &length| n.checked_mul(length));
        if !numbers.is_some_and(|n| (1..=MAX_IMAGE).contains(&n)) {
            let what = format!("images of shape {:?}", settings.input);
            return Err(refuse(what, "positive lengths with a product of at most 4,194,304"));
        }
        if let Some(width) = settings.width.filter(|w| !(1..=MAX_WIDTH).contains(w)) {
            return Err(refuse(format!("width {width}"), "a width from 1 to 65,536"));
        }
        let depth = match (self.depth, settings.depth) {
            (None, Some(depth)) => {
                let deep = Self::ALL.iter().filter(|m| m.depth.is_some()).map(|m| m.name);
                let legal =
                    format!("none for this network; {} have one", deep.collect::<Vec<_>>().join(" and "));
                return Err(refuse(format!("depth {depth}"), &legal));
            }
            (_, Some(depth)) if !(1..=MAX_DEPTH).contains(&depth) => {
                return Err(refuse(format!("depth {depth}"), "a depth from 1 to 65,536"));
            }
            (usual, given) => given.or(usual),
        };
        self.check(&settings.variant)?;
        let width = Some(settings.width.unwrap_or(self.width));
        let settings = ModelSettings { width, depth, ..*settings };
        (self.build)(&settings, activation, &mut Initializer::new(settings.init, settings.seed))
    }
}

const fn cifar<S: Scalar>(name: &'static str, about: &'static str, build: Build<S>) -> ModelEntry<S> {
    let (width, choices) = (resnet_cifar::WIDTH, resnet_cifar::CHOICES);
    ModelEntry { name, about, width, depth: None, rate: 0.1, choices, build }
}

const fn large<S: Scalar>(name: &'static str, about: &'static str, build: Build<S>) -> ModelEntry<S> {
    let (width, choices) = (resnet::WIDTH, resnet::CHOICES);
    ModelEntry { name, about, width, depth: None, rate: 0.1, choices, build }
}

/// WRN-d-k, k being `factor`.
const fn wide<S: Scalar>(
    name: &'static str,
    about: &'static str,
    factor: usize,
    build: Build<S>,
) -> ModelEntry<S> {
    let width = factor * wrn::STEM;
    ModelEntry { name, about, width, depth: None, rate: 0.1, choices: wrn::CHOICES, build }
}

const fn vgg<S: Scalar>(
    name: &'static str,
    about: &'static str,
    rate: f64,
    build: Build<S>,
) -> ModelEntry<S> {
    ModelEntry { name, about, width: vgg::WIDTH, depth: None, rate, choices: vgg::CHOICES, build }
}

impl ModelSettings {
    /// The width, which [`ModelEntry::build`] has filled in.
    fn width(&self) -> usize {
        self.width.expect("`build` fills in the usual width")
    }

    /// The depth, filled in likewise.
    fn depth(&self) -> usize {
        self.depth.expect("`build` fills in the usual depth")
    }
}
