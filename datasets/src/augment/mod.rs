//! Augmentation: what is changed at random before a network sees a picture, one file each.
//!
//! The order is fixed: [resized crop](ResizedCrop) or else the [centre of the picture](CentreCrop) in the wanted size,
//! [padded crop and mirroring](Placement), [colour jitter](ColourJitter), normalisation, [cutout](Cutout), [random
//! erasing](RandomErasing), and on whole batches [mixup](Mixup). So black padding is black before normalisation, and what is
//! cut out has the mean colour: both as with torchvision's transforms in their usual order.
//!
//! **Bytes are never rounded to.** Where a recipe only moves pixels, each byte goes through one table of 256 numbers,
//! computed in f64 and rounded once. Resizing and jitter compute in `f32` on the 0 to 1 scale and hand on what they have;
//! torchvision rounds to bytes after each step when it is given pictures of bytes, and does as we do when given floats.
//!
//! **Every draw has an address.** Each augmentation has a [purpose](crate::random::Purpose) of its own and draws its numbers
//! from (seed, purpose, epoch, index of the sample). Switching one on or off leaves all the others'
//! draws as they were, and none depends on who is asked for first.

mod centre_crop;
mod cutout;
mod erasing;
mod jitter;
mod mixup;
mod pipeline;
mod placement;
mod recipes;
mod region;
mod resize;
mod resized_crop;

use std::fmt::Display;

use serde::{Deserialize, Serialize};

pub use centre_crop::CentreCrop;
pub use cutout::Cutout;
pub use erasing::{Fill, RandomErasing};
pub use jitter::{Change, ColourJitter, Jitter};
pub(crate) use mixup::mix;
pub use mixup::{Mix, Mixup};
pub(crate) use pipeline::{Pipeline, Scratch};
pub use placement::Placement;
pub use recipes::{RECIPES, Recipe};
pub use region::Region;
pub use resize::Resize;
pub use resized_crop::ResizedCrop;

use crate::{Error, Result};

/// Which augmentations to make. What is `None`, 0 or `false` is not made.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Augmentation {
    /// A random region of the picture, resized to the wanted size.
    pub resized_crop: Option<ResizedCrop>,
    /// Black pixels added on each side before cropping back to the image's size; 0 for no cropping.
    pub pad: usize,
    /// Whether half of the images are mirrored left to right.
    pub flip: bool,
    /// Brightness, contrast, saturation and hue.
    pub jitter: Option<ColourJitter>,
    /// A square of the mean colour somewhere.
    pub cutout: Option<Cutout>,
    /// A rectangle of the mean colour, or of noise, in some of the images.
    pub erasing: Option<RandomErasing>,
    /// Mixing each image of a batch with another one.
    pub mixup: Option<Mixup>,
}

impl Augmentation {
    /// No augmentation.
    pub const NONE: Self = Self {
        resized_crop: None,
        pad: 0,
        flip: false,
        jitter: None,
        cutout: None,
        erasing: None,
        mixup: None,
    };

    /// The usual recipe for CIFAR: four pixels of padding, and mirroring.
    pub const CIFAR: Self = Self { pad: 4, flip: true, ..Self::NONE };

    /// The padded crop and mirroring of sample `index` (its place in the files) in `epoch`.
    pub fn draw(&self, seed: u64, epoch: u64, index: usize) -> Placement {
        placement::draw(self.pad, self.flip, seed, epoch, index)
    }

    /// Checks every option for images of C, H, W.
    ///
    /// # Errors
    ///
    /// [`Error::LoaderOption`] that names the option, its value and the legal ones.
    pub fn check(&self, [channels, height, width]: [usize; 3]) -> Result<()> {
        if self.pad >= height.min(width) {
            let expected = format!("less than the {height}x{width} image's shorter side");
            return refuse("augmentation.pad", self.pad, expected);
        }
        if self.pad > 0 && self.resized_crop.is_some() {
            return refuse("augmentation.pad", self.pad, "0 beside a resized crop, which moves the picture");
        }
        self.resized_crop.map_or(Ok(()), |crop| crop.check())?;
        self.jitter.map_or(Ok(()), |jitter| jitter.check(channels))?;
        self.cutout.map_or(Ok(()), |cutout| cutout.check([height, width]))?;
        self.erasing.map_or(Ok(()), |erasing| erasing.check())?;
        self.mixup.map_or(Ok(()), |mixup| mixup.check())
    }
}

/// The error for an option that is `found` and must be `expected`.
fn refuse<T>(option: &'static str, found: impl Display, expected: impl Into<String>) -> Result<T> {
    Err(Error::LoaderOption { option, found: format!("{found}"), expected: expected.into() })
}

/// Checks that `[low, high]` is a range between the ends of `legal`.
fn check_range(option: &'static str, [low, high]: [f64; 2], legal: [f64; 2]) -> Result<()> {
    if legal[0] <= low && low <= high && high <= legal[1] {
        return Ok(());
    }
    refuse(option, format!("[{low}, {high}]"), format!("a range from {} to {}", legal[0], legal[1]))
}

/// Checks that `value` lies between the ends of `legal`, these included.
fn check_value(option: &'static str, value: f64, legal: [f64; 2]) -> Result<()> {
    if legal[0] <= value && value <= legal[1] {
        return Ok(());
    }
    refuse(option, value, format!("from {} to {}", legal[0], legal[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 3] = [3, 32, 32];

    fn refusal(augmentation: Augmentation) -> String {
        augmentation.check(SHAPE).unwrap_err().to_string()
    }

    #[test]
    fn every_option_is_checked() {
        let none = Augmentation::NONE;
        none.check(SHAPE).unwrap();
        Augmentation::CIFAR.check(SHAPE).unwrap();
        let text = refusal(Augmentation { pad: 32, ..none });
        assert_eq!(
            text,
            "loader: augmentation.pad is 32, it must be less than the 32x32 image's shorter side"
        );
        let crop = ResizedCrop::default();
        let text = refusal(Augmentation { pad: 1, resized_crop: Some(crop), ..none });
        assert!(text.contains("pad is 1, it must be 0 beside a resized crop"), "{text}");
        let wrong = ResizedCrop { scale: [0.0, 1.0], ..crop };
        let text = refusal(Augmentation { resized_crop: Some(wrong), ..none });
        assert!(text.contains("resized-crop.scale is [0, 1], it must be a range from 0.0001 to 1"), "{text}");
        let wrong = ResizedCrop { ratio: [2.0, f64::NAN], ..crop };
        let text = refusal(Augmentation { resized_crop: Some(wrong), ..none });
        assert!(text.contains("ratio is [2, NaN], it must be a range from 0.01 to 100"), "{text}");
        let jitter = ColourJitter { hue: 0.6, ..ColourJitter::default() };
        let text = refusal(Augmentation { jitter: Some(jitter), ..none });
        assert!(text.contains("jitter.hue is 0.6, it must be from 0 to 0.5"), "{text}");
        let gray =
            Augmentation { jitter: Some(ColourJitter { hue: 0.1, ..ColourJitter::default() }), ..none };
        let text = gray.check([1, 32, 32]).unwrap_err().to_string();
        assert!(text.contains("jitter.hue is 0.1, it must be 0 for images without colour"), "{text}");
        let text = refusal(Augmentation { cutout: Some(Cutout { size: 0 }), ..none });
        assert!(text.contains("cutout.size is 0, it must be from 1 to 62"), "{text}");
        let erasing = RandomErasing { probability: 1.5, ..RandomErasing::default() };
        let text = refusal(Augmentation { erasing: Some(erasing), ..none });
        assert!(text.contains("erasing.probability is 1.5, it must be from 0 to 1"), "{text}");
        let text = refusal(Augmentation { mixup: Some(Mixup { alpha: 0.0 }), ..none });
        assert!(text.contains("mixup.alpha is 0, it must be from 0.001 to 1000"), "{text}");
    }

    #[test]
    fn a_recipe_is_written_and_read() {
        let recipe = Augmentation {
            resized_crop: Some(ResizedCrop::default()),
            jitter: Some(ColourJitter { hue: 0.1, ..ColourJitter::default() }),
            erasing: Some(RandomErasing { fill: Fill::Noise, ..RandomErasing::default() }),
            mixup: Some(Mixup { alpha: 0.2 }),
            ..Augmentation::NONE
        };
        let text = serde_json::to_string(&recipe).unwrap();
        assert_eq!(serde_json::from_str::<Augmentation>(&text).unwrap(), recipe);
        let short: Augmentation = serde_json::from_str(r#"{"pad": 4, "flip": true}"#).unwrap();
        assert_eq!(short, Augmentation::CIFAR);
        let text = serde_json::from_str::<Augmentation>(r#"{"padding": 4}"#).unwrap_err().to_string();
        assert!(text.contains("unknown field `padding`") && text.contains("`resized-crop`"), "{text}");
    }
}
