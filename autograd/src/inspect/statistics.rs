//! Streaming statistics of many numbers in bounded memory.

use std::collections::BTreeMap;

use crate::kernels::map;
use crate::scalar::Scalar;
use crate::tensor::Tensor;

/// Numbers folded at once. Chunks depend on the length alone and are merged in order, so that the result has the
/// same bits on any number of threads.
const CHUNK: usize = 16 * 1024;

/// How many numbers have which size: a count for every ⌊log₂|x|⌋.
///
/// Zeros and what is not finite have no logarithm and are counted in [`Statistics`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    bins: BTreeMap<i32, u64>,
}

impl Histogram {
    /// (e, how many x have 2ᵉ ≤ |x| < 2ᵉ⁺¹) for every e that occurs, in rising order.
    pub fn bins(&self) -> impl Iterator<Item = (i32, u64)> + '_ {
        self.bins.iter().map(|(&e, &n)| (e, n))
    }

    /// The number of numbers in all bins.
    pub fn count(&self) -> u64 {
        self.bins.values().sum()
    }

    fn merge(&mut self, other: &Self) {
        for (e, n) in other.bins() {
            *self.bins.entry(e).or_insert(0) += n;
        }
    }
}

/// What is known of the numbers seen so far. Moments, minimum and maximum are those of the finite ones; a moment beyond
/// the largest f64 is infinite.
///
/// Moments are accumulated in f64: within a chunk by two passes, between chunks and tensors by the pairwise update of
/// Chan, Golub and LeVeque, *Algorithms for computing the sample variance* (1983).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// How many numbers were seen.
    pub count: u64,
    /// How many of them are exactly 0.
    pub zeros: u64,
    /// How many are NaN or infinite.
    pub non_finite: u64,
    /// How many are subnormal in their own precision: not 0, and smaller than the smallest normal number.
    pub denormals: u64,
    finite: u64,
    mean: f64,
    /// Σ (x − mean)².
    squares: f64,
    range: Option<(f64, f64)>,
    /// Sizes of the numbers that are neither 0 nor non-finite.
    pub histogram: Histogram,
}

impl Statistics {
    /// Those of the elements of `tensor`. Tangents of dual numbers are dropped.
    pub fn of<S: Scalar>(tensor: &Tensor<S>) -> Self {
        let mut statistics = Self::default();
        statistics.fold(tensor);
        statistics
    }

    /// Adds the elements of `tensor`.
    pub fn fold<S: Scalar>(&mut self, tensor: &Tensor<S>) {
        let data = tensor.data();
        let mut chunks = vec![Self::default(); data.len().div_ceil(CHUNK)];
        map::for_each_chunk_of(1, &mut chunks, |first, chunks| {
            for (statistics, numbers) in chunks.iter_mut().zip(data.chunks(CHUNK).skip(first)) {
                *statistics = Self::of_chunk(numbers);
            }
        });
        chunks.iter().for_each(|chunk| self.merge(chunk));
    }

    /// Adds what another one has seen.
    pub fn merge(&mut self, other: &Self) {
        let (a, b) = (self.finite as f64, other.finite as f64);
        if self.finite == 0 {
            // Not by the formula, in which ∞ · 0 would be NaN for huge numbers.
            (self.mean, self.squares) = (other.mean, other.squares);
        } else if other.finite > 0 {
            let step = other.mean - self.mean;
            let share = b / (a + b);
            self.mean += step * share;
            self.squares += other.squares + step * step * a * share;
        }
        self.count += other.count;
        self.zeros += other.zeros;
        self.non_finite += other.non_finite;
        self.denormals += other.denormals;
        self.finite += other.finite;
        self.range = match (self.range, other.range) {
            (Some((low, high)), Some((l, h))) => Some((low.min(l), high.max(h))),
            (range, None) | (None, range) => range,
        };
        self.histogram.merge(&other.histogram);
    }

    /// The mean, if any number is finite.
    pub fn mean(&self) -> Option<f64> {
        (self.finite > 0).then_some(self.mean)
    }

    /// E\[(x − E\[x\])²\], the population variance.
    pub fn variance(&self) -> Option<f64> {
        (self.finite > 0).then(|| self.squares / self.finite as f64)
    }

    /// E\[x²\].
    pub fn second_moment(&self) -> Option<f64> {
        self.variance().map(|v| v + self.mean * self.mean)
    }

    /// The smallest number.
    pub fn min(&self) -> Option<f64> {
        self.range.map(|r| r.0)
    }

    /// The largest number.
    pub fn max(&self) -> Option<f64> {
        self.range.map(|r| r.1)
    }

    fn of_chunk<S: Scalar>(chunk: &[S]) -> Self {
        let mut s = Self { count: chunk.len() as u64, ..Self::default() };
        let (mut sum, mut range) = (0.0, (f64::INFINITY, f64::NEG_INFINITY));
        let mut sizes = Sizes::default();
        for x in chunk.iter().map(|x| x.to_f64()) {
            if !x.is_finite() {
                s.non_finite += 1;
                continue;
            }
            sum += x;
            range = (range.0.min(x), range.1.max(x));
            if x == 0.0 {
                s.zeros += 1;
            } else {
                s.denormals += u64::from(x.abs() < S::MIN_POSITIVE);
                sizes.add(x);
            }
        }
        s.finite = s.count - s.non_finite;
        if s.finite > 0 {
            let n = s.finite as f64;
            let finite = || chunk.iter().map(|x| x.to_f64()).filter(|x| x.is_finite());
            // Only numbers near the largest f64 have a sum that overflows and a mean that does not.
            s.mean = if sum.is_finite() { sum / n } else { finite().map(|x| x / n).sum() };
            s.squares = chunk
                .iter()
                .map(|x| x.to_f64())
                .filter(|x| x.is_finite())
                .map(|x| (x - s.mean).powi(2))
                .sum();
            s.range = Some(range);
        }
        s.histogram = sizes.histogram();
        s
    }
}

/// Counts by exponent in an array, which is filled faster than a map.
struct Sizes {
    /// By the exponent field of a normal f64; subnormal ones are rare and go to the map.
    normal: [u32; 2048],
    subnormal: BTreeMap<i32, u64>,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { normal: [0; 2048], subnormal: BTreeMap::new() }
    }
}

/// The exponent field of 1.0.
const BIAS: i32 = 1023;

impl Sizes {
    /// Counts a finite x ≠ 0.
    fn add(&mut self, x: f64) {
        let field = (x.to_bits() >> 52 & 0x7ff) as usize;
        if field > 0 {
            self.normal[field] += 1;
        } else {
            // A subnormal is mantissa·2⁻¹⁰⁷⁴.
            let mantissa = x.to_bits() & ((1 << 52) - 1);
            *self.subnormal.entry(mantissa.ilog2() as i32 - 1074).or_insert(0) += 1;
        }
    }

    fn histogram(self) -> Histogram {
        let mut bins = self.subnormal;
        let normal = self.normal.iter().enumerate().filter(|(_, n)| **n > 0);
        bins.extend(normal.map(|(field, &n)| (field as i32 - BIAS, u64::from(n))));
        Histogram { bins }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn everything_is_counted() {
        let x = [0.0f32, -0.0, 1.0, -3.0, f32::NAN, f32::INFINITY, 1e-40, 0.75];
        let s = Statistics::of(&Tensor::vector(x.to_vec()));
        assert_eq!((s.count, s.zeros, s.non_finite, s.denormals), (8, 2, 2, 1));
        assert_eq!((s.min(), s.max()), (Some(-3.0), Some(1.0)));
        // 1e-40 lies between 2⁻¹³³ and 2⁻¹³².
        assert_eq!(s.histogram.bins().collect::<Vec<_>>(), [(-133, 1), (-1, 1), (0, 1), (1, 1)]);
        // By hand: (1 − 3 + 0.75)/6 and (1 + 9 + 0.5625)/6, where 1e-40 does not count.
        assert!((s.mean().unwrap() + 1.25 / 6.0).abs() < 1e-15);
        assert!((s.second_moment().unwrap() - 10.5625 / 6.0).abs() < 1e-15);
    }

    #[test]
    fn nothing_has_no_moments() {
        let nothing = Statistics::of(&Tensor::<f64>::vector(vec![]));
        assert_eq!(nothing, Statistics::default());
        assert_eq!((nothing.mean(), nothing.variance(), nothing.min()), (None, None, None));
        let nan = Statistics::of(&Tensor::vector(vec![f64::NAN]));
        assert_eq!((nan.non_finite, nan.mean(), nan.max()), (1, None, None));
    }

    /// A subnormal f32 is a normal f64, so what counts as one depends on the tensor's precision.
    #[test]
    fn denormals_are_those_of_the_own_precision() {
        let of = |x: f64| Statistics::of(&Tensor::vector(vec![x]));
        assert_eq!(of(1e-40).denormals, 0);
        let smallest = of(f64::from_bits(1));
        assert_eq!(smallest.denormals, 1);
        assert_eq!(smallest.histogram.bins().collect::<Vec<_>>(), [(-1074, 1)]);
    }

    #[test]
    fn a_sum_that_overflows_has_a_mean() {
        let s = Statistics::of(&Tensor::vector(vec![1e308, 1e308, 1e308, 1e308]));
        assert!((s.mean().unwrap() / 1e308 - 1.0).abs() < 1e-15, "{s:?}");
        assert!(s.variance().unwrap() < 1e300, "{s:?}");
    }

    /// A mean far above the deviation: the textbook Σx² − (Σx)²/n would lose all digits.
    #[test]
    fn a_large_mean_does_not_hide_the_variance() {
        let x: Vec<f64> = (0..50_000).map(|i| 1e9 + f64::from(i % 2)).collect();
        let s = Statistics::of(&Tensor::vector(x));
        assert!((s.variance().unwrap() - 0.25).abs() < 1e-9, "{:?}", s.variance());
    }

    proptest! {
        /// Cut into two streams and merged, the same numbers have the same statistics, up to rounding.
        #[test]
        fn merging_is_folding(x in prop::collection::vec(-1e3f64..1e3, 0..200), cut in 0.0f64..1.0) {
            let at = (cut * x.len() as f64) as usize;
            let whole = Statistics::of(&Tensor::vector(x.clone()));
            let mut parts = Statistics::of(&Tensor::vector(x[..at].to_vec()));
            parts.fold(&Tensor::vector(x[at..].to_vec()));
            prop_assert_eq!(&parts.histogram, &whole.histogram);
            prop_assert_eq!((parts.count, parts.min(), parts.max()), (whole.count, whole.min(), whole.max()));
            let near = |a: Option<f64>, b: Option<f64>| (a.unwrap_or(0.0) - b.unwrap_or(0.0)).abs() <= 1e-9;
            prop_assert!(near(parts.mean(), whole.mean()) && near(parts.variance(), whole.variance()));
        }
    }
}
