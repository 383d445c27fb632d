//! Means with their uncertainty, and straight lines.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::bootstrap::LEVEL;
use crate::statistics::mean_and_error;

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
    pub interval: Option<(f64, f64)>,
}

impl Summary {
    /// Of independent, finite values; `None` of no values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n == 0 {
            return None;
        }
        let (mean, standard_error) = mean_and_error(values);
        let interval = standard_error.and_then(|error| {
            let reach = student_quantile((n - 1) as f64, f64::midpoint(1.0, LEVEL))? * error;
            Some((mean - reach, mean + reach))
        });
        Some(Self { n, mean, standard_error, interval })
    }
}

/// The quantile of Student's t.
fn student_quantile(freedom: f64, share: f64) -> Option<f64> {
    Some(StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(share))
}

/// Standard deviation over all of `values`, dividing by their number; `None` of none or where one is not finite.
pub fn deviation(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    deviation.is_finite().then_some(deviation)
}

/// The slope of the least-squares line through `values` at 0, 1, 2, …; `None` of fewer than two or where one is not
/// finite.
pub fn slope(values: &[f64]) -> Option<f64> {
    let middle = (values.len() as f64 - 1.0) / 2.0;
    let (mut xx, mut xy) = (0.0, 0.0);
    for (i, value) in values.iter().enumerate() {
        let x = i as f64 - middle;
        (xx, xy) = (xx + x * x, xy + x * value);
    }
    let slope = xy / xx;
    slope.is_finite().then_some(slope)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let (lower, upper) = s.interval.unwrap();
        close(lower, -0.276_148_547_119_034_6, 1e-10);
        close(upper, 2.036_148_547_119_035, 1e-10);
        let s = Summary::of(&[0.5, 0.7]).unwrap();
        close(s.interval.unwrap().0, -0.670_620_473_617_469_1, 1e-10);
    }

    #[test]
    fn one_value_has_no_error_and_none_no_mean() {
        let one = Summary::of(&[3.0]).unwrap();
        assert_eq!((one.n, one.mean, one.standard_error, one.interval), (1, 3.0, None, None));
        assert_eq!(Summary::of(&[]), None);
        assert_eq!(Summary::of(&[2.0, 2.0]).unwrap().interval, Some((2.0, 2.0)));
    }

    /// `numpy.std` and `scipy.stats.linregress`.
    #[test]
    fn deviation_and_slope() {
        let values = [0.3, 0.1, -0.4, -0.2, -1.1];
        close(deviation(&values).unwrap(), 0.484_148_737_476_408_2, 1e-15);
        close(slope(&values).unwrap(), -0.31, 1e-15);
        assert_eq!((deviation(&[]), slope(&[1.0])), (None, None));
        assert_eq!((deviation(&[1.0, f64::INFINITY]), slope(&[1.0, f64::NEG_INFINITY])), (None, None));
    }
}
