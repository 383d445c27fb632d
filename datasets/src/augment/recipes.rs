//! Recipes by name.

use super::{Augmentation, ColourJitter, Cutout, Fill, Mixup, RandomErasing, ResizedCrop};
use crate::registry::near;
use crate::{Error, Result};

/// A recipe that is known by name.
#[derive(Debug, Clone, Copy)]
pub struct Recipe {
    /// What it is called on the command line.
    pub name: &'static str,
    /// One line for a listing.
    pub about: &'static str,
    /// What is done.
    pub augmentation: Augmentation,
}

impl Recipe {
    /// The recipe called `name`.
    ///
    /// # Errors
    ///
    /// [`Error::LoaderOption`] with the names there are.
    pub fn named(name: &str) -> Result<&'static Self> {
        let names = || RECIPES.iter().map(|recipe| recipe.name);
        let near = || match &near(name, names())[..] {
            [] => String::new(),
            near => format!("; did you mean {}?", near.join(" or ")),
        };
        RECIPES.iter().find(|recipe| recipe.name == name).ok_or_else(|| Error::LoaderOption {
            option: "recipe",
            found: name.into(),
            expected: format!("one of {}{}", names().collect::<Vec<_>>().join(", "), near()),
        })
    }
}

/// Every known recipe.
pub const RECIPES: &[Recipe] = &[
    Recipe { name: "none", about: "every picture as it is", augmentation: Augmentation::NONE },
    Recipe {
        name: "cifar",
        about: "crop from 4 black pixels of padding, mirror",
        augmentation: Augmentation::CIFAR,
    },
    Recipe {
        name: "cutout",
        about: "cifar, and a square of 16 pixels cut out",
        augmentation: Augmentation { cutout: Some(Cutout { size: 16 }), ..Augmentation::CIFAR },
    },
    Recipe {
        name: "erasing",
        about: "cifar, and a rectangle erased from half of the pictures",
        augmentation: Augmentation {
            erasing: Some(RandomErasing {
                probability: 0.5,
                scale: [0.02, 0.33],
                ratio: [0.3, 3.3],
                fill: Fill::Mean,
            }),
            ..Augmentation::CIFAR
        },
    },
    Recipe {
        name: "mixup",
        about: "cifar, and pictures mixed with weights from Beta(1, 1)",
        augmentation: Augmentation { mixup: Some(Mixup { alpha: 1.0 }), ..Augmentation::CIFAR },
    },
    Recipe {
        name: "resized",
        about: "a region of 8 to 100 % of the area, resized, and mirrored",
        augmentation: Augmentation { resized_crop: Some(CROP), flip: true, ..Augmentation::NONE },
    },
    Recipe {
        name: "resized-jitter",
        about: "resized, with brightness, contrast and saturation changed by up to 0.4 and hue by up to 0.1",
        augmentation: Augmentation {
            resized_crop: Some(CROP),
            flip: true,
            jitter: Some(ColourJitter { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 }),
            ..Augmentation::NONE
        },
    },
];

const CROP: ResizedCrop = ResizedCrop { scale: [0.08, 1.0], ratio: [3.0 / 4.0, 4.0 / 3.0] };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_is_legal_and_has_a_name_of_its_own() {
        for (i, recipe) in RECIPES.iter().enumerate() {
            recipe.augmentation.check([3, 32, 32]).unwrap();
            assert_eq!(Recipe::named(recipe.name).unwrap().about, recipe.about);
            assert!(!recipe.about.is_empty());
            assert!(RECIPES[..i].iter().all(|other| other.name != recipe.name));
        }
        assert_eq!(CROP, ResizedCrop::default());
    }
}
