//! Which numbers an axis spans.

/// Numbers that are larger are drawn as this one.
pub(super) const LARGEST: f64 = 1e300;

/// From a little below the smallest to a little above the largest of the finite values; never empty.
pub(super) fn linear(values: impl IntoIterator<Item = f64>) -> [f64; 2] {
    let finite = values.into_iter().filter(|v| v.is_finite()).map(|v| v.clamp(-LARGEST, LARGEST));
    let Some((low, high)) = ends(finite) else { return [0.0, 1.0] };
    let margin = if low < high { 0.05 * (high - low) } else { 0.05 * low.abs().max(1e-3) };
    [low - margin, high + margin]
}

/// Whole powers of ten around the positive finite values, as exponents; `None` if there is no such value.
pub(super) fn decades(values: impl IntoIterator<Item = f64>) -> Option<[i32; 2]> {
    let logarithms = values.into_iter().filter(|v| *v > 0.0 && v.is_finite()).map(f64::log10);
    let (low, high) = ends(logarithms)?;
    let (low, high) = (low.floor() as i32, high.ceil() as i32);
    Some([low, high.max(low + 1)])
}

/// The share of the way from `low` to `high` at which `value` is, from 0 to 1; 0 for a NaN.
pub(super) fn share(value: f64, [low, high]: [f64; 2]) -> f64 {
    let share = (value - low) / (high - low);
    if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
}

fn ends(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values.into_iter().map(|v| (v, v)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_holds_what_is_finite() {
        assert_eq!(linear([]), [0.0, 1.0]);
        assert_eq!(linear([f64::NAN, f64::INFINITY]), [0.0, 1.0]);
        assert_eq!(linear([20.0, f64::NAN, 40.0]), [19.0, 41.0]);
        assert_eq!(linear([40.0]), [38.0, 42.0]);
        for values in [[0.0, 0.0], [f64::MAX, -f64::MAX], [5e-324, 0.0], [f64::MAX, f64::MAX]] {
            let [low, high] = linear(values);
            assert!(low < high && (high - low).is_finite(), "{values:?} {low} {high}");
        }
    }

    #[test]
    fn decades_are_whole() {
        assert_eq!(decades([2e-5, 3e-3, 0.0, -1.0, f64::NAN]), Some([-5, -2]));
        assert_eq!(decades([100.0]), Some([2, 3]));
        assert_eq!(decades([0.0, f64::INFINITY]), None);
        assert_eq!(decades([f64::MIN_POSITIVE, f64::MAX]), Some([-308, 309]));
    }

    #[test]
    fn shares_stay_between_the_ends() {
        assert_eq!(share(3.0, [2.0, 4.0]), 0.5);
        assert_eq!(share(-1.0, [2.0, 4.0]), 0.0);
        assert_eq!(share(f64::INFINITY, [2.0, 4.0]), 1.0);
        assert_eq!(share(f64::NAN, [2.0, 4.0]), 0.0);
        assert_eq!(share(0.0, [0.0, 0.0]), 0.0);
    }
}
