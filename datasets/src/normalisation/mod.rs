//! Bringing pixels to mean 0 and deviation 1 per channel.
//!
//! The default is what is computed from the training images at hand: a theory of signal variances wants an input of
//! unit second moment, and published constants are of the official data only, and of two disagreeing kinds.

mod published;
mod statistics;

pub use published::{Published, published};
pub use statistics::ChannelStatistics;

use crate::{Error, Result, Split};

/// Mean and deviation per channel on the 0 to 1 scale: a pixel byte `b` becomes `(b / 255 - mean) / deviation`.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalisation {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Normalisation {
    /// From one mean and one deviation per channel.
    ///
    /// # Errors
    ///
    /// [`Error::Inconsistent`] for unequal lengths, a value that is not finite, or a deviation that is not positive.
    pub fn new(mean: Vec<f64>, deviation: Vec<f64>) -> Result<Self> {
        let usable = mean.len() == deviation.len()
            && mean.iter().all(|m| m.is_finite())
            && deviation.iter().all(|d| d.is_finite() && *d > 0.0);
        if !usable {
            return Err(Error::Inconsistent {
                what: "normalisation",
                found: format!("means {mean:?} and deviations {deviation:?}"),
                expected: "one finite mean and one positive deviation per channel".into(),
            });
        }
        Ok(Self { mean, deviation })
    }

    /// From the pixels of `split`, which should be the training images.
    ///
    /// # Errors
    ///
    /// No images, one that cannot be read, or a channel of one single value, which has no deviation to divide by.
    pub fn of(split: &Split) -> Result<Self> {
        let ChannelStatistics { mean, deviation } = ChannelStatistics::of(split)?;
        Self::new(mean, deviation)
    }

    /// Pixels on the 0 to 1 scale, otherwise left alone.
    pub fn unit_scale(channels: usize) -> Self {
        Self { mean: vec![0.0; channels], deviation: vec![1.0; channels] }
    }

    /// The means.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The deviations.
    pub fn deviation(&self) -> &[f64] {
        &self.deviation
    }

    /// How many channels it is for.
    pub fn channels(&self) -> usize {
        self.mean.len()
    }

    /// For each channel, what every byte becomes: computed in f64 and rounded once.
    pub fn tables(&self) -> Vec<[f32; 256]> {
        let table = |(mean, deviation): (&f64, &f64)| {
            std::array::from_fn(|byte| ((byte as f64 / 255.0 - mean) / deviation) as f32)
        };
        self.mean.iter().zip(&self.deviation).map(table).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Images;

    #[test]
    fn tables_hold_the_formula() {
        let normalisation = Normalisation::new(vec![0.5, 0.2], vec![0.25, 2.0]).unwrap();
        let tables = normalisation.tables();
        // By hand: (0 - 0.5) / 0.25, (1 - 0.5) / 0.25, (51/255 - 0.2) / 2, (1 - 0.2) / 2.
        assert_eq!((tables[0][0], tables[0][255], tables[1][51], tables[1][255]), (-2.0, 2.0, 0.0, 0.4));
    }

    #[test]
    fn a_constant_channel_is_refused() {
        let images = Images::new(vec![9; 8], 1, 2, 2).unwrap();
        let split = Split::new(images, vec![0; 2], 1).unwrap();
        let text = Normalisation::of(&split).unwrap_err().to_string();
        assert!(
            text.contains("deviations [0.0], expected one finite mean and one positive deviation"),
            "{text}"
        );
        assert!(Normalisation::new(vec![0.5], vec![]).is_err());
        assert!(Normalisation::new(vec![f64::NAN], vec![1.0]).is_err());
    }
}
