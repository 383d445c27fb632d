//! Random numbers with random access: every use has a stream of its own, named by a seed, a purpose and an index.
//!
//! ChaCha8 is a portable, specified generator, so the same seed gives the same numbers on every machine and in
//! every release. What is drawn from it is written here rather than taken from a library whose distributions
//! may change between releases.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// What a stream is for. Streams of different purposes never overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// Initial weights; the index counts parameters.
    Initialisation = 1,
    /// Dropout masks; the index counts uses.
    Dropout = 2,
    /// Cotangents, test inputs, and the vectors by which a matrix is probed.
    Probe = 3,
    /// Samples drawn again from what was measured, for confidence intervals.
    Resampling = 4,
    /// The samples of a chain that stands for a network.
    Chain = 5,
    /// Random graphs to be checked; the index counts them.
    Graph = 6,
    /// Random geometries to be checked; the index counts them.
    Geometry = 7,
}

/// A stream of random numbers.
#[derive(Debug)]
pub struct Stream {
    generator: ChaCha8Rng,
    /// Box and Muller's method yields two normal numbers at a time; the second waits here.
    spare: Option<f64>,
}

impl Stream {
    /// The stream of `(seed, purpose, index)`.
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        // 56 bits of index are more than any run counts to.
        generator.set_stream((purpose as u64) << 56 | (index & ((1 << 56) - 1)));
        Self { generator, spare: None }
    }

    /// The same stream from its `n`th uniform number on, n from 0, so that several threads can draw parts of it.
    pub fn at(seed: u64, purpose: Purpose, index: u64, n: u64) -> Self {
        let mut stream = Self::new(seed, purpose, index);
        // Words of 32 bits.
        stream.generator.set_word_pos(2 * u128::from(n));
        stream
    }

    /// For as many uniform numbers as `is_below` is long, whether each is below `p`.
    pub fn fill_below(&mut self, p: f64, is_below: &mut [bool]) {
        const RUN: usize = 256;
        // A uniform number is a whole one below 2^53 divided by 2^53.
        let limit = (p * (1u64 << 53) as f64).ceil() as u64;
        let mut bytes = [0; 8 * RUN];
        for is_below in is_below.chunks_mut(RUN) {
            let bytes = &mut bytes[..8 * is_below.len()];
            self.generator.fill_bytes(bytes);
            for (is_below, &bytes) in is_below.iter_mut().zip(bytes.as_chunks().0) {
                *is_below = u64::from_le_bytes(bytes) >> 11 < limit;
            }
        }
    }

    /// Uniform on [0, 1), 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.generator.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform on [low, high).
    pub fn uniform_in(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Standard normal. Source: Box and Muller, *A note on the generation of random normal deviates* (1958).
    pub fn normal(&mut self) -> f64 {
        if let Some(z) = self.spare.take() {
            return z;
        }
        // 1 − u lies in (0, 1], so the logarithm is finite. libm: the same bits on every platform.
        let radius = (-2.0 * libm::log(1.0 - self.uniform())).sqrt();
        let angle = std::f64::consts::TAU * self.uniform();
        self.spare = Some(radius * libm::sin(angle));
        radius * libm::cos(angle)
    }

    /// A whole number below `n`, without bias. Panics if `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "no whole number is below 0");
        // Rejecting the incomplete last block of size n keeps every remainder equally likely.
        let limit = u64::MAX - u64::MAX % n;
        loop {
            let x = self.generator.next_u64();
            if x < limit {
                return x % n;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_uniform_and_normal() {
        let mut s = Stream::new(7, Purpose::Probe, 0);
        let n = 200_000;
        let u: Vec<f64> = (0..n).map(|_| s.uniform()).collect();
        let z: Vec<f64> = (0..n).map(|_| s.normal()).collect();
        let mean = |v: &[f64], p: i32| v.iter().map(|x| x.powi(p)).sum::<f64>() / f64::from(n);
        // Five standard errors of each moment of U(0, 1) and N(0, 1).
        assert!((mean(&u, 1) - 0.5).abs() < 5.0 * (1.0f64 / 12.0 / 2e5).sqrt());
        assert!(mean(&z, 1).abs() < 5.0 * (1.0f64 / 2e5).sqrt());
        assert!((mean(&z, 2) - 1.0).abs() < 5.0 * (2.0f64 / 2e5).sqrt());
        assert!((mean(&z, 4) - 3.0).abs() < 5.0 * (96.0f64 / 2e5).sqrt());
    }

    #[test]
    fn streams_are_distinct_and_repeatable() {
        let draw = |seed, purpose, index| Stream::new(seed, purpose, index).uniform();
        let base = draw(1, Purpose::Probe, 0);
        assert_eq!(base, draw(1, Purpose::Probe, 0));
        assert_ne!(base, draw(2, Purpose::Probe, 0));
        assert_ne!(base, draw(1, Purpose::Probe, 1));
        assert_ne!(base, draw(1, Purpose::Dropout, 0));
    }

    /// Drawing in runs or from the middle on gives what one number after the other does.
    #[test]
    fn runs_are_the_same_stream() {
        for (p, start, n) in [(0.1, 0, 1000), (0.5, 777, 300), (0.9, 3, 1), (0.0, 5, 9)] {
            let mut one_by_one = Stream::new(5, Purpose::Dropout, 9);
            (0..start).for_each(|_| _ = one_by_one.uniform());
            let want: Vec<bool> = (0..n).map(|_| one_by_one.uniform() < p).collect();
            let mut got = vec![false; n];
            Stream::at(5, Purpose::Dropout, 9, start).fill_below(p, &mut got);
            assert_eq!(got, want, "{p} {start}");
        }
    }

    #[test]
    fn below_covers_its_range() {
        let mut s = Stream::new(3, Purpose::Probe, 1);
        let mut seen = [0; 7];
        (0..7_000).for_each(|_| seen[s.below(7) as usize] += 1);
        // Mean 1000, standard deviation 29.
        assert!(seen.iter().all(|&c| (850..1150).contains(&c)), "{seen:?}");
    }
}
