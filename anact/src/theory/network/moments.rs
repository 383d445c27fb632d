//! What the prediction knows of a value.

use autograd::{Scalar, Var};

use super::measure::{mean, second_moment};

/// The weights of a window's inputs, means over windows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shares {
    /// Of Σ w, which is less than 1 where padding counts.
    pub(super) sum: f64,
    /// Of (Σ w)².
    pub(super) squared_sum: f64,
    /// Of Σ w².
    pub(super) squares: f64,
}

/// Moments of a value, pooled over samples, channels and positions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    pub(super) mean: f64,
    /// E[x²].
    pub(super) second: f64,
    /// The mean over channels of the squared channel mean: the part of E[x²] that a batch normalization takes away.
    pub(super) fixed: f64,
    /// How much larger the mean over channels of 1/Var is than 1 over the mean of Var; 1 for equal channels.
    pub(super) unevenness: f64,
}

impl Moments {
    /// Channels alike, each with this mean and variance.
    pub(super) fn alike(mean: f64, variance: f64) -> Self {
        Self { mean, second: variance + mean * mean, fixed: mean * mean, unevenness: 1.0 }
    }

    /// Of what the tape holds; channels are axis 1, or axis 0 of a vector.
    pub(super) fn measured<S: Scalar>(var: Var<'_, S>) -> Self {
        let value = var.value();
        let (channels, positions) = match value.dims() {
            [] => (1, 1),
            [channels] => (*channels, 1),
            [_, channels, rest @ ..] => (*channels, rest.iter().product()),
        };
        let mut sums = vec![0.0; channels];
        for (i, run) in value.data().chunks(positions.max(1)).enumerate() {
            sums[i % channels.max(1)] += mean(run);
        }
        let rows = value.len() / (channels * positions).max(1);
        let fixed =
            sums.iter().map(|s| (s / rows.max(1) as f64).powi(2)).sum::<f64>() / channels.max(1) as f64;
        Self { mean: mean(value.data()), second: second_moment(value.data()), fixed, unevenness: 1.0 }
    }

    /// Over everything.
    pub(super) fn variance(self) -> f64 {
        (self.second - self.mean * self.mean).max(0.0)
    }

    /// Inside a channel, the mean over channels: what batch normalization divides by.
    pub(super) fn within(self) -> f64 {
        (self.second - self.fixed).max(0.0)
    }

    /// Of the value times a factor.
    pub(super) fn scaled(self, factor: f64) -> Self {
        let squared = factor * factor;
        Self { mean: factor * self.mean, second: squared * self.second, fixed: squared * self.fixed, ..self }
    }

    /// Of the sum of two independent values.
    pub(super) fn plus(self, other: Self) -> Self {
        let cross = 2.0 * self.mean * other.mean;
        Self {
            mean: self.mean + other.mean,
            second: self.second + other.second + cross,
            fixed: self.fixed + other.fixed + cross,
            unevenness: self.unevenness,
        }
    }

    /// Of weighted sums over positions, as if those were independent inside a channel, which neighbours are not.
    pub(super) fn averaged(self, shares: Shares) -> Self {
        let fixed = shares.squared_sum * self.fixed;
        Self { mean: shares.sum * self.mean, second: fixed + shares.squares * self.within(), fixed, ..self }
    }
}
