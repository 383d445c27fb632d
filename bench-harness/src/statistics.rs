//! Means and their errors.

/// The mean of no values is NaN. The standard error of the mean is √(Σ(x − x̄)²/(n − 1)/n); `None` of fewer than two
/// values, or where it is not finite.
pub(crate) fn mean_and_error(values: &[f64]) -> (f64, Option<f64>) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    let error = (squares / (n - 1.0) / n).sqrt();
    (mean, (values.len() > 1 && error.is_finite()).then_some(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: the mean of 1, 2 and 6 is 3; squares 4 + 1 + 9 = 14, so the error is √(14/2/3).
    #[test]
    fn by_hand_and_without_an_error() {
        let (mean, error) = mean_and_error(&[1.0, 2.0, 6.0]);
        assert!(mean == 3.0 && (error.unwrap() - (7.0_f64 / 3.0).sqrt()).abs() < 1e-15, "{error:?}");
        assert_eq!(mean_and_error(&[-0.5]), (-0.5, None));
        assert_eq!(mean_and_error(&[2.0, f64::INFINITY]), (f64::INFINITY, None));
        assert!(mean_and_error(&[]).0.is_nan());
    }
}
