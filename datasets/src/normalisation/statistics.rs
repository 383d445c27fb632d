//! Mean and deviation of every channel, over all pixels of all images.

use rayon::prelude::*;

use crate::{Error, Result, Split};

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

/// Number, sum and sum of squares of bytes. Exact, so neither order nor thread count matters; u64 overflows after 2.8e14
/// pixels.
#[derive(Clone, Copy, Default)]
struct Sums {
    count: u64,
    first: u64,
    second: u64,
}

impl ChannelStatistics {
    /// Those of every picture of `split`, each in the size it is stored in.
    ///
    /// # Errors
    ///
    /// [`Error::Inconsistent`] when there is no image or one has another number of channels; a picture that cannot be read.
    pub fn of(split: &Split) -> Result<Self> {
        if split.is_empty() {
            return Err(Error::Inconsistent {
                what: "statistics",
                found: "no images".into(),
                expected: "at least one".into(),
            });
        }
        Ok(channel_sums(split)?.into_iter().map(Sums::moments).unzip::<_, _, Vec<_>, Vec<_>>().into())
    }
}

impl From<(Vec<f64>, Vec<f64>)> for ChannelStatistics {
    fn from((mean, deviation): (Vec<f64>, Vec<f64>)) -> Self {
        Self { mean, deviation }
    }
}

fn channel_sums(split: &Split) -> Result<Vec<Sums>> {
    let channels = split.images().shape()[0];
    let sums_of = |scratch: &mut Vec<u8>, position| {
        let picture = split.picture(position, scratch)?;
        if picture.channels != channels {
            return Err(Error::Inconsistent {
                what: "statistics",
                found: format!("image {} of {} channels", split.index(position), picture.channels),
                expected: format!("{channels} channels"),
            });
        }
        let planes = picture.pixels.chunks_exact(picture.height * picture.width);
        Ok(planes.map(Sums::of).collect::<Vec<_>>())
    };
    let none = || Ok(vec![Sums::default(); channels]);
    // Of two errors the one in front stands, whichever thread was first.
    let merge = |a: Result<Vec<Sums>>, b: Result<Vec<Sums>>| {
        let (a, b) = (a?, b?);
        Ok(a.into_iter().zip(b).map(|(a, b)| a.plus(b)).collect())
    };
    (0..split.len()).into_par_iter().map_init(Vec::new, sums_of).reduce(none, merge)
}

impl Sums {
    fn of(plane: &[u8]) -> Self {
        let (mut first, mut second) = (0, 0);
        for &byte in plane {
            let byte = u64::from(byte);
            first += byte;
            second += byte * byte;
        }
        Self { count: plane.len() as u64, first, second }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            first: self.first + other.first,
            second: self.second + other.second,
        }
    }

    /// Mean and deviation: n * second - first^2 is an exact integer, so nothing cancels.
    fn moments(self) -> (f64, f64) {
        let [n, first, second] = [self.count, self.first, self.second].map(u128::from);
        let scaled_variance = n * second - first * first;
        let scale = 255.0 * self.count as f64;
        (self.first as f64 / scale, (scaled_variance as f64).sqrt() / scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Images;

    #[test]
    fn channels_are_kept_apart() {
        // Two images of two channels of 1x2 pixels; by hand: channel 0 has 0, 255, 0, 255, channel 1 has 51 four times.
        let images = Images::new(vec![0, 255, 51, 51, 0, 255, 51, 51], 2, 1, 2).unwrap();
        let split = Split::new(images, vec![0; 2], 1).unwrap();
        let statistics = ChannelStatistics::of(&split).unwrap();
        assert_eq!(statistics.mean, [0.5, 0.2]);
        assert_eq!(statistics.deviation, [0.5, 0.0]);
    }

    #[test]
    fn no_images_have_no_statistics() {
        let none = Split::new(Images::new(vec![], 1, 2, 2).unwrap(), vec![], 1).unwrap();
        let text = ChannelStatistics::of(&none).unwrap_err().to_string();
        assert_eq!(text, "statistics: no images, expected at least one");
    }
}
