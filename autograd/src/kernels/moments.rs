//! Mean and sum of squared deviations of many numbers, in one pass over memory.
//!
//! Numbers are taken in blocks that fit the first-level cache; the moments of a block are computed there in two
//! passes, and blocks are merged pairwise in a tree. So the mean is never subtracted from a sum of squares, and
//! f32 is enough for numbers whose mean is far larger than their spread.

use super::reduce;
use crate::scalar::Scalar;

/// Numbers per block.
const BLOCK: usize = 1024;

/// Count, mean and M2 = Σ (x − mean)² of some numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moments<S> {
    /// How many.
    pub count: usize,
    /// Their mean; 0 if there are none.
    pub mean: S,
    /// Their sum of squared deviations from the mean.
    pub m2: S,
}

impl<S: Scalar> Moments<S> {
    /// The moments of no numbers.
    pub const NONE: Self = Self { count: 0, mean: S::ZERO, m2: S::ZERO };

    /// The moments of all numbers in `slices`. Blocks and tree depend on the lengths alone.
    pub fn of<'a>(slices: impl Iterator<Item = &'a [S]>) -> Self {
        let mut blocks = Vec::new();
        let mut block = Vec::with_capacity(BLOCK);
        for mut slice in slices {
            while !slice.is_empty() {
                if block.is_empty() && slice.len() >= BLOCK {
                    blocks.push(Self::of_block(&slice[..BLOCK]));
                    slice = &slice[BLOCK..];
                    continue;
                }
                let (head, tail) = slice.split_at(slice.len().min(BLOCK - block.len()));
                block.extend_from_slice(head);
                slice = tail;
                if block.len() == BLOCK {
                    blocks.push(Self::of_block(&block));
                    block.clear();
                }
            }
        }
        if !block.is_empty() {
            blocks.push(Self::of_block(&block));
        }
        while blocks.len() > 1 {
            blocks =
                blocks.chunks(2).map(|pair| pair.iter().copied().fold(Self::NONE, Self::merge)).collect();
        }
        blocks.pop().unwrap_or(Self::NONE)
    }

    /// The moments of one block, by the definition. Measured from the first number, so that the mean of equal numbers
    /// is exactly that number and their M2 exactly 0, whatever a plain sum would round to.
    pub fn of_block(x: &[S]) -> Self {
        let Some(&first) = x.first() else { return Self::NONE };
        let mean = first + reduce::sum_of_columns([x], |[x]| x - first) / S::from_f64(x.len() as f64);
        let m2 = reduce::sum_of_columns([x], |[x]| (x - mean) * (x - mean));
        Self { count: x.len(), mean, m2 }
    }

    /// The moments of both sets of numbers together.
    ///
    /// Source: Chan, Golub and LeVeque, *Updating formulae and a pairwise algorithm for computing sample variances*
    /// (1979), equations (2.1).
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        if self.count == 0 {
            return other;
        }
        if other.count == 0 {
            return self;
        }
        let (a, b, count) = (self.count as f64, other.count as f64, self.count + other.count);
        let share = b / count as f64;
        let delta = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + delta * S::from_f64(share),
            m2: self.m2 + other.m2 + delta * delta * S::from_f64(a * share),
        }
    }

    /// M2 / count; 0 for no numbers.
    pub fn biased_variance(&self) -> S {
        if self.count == 0 { S::ZERO } else { self.m2 / S::from_f64(self.count as f64) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against the definition in f64, whatever the lengths of the slices.
        #[test]
        fn equal_to_the_definition(lengths in prop::collection::vec(0usize..2500, 0..6)) {
            let total: usize = lengths.iter().sum();
            let x: Vec<f64> = (0..total).map(|i| (i * 7919 % 1009) as f64 / 100.0 - 4.0).collect();
            let mut rest = x.as_slice();
            let slices = lengths.iter().map(|&n| { let (head, tail) = rest.split_at(n); rest = tail; head });
            let got = Moments::of(slices);
            let mean = x.iter().sum::<f64>() / total.max(1) as f64;
            let m2: f64 = x.iter().map(|x| (x - mean).powi(2)).sum();
            prop_assert_eq!(got.count, total);
            prop_assert!((got.mean - mean).abs() <= 1e-12);
            prop_assert!((got.m2 - m2).abs() <= 1e-12 * m2.max(1.0));
        }
    }

    /// Mean 10⁴ and spread 1 in f32: Σx² − n·mean² would lose every digit of the variance.
    #[test]
    fn a_large_mean_does_not_hide_the_variance() {
        let x: Vec<f32> = (0..100_000).map(|i| 10_000.0 + ((i * 7919) % 1009) as f32 / 504.0 - 1.0).collect();
        let exact: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        let mean = exact.iter().sum::<f64>() / 1e5;
        let variance = exact.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e5;
        let got = Moments::of(x.chunks(333));
        assert!((f64::from(got.mean) / mean - 1.0).abs() < 1e-6);
        assert!((f64::from(got.biased_variance()) / variance - 1.0).abs() < 1e-5);
    }

    #[test]
    fn one_number_has_no_spread() {
        let one = [0.1f32];
        assert_eq!(Moments::of([&one[..]].into_iter()), Moments { count: 1, mean: 0.1, m2: 0.0 });
    }

    /// 0.1 is not a binary number and 3,000 of them do not add up to 300.
    #[test]
    fn equal_numbers_have_exactly_no_variance() {
        let m = Moments::of([[0.1f32; 3000].as_slice()].into_iter());
        assert_eq!((m.count, m.mean, m.m2), (3000, 0.1, 0.0));
    }
}
