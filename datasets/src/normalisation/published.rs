//! Normalisation constants in circulation, to reproduce the work of others.

use super::Normalisation;
use crate::{Error, Result};

/// The constants of one data set, on the 0 to 1 scale, of its official training images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Published {
    /// The registry's name of the data set.
    pub dataset: &'static str,
    /// Mean per channel.
    pub mean: &'static [f64],
    /// Standard deviation over all pixels per channel.
    pub deviation: &'static [f64],
    /// Mean over the images of each image's own standard deviation, where such constants circulate under the name of
    /// standard deviation. Dividing by them leaves CIFAR-10 with a second moment of about 1.49 instead of 1, which a
    /// network without batch normalisation carries through every layer.
    pub per_image_deviation: Option<&'static [f64]>,
    /// Whether other constants circulate as well, so that these prove nothing about files.
    pub is_disputed: bool,
}

/// Sources: CIFAR-10 pixel deviations from akamaster/pytorch_resnet_cifar10 issue 9 and MadryLab/robustness issue 70,
/// per-image ones from kuangliu/pytorch-cifar; CIFAR-100 from weiaicunzai/pytorch-cifar100; MNIST and Fashion-MNIST
/// from the PyTorch examples. KMNIST from many public training scripts, among which 0.1904 and 0.3475 circulate as well.
/// Tiny ImageNet from many public loaders; on 4,000 random training pictures the two kinds of deviation were told apart:
/// 0.2752, 0.2667, 0.2799 over all pixels and 0.2281, 0.2241, 0.2232 per picture.
const PUBLISHED: &[Published] = &[
    Published {
        dataset: "fashion-mnist",
        mean: &[0.2860],
        deviation: &[0.3530],
        per_image_deviation: None,
        is_disputed: false,
    },
    Published {
        dataset: "mnist",
        mean: &[0.1307],
        deviation: &[0.3081],
        per_image_deviation: None,
        is_disputed: false,
    },
    Published {
        dataset: "kmnist",
        mean: &[0.1918],
        deviation: &[0.3483],
        per_image_deviation: None,
        is_disputed: true,
    },
    Published {
        dataset: "cifar10",
        mean: &[0.49139968, 0.48215841, 0.44653091],
        deviation: &[0.24703223, 0.24348513, 0.26158784],
        per_image_deviation: Some(&[0.2023, 0.1994, 0.2010]),
        is_disputed: false,
    },
    Published {
        dataset: "cifar100",
        mean: &[0.5071, 0.4865, 0.4409],
        deviation: &[0.2673, 0.2564, 0.2762],
        per_image_deviation: None,
        is_disputed: false,
    },
    Published {
        dataset: "tiny-imagenet",
        mean: &[0.4802, 0.4481, 0.3975],
        deviation: &[0.2770, 0.2691, 0.2821],
        per_image_deviation: Some(&[0.2302, 0.2265, 0.2262]),
        is_disputed: false,
    },
];

/// The published constants of the data set called `dataset`, if there are any.
pub fn published(dataset: &str) -> Option<&'static Published> {
    PUBLISHED.iter().find(|entry| entry.dataset == dataset)
}

impl Published {
    /// The normalisation with the deviation over all pixels.
    pub fn normalisation(&self) -> Normalisation {
        Normalisation { mean: self.mean.to_vec(), deviation: self.deviation.to_vec() }
    }

    /// The normalisation with the averaged per-image deviation.
    ///
    /// # Errors
    ///
    /// [`Error::Inconsistent`] when no such constants are known for this data set.
    pub fn per_image_normalisation(&self) -> Result<Normalisation> {
        let deviation = self.per_image_deviation.ok_or_else(|| Error::Inconsistent {
            what: "normalisation",
            found: format!("`{}`, which has no per-image constants", self.dataset),
            expected: "a data set that has them, such as cifar10".into(),
        })?;
        Ok(Normalisation { mean: self.mean.to_vec(), deviation: deviation.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_valid_normalisation_of_a_known_set() {
        for row in PUBLISHED {
            assert!(crate::find(row.dataset).is_ok());
            Normalisation::new(row.mean.to_vec(), row.deviation.to_vec()).unwrap();
            if let Some(deviation) = row.per_image_deviation {
                Normalisation::new(row.mean.to_vec(), deviation.to_vec()).unwrap();
                assert!(deviation.iter().zip(row.deviation).all(|(image, pixels)| image < pixels));
            }
        }
    }

    /// The pooled values of the 60,000 official images, computed with Python's `fractions` from the official file:
    /// mean 0.2860405969887955, deviation 0.3530242445149226. The table rounds them to four places.
    #[test]
    fn fashion_mnist_agrees_with_its_file() {
        let row = published("fashion-mnist").unwrap();
        assert!((row.mean[0] - 0.2860405969887955).abs() < 5e-5);
        assert!((row.deviation[0] - 0.3530242445149226).abs() < 5e-5);
    }
}
