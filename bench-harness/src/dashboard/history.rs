//! The points of a curve that grows without end, in bounded memory.

/// Points that are kept; more than a terminal has columns of dots.
const MOST: usize = 1024;

/// A curve: all of its points while they are few, evenly chosen ones later, and always the last.
#[derive(Debug, Clone)]
pub(super) struct History {
    points: Vec<(f64, f64)>,
    last: Option<(f64, f64)>,
    /// One in so many is kept.
    every: u64,
    seen: u64,
}

impl Default for History {
    fn default() -> Self {
        Self { points: Vec::new(), last: None, every: 1, seen: 0 }
    }
}

impl History {
    /// Adds a point to the right of all others; one that is not finite has no place in a picture.
    pub(super) fn push(&mut self, x: f64, y: f64) {
        if !(x.is_finite() && y.is_finite()) {
            return;
        }
        self.last = Some((x, y));
        let is_kept = self.seen.is_multiple_of(self.every);
        self.seen += 1;
        if !is_kept {
            return;
        }
        self.points.push((x, y));
        if self.points.len() == MOST {
            let mut number = 0;
            self.points.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.every *= 2;
        }
    }

    /// What is drawn, from left to right.
    pub(super) fn points(&self) -> Vec<(f64, f64)> {
        let last = self.last.filter(|last| self.points.last() != Some(last));
        self.points.iter().copied().chain(last).collect()
    }
}

/// A mean over about so many of the last numbers: an exponential one, without the pull towards 0 of its first values.
#[derive(Debug, Clone)]
pub(super) struct Smoothed {
    weight: f64,
    sum: f64,
    share: f64,
}

impl Smoothed {
    /// Over about `window` numbers, at least one.
    pub(super) fn over(window: u64) -> Self {
        Self { weight: 1.0 / window.max(1) as f64, sum: 0.0, share: 0.0 }
    }

    /// The mean with one more number; one that is not finite is passed over.
    pub(super) fn with(&mut self, x: f64) -> f64 {
        if x.is_finite() {
            self.sum += self.weight * (x - self.sum);
            self.share += self.weight * (1.0 - self.share);
        }
        self.sum / self.share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_is_thinned_evenly_and_reaches_to_its_end() {
        let mut history = History::default();
        for i in 0..100_000 {
            history.push(f64::from(i), 1.0);
        }
        let points = history.points();
        assert!(points.len() > MOST / 2 && points.len() <= MOST + 1, "{}", points.len());
        assert_eq!((points[0].0, points[points.len() - 1].0), (0.0, 99_999.0));
        let steps: Vec<f64> = points.windows(2).map(|p| p[1].0 - p[0].0).collect();
        assert!(steps[..steps.len() - 1].iter().all(|&step| step == steps[0]), "{steps:?}");
    }

    #[test]
    fn a_short_curve_is_whole() {
        let mut history = History::default();
        assert_eq!(history.points(), []);
        [(1.0, 3.0), (2.0, f64::NAN), (3.0, 4.0), (4.0, f64::INFINITY)]
            .into_iter()
            .for_each(|(x, y)| history.push(x, y));
        assert_eq!(history.points(), [(1.0, 3.0), (3.0, 4.0)]);
    }

    /// By hand, with the weight ½: (½·1)/½; (¼·1 + ½·4)/¾.
    #[test]
    fn the_first_numbers_are_not_pulled_towards_zero() {
        let mut smoothed = Smoothed::over(2);
        assert_eq!(smoothed.with(1.0), 1.0);
        assert_eq!(smoothed.with(f64::NAN), 1.0);
        assert_eq!(smoothed.with(4.0), 3.0);
        assert!(Smoothed::over(0).with(f64::NAN).is_nan());
    }
}
