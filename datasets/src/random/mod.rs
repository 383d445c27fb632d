//! Random numbers by address: a draw depends on (seed, purpose, epoch, sample) and on nothing that happened before.
//!
//! So the order in which samples are asked for, the number of threads, and a resumed run cannot change a draw, and no
//! generator state belongs into a checkpoint. Only the generator's words are taken from `rand`, whose ChaCha8 is
//! specified and portable; integers, reals, permutations and distributions are made here, because `rand` may change its
//! own in any release. Logarithms are those of the crate `libm`, which gives the same bits on every machine.

mod beta;
mod uniform;

pub use beta::beta;
pub(crate) use uniform::between;
pub use uniform::{position, uniform};

use rand::{Rng, SeedableRng, rngs::ChaCha8Rng};

/// What a stream of random numbers is for. Purposes never share a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The order of the samples in an epoch.
    Shuffle {
        /// Counted from 0.
        epoch: u64,
    },
    /// The padded crops and mirrorings of an epoch, indexed by sample.
    Augmentation {
        /// Counted from 0.
        epoch: u64,
    },
    /// The regions that are cut out and resized, indexed by sample.
    ResizedCrop {
        /// Counted from 0.
        epoch: u64,
    },
    /// The changes of colour, indexed by sample.
    Jitter {
        /// Counted from 0.
        epoch: u64,
    },
    /// The squares of cutout, indexed by sample.
    Cutout {
        /// Counted from 0.
        epoch: u64,
    },
    /// The rectangles of random erasing, indexed by sample.
    Erasing {
        /// Counted from 0.
        epoch: u64,
    },
    /// What fills those rectangles, indexed by sample.
    ErasingFill {
        /// Counted from 0.
        epoch: u64,
    },
    /// The weight of mixup, indexed by batch.
    MixupWeight {
        /// Counted from 0.
        epoch: u64,
    },
    /// Who is mixed with whom, indexed by batch.
    MixupPartners {
        /// Counted from 0.
        epoch: u64,
    },
    /// Which samples are held out for validation, indexed by class.
    HoldOut,
}

/// Words between the starts of neighbouring indices where few are drawn. ChaCha8 makes 64 at once, and no draw for a sample
/// takes more (the longest is [`RandomErasing`](crate::augment::RandomErasing)'s, 46).
const FEW: u128 = 64;

/// The same where the number of draws grows with a batch, a class or a picture.
const MANY: u128 = 1 << 32;

impl Purpose {
    /// A tag that becomes part of the key, the number of the stream under that key, and the words for each index.
    fn address(self) -> (&'static [u8; 8], u64, u128) {
        match self {
            Self::Shuffle { epoch } => (b"shuffle_", epoch, FEW),
            Self::Augmentation { epoch } => (b"augment_", epoch, FEW),
            Self::ResizedCrop { epoch } => (b"resized_", epoch, FEW),
            Self::Jitter { epoch } => (b"jitter__", epoch, FEW),
            Self::Cutout { epoch } => (b"cutout__", epoch, FEW),
            Self::Erasing { epoch } => (b"erasing_", epoch, FEW),
            Self::ErasingFill { epoch } => (b"erasefil", epoch, MANY),
            Self::MixupWeight { epoch } => (b"mixup_wt", epoch, MANY),
            Self::MixupPartners { epoch } => (b"mixup_pt", epoch, MANY),
            Self::HoldOut => (b"hold_out", 0, MANY),
        }
    }
}

/// Ends every key of this crate: another crate that keys a generator by the same seed must not get the same numbers.
const DOMAIN: &[u8; 16] = b"anact-datasets-1";

/// The generator for draw number `index` of a purpose.
///
/// ChaCha8 with the key `seed (8 bytes, little-endian), tag, domain`, the epoch as the stream (nonce), started at word
/// `64 * index`, or `2^32 * index` where the draws grow with a batch, a class or a picture ([`Purpose::ErasingFill`],
/// [`Purpose::MixupWeight`], [`Purpose::MixupPartners`], [`Purpose::HoldOut`]). Drawing more words runs on into the numbers
/// of the next index.
pub fn stream(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let (tag, number, words) = purpose.address();
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(tag);
    key[16..].copy_from_slice(DOMAIN);
    let mut generator = ChaCha8Rng::from_seed(key);
    generator.set_stream(number);
    generator.set_word_pos(u128::from(index) * words);
    generator
}

/// An integer from 0 to `bound - 1`, all equally likely. Always takes at least one 64-bit draw, also for `bound` 1.
///
/// Lemire's method (arXiv 1805.10941): the upper half of `draw * bound`, where the few draws that would favour some
/// results are rejected.
///
/// # Panics
///
/// For `bound` 0, below which there is no integer.
pub fn below(generator: &mut impl Rng, bound: u64) -> u64 {
    assert!(bound > 0, "no integer is below 0: the bound must be at least 1");
    let rejected = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(generator.next_u64()) * u128::from(bound);
        if product as u64 >= rejected {
            return (product >> 64) as u64;
        }
    }
}

/// The order of `count` samples in an epoch: Fisher and Yates, from the last place down.
pub fn permutation(count: usize, seed: u64, epoch: u64) -> Vec<usize> {
    shuffled(count, &mut stream(seed, Purpose::Shuffle { epoch }, 0))
}

/// The numbers below `count` in the order of Fisher and Yates, from the last place down.
pub(crate) fn shuffled(count: usize, generator: &mut impl Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        let chosen = below(generator, last as u64 + 1) as usize;
        order.swap(last, chosen);
    }
    order
}
