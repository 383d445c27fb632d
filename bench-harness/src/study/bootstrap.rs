//! Percentile intervals by resampling clusters.

use autograd::random::{Purpose, Stream};
use serde::Serialize;

use super::rank::{NoCorrelation, spearman};
use crate::statistics::{RESAMPLES, percentile_interval};

/// Spearman's ρ with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RankCorrelation {
    /// ρ of all points.
    pub rho: f64,
    /// Lower and upper end; `None` if no resample has a correlation.
    pub interval: Option<(f64, f64)>,
    /// The number of points.
    pub points: usize,
    /// Resamples of 10,000 without a correlation, which the interval leaves out.
    pub undefined: u64,
}

/// Spearman's ρ of all points, with the 95 % percentile interval of 10,000 bootstrap samples of *clusters*: the seeds
/// of one activation are not independent, so an activation is drawn with all of its points or not at all. The same
/// clusters give the same interval, on any machine.
/// Source: Efron and Tibshirani, *An Introduction to the Bootstrap* (1993), chapters 8 and 13.
///
/// # Errors
/// As [`spearman`] of all points.
pub fn clustered_spearman(clusters: &[Vec<(f64, f64)>]) -> Result<RankCorrelation, NoCorrelation> {
    let clusters: Vec<_> = clusters.iter().filter(|c| !c.is_empty()).collect();
    let all: Vec<(f64, f64)> = clusters.iter().flat_map(|c| c.iter().copied()).collect();
    let rho = spearman(&all)?;
    let mut resampled = Vec::new();
    let mut sample = Vec::new();
    for index in 0..RESAMPLES {
        let mut stream = Stream::new(0, Purpose::Resampling, index);
        sample.clear();
        for _ in 0..clusters.len() {
            sample.extend_from_slice(clusters[stream.below(clusters.len() as u64) as usize]);
        }
        resampled.extend(spearman(&sample));
    }
    let undefined = RESAMPLES - resampled.len() as u64;
    resampled.sort_by(f64::total_cmp);
    let interval = percentile_interval(&resampled);
    Ok(RankCorrelation { rho, interval, points: all.len(), undefined })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn five() -> [Vec<(f64, f64)>; 5] {
        [
            vec![(1.0, 2.0), (1.5, 1.0)],
            vec![(2.0, 4.0), (2.5, 2.5)],
            vec![(3.0, 1.5), (3.5, 5.0)],
            vec![(4.0, 6.0), (4.5, 3.0)],
            vec![(5.0, 5.5), (5.5, 7.0)],
        ]
    }

    /// All 5⁵ samples enumerated with SciPy: the exact quantiles at five standard errors of 10,000 draws to either
    /// side of 2.5 and 97.5 %.
    #[test]
    fn the_interval_is_that_of_all_resamples() {
        let got = clustered_spearman(&five()).unwrap();
        let (lower, upper) = got.interval.unwrap();
        let (low, high) = (
            [0.032_258_064_516_129_03, 0.108_280_254_777_070_1],
            [0.925_465_838_509_316_7, 0.974_522_292_993_630_7],
        );
        let within = |x: f64, [from, to]: [f64; 2]| (from - 1e-12..=to + 1e-12).contains(&x);
        assert!(within(lower, low) && within(upper, high), "{lower} {upper}");
        assert_eq!((got.points, got.undefined), (10, 0));
        assert_eq!(clustered_spearman(&five()).unwrap(), got);
    }

    #[test]
    fn seeds_of_one_activation_are_drawn_together() {
        let together = clustered_spearman(&five()).unwrap();
        let apart: Vec<_> = five().iter().flatten().map(|&p| vec![p]).collect();
        let apart = clustered_spearman(&apart).unwrap();
        assert_eq!(together.rho, apart.rho);
        assert_ne!(together.interval, apart.interval);
    }

    #[test]
    fn samples_without_a_correlation_are_counted() {
        // One of 3 clusters three times has all ties: 3 of 27 samples.
        let points = [vec![(1.0, 1.0)], vec![(2.0, 2.0)], vec![(3.0, 3.0)]];
        let got = clustered_spearman(&points).unwrap();
        let standard_error = (1e4 * (1.0 / 9.0) * (8.0 / 9.0_f64)).sqrt();
        assert!((got.undefined as f64 - 1e4 / 9.0).abs() < 5.0 * standard_error, "{}", got.undefined);
        assert!(clustered_spearman(&[vec![], vec![(1.0, 1.0)]]).is_err());
    }
}
