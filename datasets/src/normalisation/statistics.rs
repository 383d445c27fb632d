//! Mean and deviation of every channel, over all pixels of all images.

use rayon::prelude::*;

use crate::{Error, Images, Result};

/// Mean and standard deviation per channel on the 0 to 1 scale.
///
/// The deviation is that of all pixels of a channel together, with divisor n. (Other constants in circulation average
/// the deviations of single images, which is a smaller number; see [`Published`](super::Published).)
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelStatistics {
    /// The mean of each channel.
    pub mean: Vec<f64>,
    /// The standard deviation of each channel.
    pub deviation: Vec<f64>,
}

/// Sum and sum of squares of bytes. Exact, so neither order nor thread count matters; u64 overflows after 2.8e14 pixels.
#[derive(Clone, Copy, Default)]
struct Sums {
    first: u64,
    second: u64,
}

impl ChannelStatistics {
    /// Those of `images`.
    ///
    /// # Errors
    ///
    /// [`Error::Inconsistent`] when there is no image.
    pub fn of(images: &Images) -> Result<Self> {
        if images.is_empty() {
            return Err(Error::Inconsistent {
                what: "statistics",
                found: "no images".into(),
                expected: "at least one".into(),
            });
        }
        let [channels, height, width] = images.shape();
        let count = (images.len() * height * width) as u64;
        let (mean, deviation) =
            channel_sums(images, channels).into_iter().map(|sums| sums.moments(count)).unzip();
        Ok(Self { mean, deviation })
    }
}

fn channel_sums(images: &Images, channels: usize) -> Vec<Sums> {
    let plane = images.image_len() / channels;
    let add = |mut total: Vec<Sums>, image: &[u8]| {
        for (sums, plane) in total.iter_mut().zip(image.chunks_exact(plane)) {
            for &byte in plane {
                let byte = u64::from(byte);
                sums.first += byte;
                sums.second += byte * byte;
            }
        }
        total
    };
    let none = || vec![Sums::default(); channels];
    let merge = |a: Vec<Sums>, b: Vec<Sums>| a.into_iter().zip(b).map(|(a, b)| a.plus(b)).collect();
    images.pixels().par_chunks_exact(images.image_len()).fold(none, add).reduce(none, merge)
}

impl Sums {
    fn plus(self, other: Self) -> Self {
        Self { first: self.first + other.first, second: self.second + other.second }
    }

    /// Mean and deviation: n * second - first^2 is an exact integer, so nothing cancels.
    fn moments(self, count: u64) -> (f64, f64) {
        let [n, first, second] = [count, self.first, self.second].map(u128::from);
        let scaled_variance = n * second - first * first;
        let scale = 255.0 * count as f64;
        (self.first as f64 / scale, (scaled_variance as f64).sqrt() / scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_kept_apart() {
        // Two images of two channels of 1x2 pixels; by hand: channel 0 has 0, 255, 0, 255, channel 1 has 51 four times.
        let images = Images::new(vec![0, 255, 51, 51, 0, 255, 51, 51], 2, 1, 2).unwrap();
        let statistics = ChannelStatistics::of(&images).unwrap();
        assert_eq!(statistics.mean, [0.5, 0.2]);
        assert_eq!(statistics.deviation, [0.5, 0.0]);
    }

    #[test]
    fn no_images_have_no_statistics() {
        let none = Images::new(vec![], 1, 2, 2).unwrap();
        let text = ChannelStatistics::of(&none).unwrap_err().to_string();
        assert_eq!(text, "statistics: no images, expected at least one");
    }
}
