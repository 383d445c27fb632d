//! From values to pixels, and the range of values an axis shows.

/// Values beyond this, or positive ones below its inverse, are treated like infinities and zero: differences,
/// products and logarithms of all others stay finite.
const HUGE: f64 = 1e300;

/// How values are laid out along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Linear,
    Log10,
}

impl Kind {
    /// Whether the axis has a place for `v`.
    pub(super) fn shows(self, v: f64) -> bool {
        let bounded = v.abs() <= HUGE;
        match self {
            Self::Linear => bounded,
            Self::Log10 => bounded && v >= 1.0 / HUGE,
        }
    }

    /// A range that shows every value it can, with a little air around.
    ///
    /// Values of one sign do not get air beyond zero: an axis of losses must not suggest negative ones.
    pub(super) fn range_of(self, values: impl Iterator<Item = f64>) -> (f64, f64) {
        let (lo, hi) = values
            .filter(|&v| self.shows(v))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(v), hi.max(v)));
        if lo > hi {
            return match self {
                Self::Linear => (0.0, 1.0),
                Self::Log10 => (0.1, 10.0),
            };
        }
        match self {
            Self::Linear => linear_range(lo, hi),
            Self::Log10 => log_range(lo, hi),
        }
    }
}

fn linear_range(lo: f64, hi: f64) -> (f64, f64) {
    let largest = lo.abs().max(hi.abs());
    if largest < 1.0 / HUGE {
        return (-1.0, 1.0);
    }
    // Differences in the last few bits are rounding noise; an axis of such a range has no distinct tick
    // labels.
    if hi - lo <= 1e-12 * largest {
        return (lo - 0.5 * largest, hi + 0.5 * largest);
    }
    let air = 0.05 * (hi - lo);
    (
        if lo >= 0.0 { (lo - air).max(0.0) } else { lo - air },
        if hi <= 0.0 { (hi + air).min(0.0) } else { hi + air },
    )
}

fn log_range(lo: f64, hi: f64) -> (f64, f64) {
    let decades = hi.log10() - lo.log10();
    let factor = if decades <= 1e-12 { 3.0 } else { 10.0_f64.powf(0.05 * decades) };
    // Five per cent of six hundred decades would leave the numbers there are.
    ((lo / factor).max(f64::MIN_POSITIVE), (hi * factor).min(f64::MAX))
}

/// A range of values laid over a range of pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) kind: Kind,
    /// Least and largest value, in this order.
    pub(super) range: (f64, f64),
    /// Where they lie; descending for a vertical axis.
    pub(super) pixels: (f64, f64),
}

impl Scale {
    /// Pixel of `v`; `None` if the axis has no place for it. Values outside the range lie outside the pixels.
    pub(super) fn place(&self, v: f64) -> Option<f64> {
        let map = |v: f64| match self.kind {
            Kind::Linear => v,
            Kind::Log10 => v.log10(),
        };
        let (lo, hi) = (map(self.range.0), map(self.range.1));
        let (from, to) = self.pixels;
        let share = (map(v) - lo) / (hi - lo);
        // Far outside, the exact place does not matter, but the picture must still hold the number.
        self.kind.shows(v).then(|| from + share.clamp(-100.0, 100.0) * (to - from))
    }

    /// Pixel of `v`, or of the nearest end of the axis.
    pub(super) fn place_clamped(&self, v: f64) -> Option<f64> {
        if v.is_nan() {
            return None;
        }
        self.place(v.clamp(self.range.0, self.range.1))
    }

    /// Whether `v` lies within the range.
    pub(super) fn contains(&self, v: f64) -> bool {
        self.range.0 <= v && v <= self.range.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_ranges() {
        let range = |values: &[f64]| Kind::Linear.range_of(values.iter().copied());
        assert_eq!(range(&[]), (0.0, 1.0));
        assert_eq!(range(&[f64::NAN, f64::INFINITY]), (0.0, 1.0));
        assert_eq!(range(&[2.0]), (1.0, 3.0));
        assert_eq!(range(&[0.0, 0.0]), (-1.0, 1.0));
        assert_eq!(range(&[-100.0, 100.0]), (-110.0, 110.0));
        // No air below zero for losses, none above for their negatives.
        assert_eq!(range(&[0.0, 1.0]), (0.0, 1.05));
        assert_eq!(range(&[-1.0, -0.01]).1, 0.0);
        let (lo, hi) = range(&[1.0, 1.0 + 1e-15]);
        assert!(lo < 0.6 && hi > 1.4);
        for extreme in [[-1e300, 1e300], [1e-310, 2e-310], [f64::MAX, f64::MIN]] {
            let (lo, hi) = range(&extreme);
            assert!(lo < hi && (hi - lo).is_finite(), "{extreme:?}");
        }
    }

    #[test]
    fn log_ranges() {
        let range = |values: &[f64]| Kind::Log10.range_of(values.iter().copied());
        assert_eq!(range(&[0.0, -1.0, f64::NAN]), (0.1, 10.0));
        assert_eq!(range(&[3.0]), (1.0, 9.0));
        let (lo, hi) = range(&[0.0, 1.0, 100.0]);
        assert!((lo - 10.0_f64.powf(-0.1)).abs() < 1e-12 && (hi - 10.0_f64.powf(2.1)).abs() < 1e-9);
        assert!(range(&[5e-324]).0 > 0.0);
    }

    #[test]
    fn places() {
        let linear = Scale { kind: Kind::Linear, range: (0.0, 10.0), pixels: (200.0, 100.0) };
        assert_eq!(linear.place(5.0), Some(150.0));
        assert_eq!(linear.place(f64::NAN), None);
        assert_eq!(linear.place_clamped(f64::INFINITY), Some(100.0));
        let log = Scale { kind: Kind::Log10, range: (1.0, 100.0), pixels: (0.0, 100.0) };
        assert_eq!(log.place(10.0), Some(50.0));
        assert_eq!(log.place(0.0), None);
        assert_eq!(log.place_clamped(-1.0), Some(0.0));
    }
}
