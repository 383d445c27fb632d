//! Departures from a network's usual form.

use std::fmt;

use autograd::{Error, Result, ops};
use serde::{Deserialize, Serialize};

use super::ModelEntry;

/// What stands in front of the stages of the ImageNet residual networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stem {
    /// One 3×3 convolution of stride 1: for images of about 32 pixels, whose size the first stage keeps.
    Small,
    /// The same with stride 2: images of 64 pixels then take the sizes of 32-pixel ones through the stages, for a
    /// quarter of the work. There is no standard stem for this size; the small one is used for it, too.
    Medium,
    /// 7×7 of stride 2, and 3×3 max pooling of stride 2 behind its activation: that of the paper and of torchvision.
    /// Source: He et al., *Deep residual learning* (2016), table 1.
    ImageNet,
}

/// Every stem by its name, in the order of image sizes.
pub const STEMS: &[(&str, Stem)] =
    &[("small", Stem::Small), ("medium", Stem::Medium), ("imagenet", Stem::ImageNet)];

/// What stands behind the convolutions of the VGG networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Head {
    /// The mean over positions and one dense layer.
    Small,
    /// Two hidden dense layers of 64·width units with dropout ½, as in the paper and in torchvision, for images whose
    /// features are 7×7: sides of 224 to 255 pixels.
    ImageNet,
}

/// Every head by its name.
pub const HEADS: &[(&str, Head)] = &[("small", Head::Small), ("imagenet", Head::ImageNet)];

/// How a network departs from its usual form. Each departure is refused by networks that do not have it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// The stem; `None` for the small one.
    pub stem: Option<Stem>,
    /// The head; `None` for the small one.
    pub head: Option<Head>,
    /// Whether normalization and activation stand in front of each convolution of a residual block instead of behind.
    pub preactivation: bool,
    /// Whether γ of the last normalization in each residual branch starts at 0.
    pub zero_gamma: bool,
    /// The probability with which the last residual block's branch is dropped; earlier ones in proportion to their place.
    pub stochastic_depth: Option<f64>,
    /// The probability with which an element is dropped; where, each network says.
    pub dropout: Option<f64>,
}

/// A departure by its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// [`Variant::stem`].
    Stem,
    /// [`Variant::head`].
    Head,
    /// [`Variant::preactivation`].
    Preactivation,
    /// [`Variant::zero_gamma`].
    ZeroGamma,
    /// [`Variant::stochastic_depth`].
    StochasticDepth,
    /// [`Variant::dropout`].
    Dropout,
}

/// Every kind with its name and what it is, in reading order.
pub const CHOICES: &[(Choice, &str, &str)] = &[
    (Choice::Stem, "stem", "small, medium or imagenet"),
    (Choice::Head, "head", "small or imagenet"),
    (
        Choice::Preactivation,
        "preactivation",
        "norm and activation in front of convolutions (He et al. 2016b)",
    ),
    (Choice::ZeroGamma, "zero-gamma", "residual branches start at 0 (Goyal et al. 2017)"),
    (Choice::StochasticDepth, "stochastic-depth", "branches dropped sample by sample (Huang et al. 2016)"),
    (Choice::Dropout, "dropout", "elements dropped, where the network's paper has it"),
];

impl Choice {
    /// The names of the networks that have it.
    pub fn models(self) -> Vec<&'static str> {
        ModelEntry::<f32>::ALL.iter().filter(|m| m.choices.contains(&self)).map(|m| m.name).collect()
    }
}

impl Variant {
    /// What is departed from, in words.
    fn given(&self) -> impl Iterator<Item = (Choice, String)> {
        let name = |of: Choice| CHOICES.iter().find(|c| c.0 == of).expect("every kind is listed").1;
        let stem = self.stem.and_then(|stem| STEMS.iter().find(|s| s.1 == stem)).map(|s| s.0.to_string());
        let head = self.head.and_then(|head| HEADS.iter().find(|h| h.1 == head)).map(|h| h.0.to_string());
        let all = [
            (Choice::Stem, stem),
            (Choice::Head, head),
            (Choice::Preactivation, self.preactivation.then(String::new)),
            (Choice::ZeroGamma, self.zero_gamma.then(String::new)),
            (Choice::StochasticDepth, self.stochastic_depth.map(|p| p.to_string())),
            (Choice::Dropout, self.dropout.map(|p| p.to_string())),
        ];
        let text = move |(of, value): (Choice, Option<String>)| {
            value.map(|value| (of, format!("{} {value}", name(of)).trim_end().to_string()))
        };
        all.into_iter().filter_map(text)
    }

    /// Whether the network `model`, which has `choices`, can be built so.
    ///
    /// # Errors
    /// A departure that it does not have, a probability out of range, or two that do not go together.
    pub(super) fn check(&self, model: &'static str, choices: &[Choice]) -> Result<()> {
        for (choice, what) in self.given() {
            if !choices.contains(&choice) {
                let models = choice.models().join(", ");
                let legal = format!("none for this network; {models} have it");
                return Err(Error::Argument { op: model, what, legal });
            }
        }
        if self.preactivation && self.zero_gamma {
            return Err(Error::Argument {
                op: model,
                what: "zero-gamma with preactivation".into(),
                legal: "one of them: a pre-activated branch ends in a convolution, and γ = 0 before a ReLU would leave \
                        the branch without gradient for good"
                    .into(),
            });
        }
        ops::StochasticDepth::new(self.stochastic_depth.unwrap_or(0.0), 0, 0)?;
        ops::Dropout::new(self.dropout.unwrap_or(0.0), 0, 0)?;
        Ok(())
    }
}

/// What follows a network's name, such as `, stem imagenet, preactivation`.
impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.given().try_for_each(|(_, what)| write!(f, ", {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_said_in_its_own_words_and_the_first_that_a_network_lacks_is_refused() {
        let usual = Variant::default();
        let dropout = Variant { dropout: Some(0.25), ..usual };
        dropout.check("mlp", &[Choice::Stem, Choice::Dropout]).unwrap();
        for (variant, words) in [
            (usual, ""),
            (Variant { stem: Some(Stem::Small), ..usual }, ", stem small"),
            (Variant { stem: Some(Stem::Medium), ..usual }, ", stem medium"),
            (Variant { stem: Some(Stem::ImageNet), ..usual }, ", stem imagenet"),
            (Variant { head: Some(Head::Small), ..usual }, ", head small"),
            (Variant { head: Some(Head::ImageNet), ..usual }, ", head imagenet"),
            (Variant { preactivation: true, dropout: Some(0.25), ..usual }, ", preactivation, dropout 0.25"),
            (
                Variant { zero_gamma: true, stochastic_depth: Some(0.5), ..usual },
                ", zero-gamma, stochastic-depth 0.5",
            ),
        ] {
            assert_eq!(variant.to_string(), words);
            let refused = variant.check("mlp", &[]).map_err(|e| e.to_string());
            match words.split(", ").nth(1) {
                None => refused.unwrap(),
                Some(first) => assert!(refused.unwrap_err().contains(first), "{words}"),
            }
        }
    }
}
