//! Running sums over the samples.

use super::statistics::{Contribution, SampleStatistics};
use crate::kernels::map::for_each_chunk;
use crate::scalar::Scalar;
use crate::tensor::Tensor;

/// Σ d and Σ d² of one element.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    first: f64,
    second: f64,
}

impl Sums {
    pub(super) fn add(&mut self, d: f64) {
        self.first += d;
        self.second += d * d;
    }
}

/// The sums of d = c − centre, where the centre, ∂L/∂θ/N, is the mean but for rounding.
#[derive(Debug)]
pub(super) struct Fold {
    shape: crate::Shape,
    centre: Vec<f64>,
    sums: Vec<Sums>,
    /// Samples folded so far, and N.
    folded: usize,
    count: usize,
}

impl Fold {
    /// Nothing folded yet of the `count` contributions to `gradient`.
    pub(super) fn around<S: Scalar>(gradient: &Tensor<S>, count: usize) -> Self {
        let centre = gradient.data().iter().map(|g| g.to_f64() / count as f64).collect();
        Self {
            shape: gradient.shape(),
            centre,
            sums: vec![Sums::default(); gradient.len()],
            folded: 0,
            count,
        }
    }

    /// Whether every sample was folded.
    pub(super) fn is_full(&self) -> bool {
        self.folded == self.count
    }

    /// Folds one sample's contribution; `None` is 0.
    pub(super) fn add<S: Scalar>(&mut self, c: Option<&Tensor<S>>) {
        self.folded += 1;
        let centre = &self.centre;
        for_each_chunk(&mut self.sums, |at, sums| match c {
            Some(c) => {
                let pairs = c.data()[at..].iter().zip(&centre[at..]);
                sums.iter_mut().zip(pairs).for_each(|(sum, (c, centre))| sum.add(c.to_f64() - centre));
            }
            None => sums.iter_mut().zip(&centre[at..]).for_each(|(sum, centre)| sum.add(-centre)),
        });
    }

    /// The centre and the sums, for whoever folds the next `samples` samples at once.
    pub(super) fn parts(&mut self, samples: usize) -> (&[f64], &mut [Sums]) {
        self.folded += samples;
        (&self.centre, &mut self.sums)
    }

    /// Mean and population variance: with s = Σd/N, mean = centre + s and variance = (Σd² − N·s²)/N.
    pub(super) fn finish(self) -> SampleStatistics<Contribution> {
        let n = self.count as f64;
        let mean = self.centre.iter().zip(&self.sums).map(|(centre, sum)| centre + sum.first / n).collect();
        // Rounding may leave −0 or a hair below it; a NaN stays.
        let variance = |sum: &Sums| {
            let v = (sum.second - sum.first * sum.first / n) / n;
            if v < 0.0 { 0.0 } else { v }
        };
        let variance = self.sums.iter().map(variance).collect();
        SampleStatistics::new(
            self.count,
            Tensor::filled(self.shape, mean),
            Tensor::filled(self.shape, variance),
        )
    }
}
