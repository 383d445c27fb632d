//! Means, their errors and intervals, and what is shown of many values.

use autograd::random::{Purpose, Stream};
use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Two-sided level of every interval.
pub(crate) const LEVEL: f64 = 0.95;

/// How often values are drawn again.
pub(crate) const RESAMPLES: u64 = 10_000;

/// The mean of no values is NaN. The standard error of the mean is √(Σ(x − x̄)²/(n − 1)/n); `None` of fewer than two
/// values, or where it is not finite.
pub(crate) fn mean_and_error(values: &[f64]) -> (f64, Option<f64>) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    let error = (squares / (n - 1.0) / n).sqrt();
    (mean, (values.len() > 1 && error.is_finite()).then_some(error))
}

/// A mean over independent repetitions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// The number of repetitions.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// The mean's standard error; `None` of fewer than two.
    pub standard_error: Option<f64>,
    /// The 95 % interval by Student's t; `None` likewise.
    pub t_interval: Option<(f64, f64)>,
}

impl Summary {
    /// Of independent, finite values; `None` of no values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n == 0 {
            return None;
        }
        let (mean, standard_error) = mean_and_error(values);
        let t_interval = standard_error.and_then(|error| {
            let reach = student_quantile((n - 1) as f64, f64::midpoint(1.0, LEVEL))? * error;
            Some((mean - reach, mean + reach))
        });
        Some(Self { n, mean, standard_error, t_interval })
    }
}

/// The quantile of Student's t.
fn student_quantile(freedom: f64, share: f64) -> Option<f64> {
    Some(StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(share))
}

/// Linear interpolation between order statistics, Hyndman and Fan's type 7; `None` of nothing.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(below + place.fract() * (above - below))
}

/// The percentile interval of level [`LEVEL`] that sorted resamples leave.
pub(crate) fn percentile_interval(sorted: &[f64]) -> Option<(f64, f64)> {
    let tail = (1.0 - LEVEL) / 2.0;
    quantile(sorted, tail).zip(quantile(sorted, 1.0 - tail))
}

/// The 95 % percentile interval of the mean over [`RESAMPLES`] bootstrap samples; `None` of fewer than two values. The same
/// values give the same interval, on any machine. Of few values it is too narrow: of three it is about their range.
/// Source: Efron and Tibshirani, *An Introduction to the Bootstrap* (1993), chapter 13.
pub(crate) fn bootstrap_interval(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let resample = |index| {
        let mut stream = Stream::new(0, Purpose::Resampling, index);
        let drawn = values.iter().map(|_| values[stream.below(values.len() as u64) as usize]);
        drawn.sum::<f64>() / values.len() as f64
    };
    let mut means: Vec<f64> = (0..RESAMPLES).map(resample).collect();
    means.sort_by(f64::total_cmp);
    percentile_interval(&means)
}

/// Up to `most` of `count` positions, spread from end to end.
pub(crate) fn evenly(count: usize, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    match most {
        0 => Vec::new(),
        1 => vec![0],
        _ => (0..most).map(|i| (i * (count - 1) + (most - 1) / 2) / (most - 1)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_spread_from_end_to_end() {
        assert_eq!(evenly(0, 3), [0_usize; 0]);
        assert_eq!(evenly(3, 5), [0, 1, 2]);
        assert_eq!(evenly(6, 6), [0, 1, 2, 3, 4, 5]);
        assert_eq!(evenly(7, 6), [0, 1, 2, 4, 5, 6]);
        assert_eq!(evenly(11, 6), [0, 2, 4, 6, 8, 10]);
        assert_eq!(evenly(5, 2), [0, 4]);
        assert_eq!(evenly(5, 1), [0]);
        assert_eq!(evenly(5, 0), [0_usize; 0]);
    }

    /// By hand: the mean of 1, 2 and 6 is 3; squares 4 + 1 + 9 = 14, so the error is √(14/2/3).
    #[test]
    fn by_hand_and_without_an_error() {
        let (mean, error) = mean_and_error(&[1.0, 2.0, 6.0]);
        assert!(mean == 3.0 && (error.unwrap() - (7.0_f64 / 3.0).sqrt()).abs() < 1e-15, "{error:?}");
        assert_eq!(mean_and_error(&[-0.5]), (-0.5, None));
        assert_eq!(mean_and_error(&[2.0, f64::INFINITY]), (f64::INFINITY, None));
        assert!(mean_and_error(&[]).0.is_nan());
    }

    /// `numpy.quantile`.
    #[test]
    fn quantiles_of_numpy() {
        let sorted = [1.0, 2.0, 3.0, 4.0];
        assert!((quantile(&sorted, 0.025).unwrap() - 1.075).abs() < 1e-15);
        assert!((quantile(&sorted, 0.975).unwrap() - 3.925).abs() < 1e-15);
        assert_eq!(quantile(&[7.0], 0.3), Some(7.0));
        assert_eq!(quantile(&[], 0.3), None);
    }

    /// Of 0 and 1 a resample's mean is 0 and 1 with probability ¼ each, so the interval is all between. Of 1, 2 and 6 the 27 means
    /// begin with 1 (1/27 = 3.7 %) and end with 6 (3.7 %).
    #[test]
    fn resampled_intervals_by_enumeration() {
        assert_eq!(bootstrap_interval(&[0.0, 1.0]), Some((0.0, 1.0)));
        assert_eq!(bootstrap_interval(&[1.0, 6.0, 2.0]), Some((1.0, 6.0)));
        assert_eq!(bootstrap_interval(&[3.0]), None);
        assert_eq!(bootstrap_interval(&[3.0; 5]), Some((3.0, 3.0)));
    }

    /// All 5⁵ means of 1, 2, 6, 7 and 9, counted with Python's `itertools.product`: 0.01984 of them are below 2.4 and 0.03584 up to
    /// it; 0.96928 are below 7.6 and 0.98048 up to it. So the quantiles are 2.4 and 7.6, far inside the values' range. Of 10,000
    /// draws the share up to a mean has a standard error of 0.0016; within five of them the neighbours 2.2 and 2.6, 7.4 and 7.8 are
    /// possible.
    #[test]
    fn a_resampled_interval_is_that_of_all_resamples() {
        let (low, high) = bootstrap_interval(&[1.0, 2.0, 6.0, 7.0, 9.0]).unwrap();
        assert!((2.2 - 1e-12..=2.6 + 1e-12).contains(&low), "{low}");
        assert!((7.4 - 1e-12..=7.8 + 1e-12).contains(&high), "{high}");
    }

    fn close(got: f64, want: f64, tolerance: f64) {
        assert!((got - want).abs() <= tolerance * want.abs().max(1.0), "{got} {want}");
    }

    /// `scipy.stats.t.ppf(0.975, n)`, SciPy 1.17.1.
    #[test]
    fn students_quantiles() {
        let table = [
            (1.0, 12.706_204_736_174_694),
            (2.0, 4.302_652_729_749_462),
            (4.0, 2.776_445_105_197_793_4),
            (10.0, 2.228_138_851_986_274),
            (100.0, 1.983_971_518_523_551_8),
        ];
        for (freedom, want) in table {
            close(student_quantile(freedom, 0.975).unwrap(), want, 1e-10);
        }
    }

    /// `scipy.stats.sem` and the interval of `ttest_1samp`.
    #[test]
    fn a_mean_with_its_interval() {
        let s = Summary::of(&[1.2, 0.4, -0.3, 2.2, 0.9]).unwrap();
        close(s.mean, 0.88, 1e-15);
        close(s.standard_error.unwrap(), 0.416_413_256_273_140_3, 1e-14);
        let (lower, upper) = s.t_interval.unwrap();
        close(lower, -0.276_148_547_119_034_6, 1e-10);
        close(upper, 2.036_148_547_119_035, 1e-10);
        let s = Summary::of(&[0.5, 0.7]).unwrap();
        close(s.t_interval.unwrap().0, -0.670_620_473_617_469_1, 1e-10);
    }

    #[test]
    fn one_value_has_no_error_and_none_no_mean() {
        let one = Summary::of(&[3.0]).unwrap();
        assert_eq!((one.n, one.mean, one.standard_error, one.t_interval), (1, 3.0, None, None));
        assert_eq!(Summary::of(&[]), None);
        assert_eq!(Summary::of(&[2.0, 2.0]).unwrap().t_interval, Some((2.0, 2.0)));
    }
}
