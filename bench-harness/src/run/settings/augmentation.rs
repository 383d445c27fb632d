//! What is changed at random in training images, from options.

use std::str::FromStr;

use datasets::augment::{Cutout, Mixup, RandomErasing, ResizedCrop};
use datasets::{Augmentation, augment::ColourJitter};

use super::super::options::Options;
use crate::error::Result;

/// The augmentations besides padded crops and mirroring that are asked for.
pub(super) fn extra(o: &Options) -> Augmentation {
    Augmentation {
        resized_crop: o
            .resized_crop
            .map(|least| ResizedCrop { scale: [least, 1.0], ..ResizedCrop::default() }),
        jitter: o.jitter.map(|jitter| jitter.0),
        cutout: o.cutout.map(|size| Cutout { size }),
        erasing: o.erasing.map(|probability| RandomErasing { probability, ..RandomErasing::default() }),
        mixup: o.mixup.map(|alpha| Mixup { alpha }),
        ..Augmentation::NONE
    }
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

impl TryFrom<String> for JitterOption {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
