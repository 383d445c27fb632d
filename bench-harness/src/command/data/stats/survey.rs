//! One look at every picture of a split.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use datasets::{Picture, Split};
use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::Result;

/// What was seen of a split, picture by picture.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) pictures: Vec<Seen>,
    pub(super) class_counts: Vec<usize>,
    decoding: Duration,
}

/// What was seen of a picture.
#[derive(Debug)]
pub(super) struct Seen {
    /// Equal for equal pictures, and for no others that anyone has ever found: the first half of a SHA-256 of size and pixels.
    digest: u128,
    label: usize,
    size: [usize; 2],
    is_gray: bool,
    /// Sum and sum of squares of the bytes of each channel.
    sums: Vec<[u64; 2]>,
}

/// Statistics of a channel on the 0 to 1 scale.
#[derive(Debug, Clone, Copy)]
pub(super) struct Channel {
    pub(super) mean: f64,
    /// Of all pixels of all pictures together.
    pub(super) deviation: f64,
    /// The mean over the pictures of each one's own deviation.
    pub(super) per_image: f64,
}

/// Pictures that are there more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Twins {
    /// How many are equal to an earlier one.
    pub(super) pictures: usize,
    /// How many of those have another class than the first of their kind.
    pub(super) other_class: usize,
}

impl Survey {
    pub(super) fn of(split: &Split) -> Result<Self> {
        let look = |scratch: &mut Vec<u8>, position: usize| -> Result<_> {
            let start = Instant::now();
            let picture = split.picture(position, scratch)?;
            Ok((start.elapsed(), Seen::of(&picture, split.label(position))))
        };
        let all = (0..split.len()).into_par_iter().map_init(Vec::new, look);
        let all = all.collect::<Result<Vec<_>>>()?;
        let decoding = all.iter().map(|(time, _)| *time).sum();
        let pictures = all.into_iter().map(|(_, seen)| seen).collect();
        Ok(Self { pictures, class_counts: split.class_counts(), decoding })
    }

    /// How often each height and width occurs, as `HxW`.
    pub(super) fn sizes(&self) -> BTreeMap<String, usize> {
        let mut sizes = BTreeMap::new();
        for [height, width] in self.pictures.iter().map(|seen| seen.size) {
            *sizes.entry(format!("{height}x{width}")).or_insert(0) += 1;
        }
        sizes
    }

    /// How many pictures have three equal channels.
    pub(super) fn grayscale(&self) -> usize {
        self.pictures.iter().filter(|seen| seen.is_gray).count()
    }

    /// Mean time that one thread took to come by a picture; `None` without any.
    pub(super) fn seconds_per_picture(&self) -> Option<f64> {
        (!self.pictures.is_empty()).then(|| self.decoding.as_secs_f64() / self.pictures.len() as f64)
    }

    pub(super) fn channels(&self) -> Vec<Channel> {
        let channels = self.pictures.first().map_or(0, |seen| seen.sums.len());
        (0..channels).map(|channel| self.channel(channel)).collect()
    }

    fn channel(&self, channel: usize) -> Channel {
        let (mut count, mut first, mut second, mut own) = (0u64, 0u64, 0u64, 0.0);
        for seen in &self.pictures {
            let [sum, square] = seen.sums[channel];
            let area = (seen.size[0] * seen.size[1]) as u64;
            (count, first, second) = (count + area, first + sum, second + square);
            own += deviation(area, sum, square);
        }
        Channel {
            mean: first as f64 / (255.0 * count as f64),
            deviation: deviation(count, first, second),
            per_image: own / self.pictures.len() as f64,
        }
    }

    /// Pictures that are equal to an earlier one of this split.
    pub(super) fn duplicates(&self) -> Twins {
        let mut first = HashMap::new();
        let repeated = self.pictures.iter().filter_map(|seen| match first.get(&seen.digest) {
            Some(label) => Some(seen.label != *label),
            None => {
                first.insert(seen.digest, seen.label);
                None
            }
        });
        Twins::of(repeated)
    }

    /// Pictures of this split that are in the other one too.
    pub(super) fn also_in(&self, other: &Self) -> Twins {
        let mut first = HashMap::new();
        for seen in &other.pictures {
            first.entry(seen.digest).or_insert(seen.label);
        }
        let found =
            self.pictures.iter().filter_map(|seen| first.get(&seen.digest).map(|label| seen.label != *label));
        Twins::of(found)
    }
}

impl Twins {
    /// From one flag for each repeated picture: whether its class is another one.
    fn of(repeated: impl Iterator<Item = bool>) -> Self {
        repeated.fold(Self { pictures: 0, other_class: 0 }, |twins, other| Self {
            pictures: twins.pictures + 1,
            other_class: twins.other_class + usize::from(other),
        })
    }
}

impl Seen {
    fn of(picture: &Picture<'_>, label: usize) -> Self {
        let mut hash = Sha256::new();
        for side in picture.shape() {
            hash.update((side as u64).to_le_bytes());
        }
        hash.update(picture.pixels);
        let digest = hash.finalize();
        let planes: Vec<&[u8]> = picture.pixels.chunks_exact(picture.height * picture.width).collect();
        let sums = planes.iter().map(|plane| {
            plane.iter().fold([0, 0], |[sum, square], &byte| {
                let byte = u64::from(byte);
                [sum + byte, square + byte * byte]
            })
        });
        Self {
            digest: u128::from_le_bytes(digest[..16].try_into().expect("sixteen of 32 bytes")),
            label,
            size: [picture.height, picture.width],
            is_gray: planes.len() == 3 && planes[0] == planes[1] && planes[1] == planes[2],
            sums: sums.collect(),
        }
    }
}

/// On the 0 to 1 scale; the difference is an exact integer, so nothing cancels.
fn deviation(count: u64, sum: u64, square: u64) -> f64 {
    let [n, sum, square] = [count, sum, square].map(u128::from);
    ((n * square - sum * sum) as f64).sqrt() / (255.0 * count as f64)
}

#[cfg(test)]
mod tests {
    use datasets::Images;

    use super::*;

    /// By hand: three pictures of one pixel row, the third equal to the first under another class.
    #[test]
    fn a_small_split_by_hand() {
        let pixels = vec![0, 255, 51, 51, 0, 255];
        let split = |labels: &[u16], pixels: &[u8]| {
            Split::new(Images::new(pixels.to_vec(), 1, 1, 2).unwrap(), labels.to_vec(), 2).unwrap()
        };
        let survey = Survey::of(&split(&[0, 1, 1], &pixels)).unwrap();
        assert_eq!(survey.duplicates(), Twins { pictures: 1, other_class: 1 });
        assert_eq!(survey.sizes(), BTreeMap::from([("1x2".to_string(), 3)]));
        let channel = survey.channels()[0];
        // Of 0, 1, 0.2, 0.2, 0, 1: mean 0.4, mean square 2.08 / 6; the pictures' own deviations are 0.5, 0, 0.5.
        assert!((channel.mean - 0.4).abs() < 1e-12);
        assert!((channel.deviation - (2.08f64 / 6.0 - 0.16).sqrt()).abs() < 1e-12);
        assert!((channel.per_image - 1.0 / 3.0).abs() < 1e-12);
        let test = Survey::of(&split(&[0, 0], &[51, 51, 7, 7])).unwrap();
        assert_eq!(test.also_in(&survey), Twins { pictures: 1, other_class: 1 });
        assert_eq!(survey.also_in(&test), Twins { pictures: 1, other_class: 1 });
        let none = Survey::of(&split(&[], &[])).unwrap();
        assert!(none.channels().is_empty() && none.seconds_per_picture().is_none());
    }
}
