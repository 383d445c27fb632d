//! The generator against `tests/random_reference.py`, an implementation of its own in Python.

use datasets::{
    Augmentation, Placement,
    random::{Purpose, below, permutation, stream},
};
use proptest::prelude::*;
use rand::Rng;

#[test]
fn first_draws_of_a_stream() {
    let draws = |seed, purpose, index| {
        let mut generator = stream(seed, purpose, index);
        [(); 3].map(|()| generator.next_u64())
    };
    let (first, fourth) = (Purpose::Shuffle { epoch: 0 }, Purpose::Shuffle { epoch: 3 });
    assert_eq!(draws(7, first, 0), [0x09266e1252e0be34, 0x21055871bb8e8ec9, 0x9e3e7d5e7fb3696a]);
    assert_eq!(draws(7, fourth, 0), [0xd237d7f1dc5d0921, 0x0345a126812254b8, 0xa629646f84e8c3f7]);
    let late = Purpose::Augmentation { epoch: 1 << 40 };
    let expected = [0xd188a371f0d018d8, 0x3e93c78ff760da4a, 0x1d4546fa167eb465];
    assert_eq!(draws((1 << 63) + 5, late, 49_999), expected);
}

#[test]
fn first_bounded_integers() {
    let draws = |bound| {
        let mut generator = stream(1, Purpose::Shuffle { epoch: 0 }, 0);
        [(); 8].map(|()| below(&mut generator, bound))
    };
    assert_eq!(draws(10), [9, 4, 4, 0, 4, 2, 3, 9]);
    // A bound that rejects every fourth draw.
    let expected = [
        13735446480453977714,
        5567657473441667023,
        6855764813022084215,
        1059689901286602603,
        6258669249919509990,
        2914550384935915091,
        1548337342481865170,
        10165968064364824548,
    ];
    assert_eq!(draws(3 << 62), expected);
}

#[test]
fn first_permutations() {
    assert_eq!(permutation(12, 7, 0), [10, 4, 5, 2, 3, 7, 8, 9, 11, 6, 1, 0]);
    assert_eq!(permutation(12, 7, 1), [0, 5, 8, 9, 7, 1, 11, 10, 4, 3, 2, 6]);
    assert_eq!(permutation(12, 8, 0), [11, 9, 7, 1, 3, 2, 6, 5, 4, 10, 8, 0]);
    assert_eq!((permutation(0, 7, 0), permutation(1, 7, 0)), (vec![], vec![0]));
}

#[test]
fn first_placements() {
    let expected =
        [(3, -4, false), (3, 2, false), (-1, 4, true), (-3, 3, true), (4, 4, false), (3, -3, true)];
    for (index, (top, left, flip)) in expected.into_iter().enumerate() {
        assert_eq!(Augmentation::CIFAR.draw(7, 2, index), Placement { top, left, flip });
        // Switching one augmentation off leaves the other as it was.
        let crop_only = Augmentation { flip: false, ..Augmentation::CIFAR };
        assert_eq!(crop_only.draw(7, 2, index), Placement { top, left, flip: false });
        let flip_only = Augmentation { pad: 0, flip: true, ..Augmentation::NONE };
        assert_eq!(flip_only.draw(7, 2, index), Placement { top: 0, left: 0, flip });
    }
}

/// Each of the 9 x 9 x 2 placements 1,000 times in 162,000 draws on average, with a deviation of 31.5: six of those
/// allow one wrong alarm in about three million seeds, and the seed is fixed.
#[test]
fn placements_are_evenly_spread() {
    let mut counts = [[[0i32; 2]; 9]; 9];
    for index in 0..162_000 {
        let Placement { top, left, flip } = Augmentation::CIFAR.draw(3, 0, index);
        counts[(top + 4) as usize][(left + 4) as usize][usize::from(flip)] += 1;
    }
    for count in counts.as_flattened().as_flattened() {
        assert!((count - 1000).abs() < 190, "{count}");
    }
}

proptest! {
    #[test]
    fn a_permutation_is_one(count in 0usize..500, seed: u64, epoch: u64) {
        let mut order = permutation(count, seed, epoch);
        order.sort_unstable();
        prop_assert_eq!(order, (0..count).collect::<Vec<_>>());
    }

    /// Of 50 samples there are 3e64 orders, so equal ones mean equal streams.
    #[test]
    fn another_epoch_or_seed_is_another_order(seed: u64, epoch: u64, step in 1u64..1000) {
        let order = permutation(50, seed, epoch);
        prop_assert_ne!(&order, &permutation(50, seed, epoch.wrapping_add(step)));
        prop_assert_ne!(&order, &permutation(50, seed.wrapping_add(step), epoch));
    }

    #[test]
    fn bounds_hold(seed: u64, bound in 1u64..) {
        let mut generator = stream(seed, Purpose::Augmentation { epoch: 0 }, 0);
        prop_assert!(below(&mut generator, bound) < bound);
    }
}
