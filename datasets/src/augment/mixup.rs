//! Mixing each image of a batch with another one.

use serde::{Deserialize, Serialize};

use super::check_value;
use crate::{
    Result,
    random::{Purpose, beta, shuffled, stream},
};

/// Replaces each image x of a batch by λ x + (1 − λ) x′, where x′ is another image of the batch, with a λ for the whole batch.
///
/// Zhang et al., *mixup: beyond empirical risk minimization* (ICLR 2018): λ ~ Beta(α, α), and the loss is λ times that with
/// the image's label plus 1 − λ times that with the partner's. λ is drawn once per batch and the partners are a random
/// permutation of it, as in the authors' code; an image may be its own partner. Both are keyed by (seed, epoch, number of
/// the batch in the epoch).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Mixup {
    /// α: near 0 one of the two images has nearly all the weight, 1 spreads λ evenly. The paper takes 1 for CIFAR-10 and 0.2
    /// for ImageNet.
    pub alpha: f64,
}

/// How the images of a batch were mixed.
#[derive(Debug, Clone, PartialEq)]
pub struct Mix {
    /// The class of each image's partner.
    pub partners: Vec<usize>,
    /// λ, the weight of the image itself and of its own label; the partner's is 1 − λ.
    pub weight: f64,
}

impl Mixup {
    pub(super) fn check(&self) -> Result<()> {
        check_value("augmentation.mixup.alpha", self.alpha, [1e-3, 1e3])
    }

    /// λ of batch number `batch`, and for each of its `count` images the place in the batch of its partner.
    pub fn draw(&self, seed: u64, epoch: u64, batch: usize, count: usize) -> (f64, Vec<usize>) {
        let of = |purpose| stream(seed, purpose, batch as u64);
        let weight = beta(&mut of(Purpose::MixupWeight { epoch }), self.alpha, self.alpha);
        (weight, shuffled(count, &mut of(Purpose::MixupPartners { epoch })))
    }
}

/// Mixes `images`, each of `size` numbers, with their partners in place. One image is copied at a time: along a cycle of the
/// permutation, every image but the first one is still as it was when its turn as a partner comes.
pub(crate) fn mix(images: &mut [f32], size: usize, weight: f64, partners: &[usize]) {
    let (own, other) = (weight as f32, (1.0 - weight) as f32);
    let mut done = vec![false; partners.len()];
    let mut first = Vec::new();
    for start in 0..partners.len() {
        if done[start] || partners[start] == start {
            continue;
        }
        first.clear();
        first.extend_from_slice(&images[start * size..][..size]);
        let mut at = start;
        loop {
            done[at] = true;
            let partner = partners[at];
            if partner == start {
                blend(&mut images[at * size..][..size], &first, own, other);
                break;
            }
            let (low, high) = images.split_at_mut(at.max(partner) * size);
            let (early, late) = (&mut low[at.min(partner) * size..][..size], &mut high[..size]);
            match at < partner {
                true => blend(early, late, own, other),
                false => blend(late, early, own, other),
            }
            at = partner;
        }
    }
}

fn blend(image: &mut [f32], partner: &[f32], own: f32, other: f32) {
    for (x, y) in image.iter_mut().zip(partner) {
        *x = own * *x + other * y;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn in_place_is_as_beside(count in 1usize..40, seed: u64, alpha in 0.01f64..4.0) {
            let (weight, partners) = Mixup { alpha }.draw(seed, 2, 5, count);
            prop_assert!((0.0..=1.0).contains(&weight));
            let before: Vec<f32> = (0..3 * count).map(|i| (i * i % 101) as f32).collect();
            let mut after = before.clone();
            mix(&mut after, 3, weight, &partners);
            let (own, other) = (weight as f32, (1.0 - weight) as f32);
            for (i, &partner) in partners.iter().enumerate() {
                for j in 0..3 {
                    let expected = match partner == i {
                        true => before[3 * i + j],
                        false => own * before[3 * i + j] + other * before[3 * partner + j],
                    };
                    prop_assert_eq!(after[3 * i + j], expected);
                }
            }
        }
    }

    #[test]
    fn a_full_weight_leaves_the_batch() {
        let mut images = vec![1.0, 2.0, 3.0, 4.0];
        mix(&mut images, 2, 1.0, &[1, 0]);
        assert_eq!(images, [1.0, 2.0, 3.0, 4.0]);
        mix(&mut images, 2, 0.25, &[1, 0]);
        assert_eq!(images, [2.5, 3.5, 1.5, 2.5]);
    }
}
