//! Options that several commands share: which network, for which images, in which precision.

use std::fmt;
use std::str::FromStr;

use autograd::Scalar;
use clap::{Args, ValueEnum};
use layers::Layer;

use crate::error::Result;
use crate::run::{Options, Settings, build_model};

/// Which network.
#[derive(Debug, Args)]
pub(super) struct NetworkOptions {
    /// Network, see `anact list models`
    #[arg(long)]
    pub(super) model: String,
    /// Activation, see `anact list activations`; a family's parameter in parentheses, as in "swish(1.702)". The default
    /// is what torchvision's weights expect
    #[arg(long, default_value = "relu")]
    pub(super) activation: String,
    /// Number of classes
    #[arg(long, default_value_t = 10)]
    pub(super) classes: usize,
    /// Hidden units, or channels of the first stage [default: the network's usual width]
    #[arg(long)]
    pub(super) width: Option<usize>,
    /// Hidden layers of mlp, layers with weights of plain [default: the network's usual depth]
    #[arg(long)]
    depth: Option<usize>,
    /// Stem of the ImageNet residual networks, small (3x3), medium (3x3 of stride 2, for 64 pixels) or imagenet (7x7 of
    /// stride 2 and pooling) [default: small]
    #[arg(long)]
    stem: Option<String>,
    /// Head of the VGG networks, small (mean over positions, one dense layer) or imagenet (three dense layers, for 224
    /// pixels) [default: small]
    #[arg(long)]
    head: Option<String>,
    /// Residual blocks with normalization and activation in front of convolutions (He et al. 2016b)
    #[arg(long)]
    preactivation: bool,
    /// The scale of the last normalization in each residual branch starts at 0 (Goyal et al. 2017)
    #[arg(long)]
    zero_gamma: bool,
    /// Probability with which the last residual block's branch is dropped from a sample, earlier ones in proportion to
    /// their place (Huang et al. 2016) [default: 0]
    #[arg(long)]
    stochastic_depth: Option<f64>,
    /// Probability with which an element is dropped, in the networks that have dropout [default: 0; 0.5 with the imagenet
    /// head]
    #[arg(long)]
    dropout: Option<f64>,
    /// Normalized activations: statistics used in training, running or batch [default: running]
    #[arg(long)]
    statistics: Option<String>,
    /// Normalized activations: forward moment, raw or centered [default: raw]
    #[arg(long)]
    moment: Option<String>,
    /// Normalized activations: gradient through the statistics, detached or full (full needs --statistics batch)
    /// [default: detached]
    #[arg(long)]
    gradient: Option<String>,
    /// Normalized activations: one factor per layer or per channel [default: layer]
    #[arg(long)]
    granularity: Option<String>,
    /// Normalized activations: what a batch outside the bounds does to the running statistics, clamp or reject
    /// [default: clamp]
    #[arg(long)]
    guard: Option<String>,
}

impl NetworkOptions {
    /// Builds the network for images of shape `input`, its weights drawn by the initialisation `init` from `seed`.
    ///
    /// # Errors
    /// An unknown name, or settings that do not go together or do not fit the images.
    pub(super) fn build<S: Scalar>(
        &self,
        input: [usize; 3],
        init: &str,
        seed: u64,
    ) -> Result<Box<dyn Layer<S>>> {
        build_model(&Settings::of(self.options(init, seed))?, input, self.classes)
    }

    /// The same as settings of a run.
    pub(super) fn options(&self, init: &str, seed: u64) -> Options {
        Options {
            model: Some(self.model.clone()),
            activation: Some(self.activation.clone()),
            width: self.width,
            depth: self.depth,
            stem: self.stem.clone(),
            head: self.head.clone(),
            preactivation: Some(self.preactivation),
            zero_gamma: Some(self.zero_gamma),
            stochastic_depth: self.stochastic_depth,
            dropout: self.dropout,
            statistics: self.statistics.clone(),
            moment: self.moment.clone(),
            gradient: self.gradient.clone(),
            granularity: self.granularity.clone(),
            guard: self.guard.clone(),
            init: Some(init.to_string()),
            seed: Some(seed),
            ..Options::default()
        }
    }
}

/// As in messages: `resnet18 with relu, 10 classes`.
impl fmt::Display for NetworkOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {}, {} classes", self.model, self.activation, self.classes)?;
        self.width.map_or(Ok(()), |width| write!(f, ", width {width}"))?;
        self.depth.map_or(Ok(()), |depth| write!(f, ", depth {depth}"))?;
        let texts = [("stem", self.stem.clone()), ("head", self.head.clone())];
        let numbers = [("stochastic-depth", self.stochastic_depth), ("dropout", self.dropout)];
        for (name, value) in texts.into_iter().chain(numbers.map(|(n, p)| (n, p.map(|p| p.to_string())))) {
            value.map_or(Ok(()), |value| write!(f, ", {name} {value}"))?;
        }
        for (name, is_on) in [("preactivation", self.preactivation), ("zero-gamma", self.zero_gamma)] {
            if is_on {
                write!(f, ", {name}")?;
            }
        }
        Ok(())
    }
}

/// The precision everything is computed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Dtype {
    /// Single precision
    F32,
    /// Double precision
    F64,
}

/// Channels, height and width of an image, as in `3,32,32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ImageShape(pub(super) [usize; 3]);

impl FromStr for ImageShape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lengths: Option<Vec<usize>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
        match lengths.as_deref() {
            Some(&[channels, height, width]) => Ok(Self([channels, height, width])),
            _ => Err("want channels, height and width, as in 3,32,32".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same option means the same and says so in the same words, apart from defaults.
    #[test]
    fn options_shared_with_training_have_its_help() {
        use clap::{Args as _, Command};
        let (ours, theirs) = (
            NetworkOptions::augment_args(Command::new("network")),
            Options::augment_args(Command::new("train")),
        );
        let help = |command: &Command, id: &str| {
            let argument = command.get_arguments().find(|a| a.get_id() == id)?;
            let text = argument.get_help()?.to_string().replace('\n', " ");
            Some(text.split(" [default").next().unwrap_or_default().to_string())
        };
        let shared = [
            "width",
            "depth",
            "stem",
            "head",
            "preactivation",
            "zero_gamma",
            "stochastic_depth",
            "dropout",
            "statistics",
            "moment",
            "gradient",
            "granularity",
            "guard",
        ];
        for id in shared {
            assert_eq!(help(&ours, id), help(&theirs, id), "--{id}");
        }
    }

    #[test]
    fn an_image_is_three_lengths() {
        assert_eq!("3,32,16".parse(), Ok(ImageShape([3, 32, 16])));
        assert_eq!("1, 9, 8".parse(), Ok(ImageShape([1, 9, 8])));
        for text in ["", "3", "3,32", "3,32,32,1", "3,-1,2", "3,x,2", "3x32x32", "99999999999999999999,1,1"] {
            assert!(text.parse::<ImageShape>().unwrap_err().contains("3,32,32"), "{text}");
        }
    }
}
