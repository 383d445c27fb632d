//! What is changed at random in training images, from options.

use std::str::FromStr;

use datasets::Augmentation;
use datasets::augment::{ColourJitter, Cutout, Mixup, RandomErasing, Recipe, ResizedCrop};

use super::super::options::Options;
use super::refused;
use crate::error::Result;

/// Whether images are cropped and mirrored, and the augmentations besides. A named recipe says both; single ones change it.
///
/// # Errors
/// An unknown recipe, or a recipe beside `--augment`.
pub(super) fn asked(o: &Options) -> Result<(Option<bool>, Augmentation)> {
    let recipe = o.recipe.as_deref().map(Recipe::named).transpose()?;
    if let (Some(recipe), Some(augment)) = (recipe, o.augment) {
        return Err(refused("--augment", augment, &format!("no --recipe {} beside it", recipe.name)));
    }
    let base = recipe.map_or(Augmentation::NONE, |recipe| recipe.augmentation);
    let crop = |least| ResizedCrop { scale: [least, 1.0], ..ResizedCrop::default() };
    let erasing = |probability| RandomErasing { probability, ..RandomErasing::default() };
    let augmentation = Augmentation {
        resized_crop: o.resized_crop.map(crop).or(base.resized_crop),
        jitter: o.jitter.map(|jitter| jitter.0).or(base.jitter),
        cutout: o.cutout.map(|size| Cutout { size }).or(base.cutout),
        erasing: o.erasing.map(erasing).or(base.erasing),
        mixup: o.mixup.map(|alpha| Mixup { alpha }).or(base.mixup),
        // A resized crop moves the picture already.
        pad: if o.resized_crop.is_some() { 0 } else { base.pad },
        flip: base.flip,
    };
    Ok((recipe.map_or(o.augment, |_| Some(false)), augmentation))
}

/// All augmentations for images that are in colour or not: `augment` as the settings have it, and what is asked for besides.
///
/// # Errors
/// A recipe that the images cannot have.
pub(in super::super) fn complete(
    augment: Option<bool>,
    extra: Augmentation,
    shape: [usize; 3],
) -> Result<Option<Augmentation>> {
    let mut all = extra;
    if augment.unwrap_or(shape[0] > 1) {
        // A resized crop moves the picture already.
        all.pad = if extra.resized_crop.is_some() { 0 } else { Augmentation::CIFAR.pad };
        all.flip = true;
    }
    all.check(shape)?;
    Ok((all != Augmentation::NONE).then_some(all))
}

/// Colour jitter as an option writes it: brightness, contrast, saturation and hue, as in `0.4,0.4,0.4,0.1`.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct JitterOption(ColourJitter);

impl FromStr for JitterOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Option<Vec<f64>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[brightness, contrast, saturation, hue]) => {
                Ok(Self(ColourJitter { brightness, contrast, saturation, hue }))
            }
            _ => Err("want brightness, contrast, saturation and hue, as in 0.4,0.4,0.4,0.1".into()),
        }
    }
}

impl std::fmt::Display for JitterOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ColourJitter { brightness, contrast, saturation, hue } = self.0;
        write!(f, "{brightness},{contrast},{saturation},{hue}")
    }
}

impl serde::Serialize for JitterOption {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl TryFrom<String> for JitterOption {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_images_are_cropped_and_mirrored_unless_told_otherwise() {
        let of = |augment, shape| complete(augment, Augmentation::NONE, shape).unwrap();
        assert_eq!(of(None, [3, 32, 32]), Some(Augmentation::CIFAR));
        assert_eq!(of(None, [1, 28, 28]), None);
        assert_eq!(of(Some(false), [3, 32, 32]), None);
        assert_eq!(of(Some(true), [1, 28, 28]), Some(Augmentation::CIFAR));
    }
}
