//! What repeated measurements of one thing say.

use serde::Serialize;

/// The quartiles and ends of some measurements.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) least: f64,
    pub(super) lower: f64,
    pub(super) median: f64,
    pub(super) upper: f64,
    pub(super) greatest: f64,
}

impl Spread {
    /// Quantiles with linear interpolation, as NumPy's and R's default. Panics without measurements.
    pub(super) fn of(mut values: Vec<f64>) -> Self {
        assert!(!values.is_empty(), "something was measured");
        values.sort_by(f64::total_cmp);
        let quantile = |q: f64| {
            let place = q * (values.len() - 1) as f64;
            let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
            below + (above - below) * place.fract()
        };
        Self {
            least: quantile(0.0),
            lower: quantile(0.25),
            median: quantile(0.5),
            upper: quantile(0.75),
            greatest: quantile(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From `numpy.quantile([1, 2, 4, 8], [0, .25, .5, .75, 1])` and of \[3\].
    #[test]
    fn quantiles_equal_those_of_numpy() {
        let s = Spread::of(vec![8.0, 1.0, 4.0, 2.0]);
        assert_eq!([s.least, s.lower, s.median, s.upper, s.greatest], [1.0, 1.75, 3.0, 5.0, 8.0]);
        let s = Spread::of(vec![3.0]);
        assert_eq!([s.least, s.lower, s.median, s.upper, s.greatest], [3.0; 5]);
    }
}
