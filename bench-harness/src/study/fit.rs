//! Spread and slope of numbers.

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
