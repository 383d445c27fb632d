//! Which learning rate to begin with.

use autograd::{Error, Result};
use serde::{Deserialize, Serialize};

/// The course of a [`RateFinder`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateFinderSettings {
    /// The first rate.
    pub lowest: f64,
    /// The last rate.
    pub highest: f64,
    /// Steps from one to the other, both included.
    pub steps: usize,
    /// The share of the past in the smoothed loss.
    pub smoothing: f64,
    /// The search ends where the smoothed loss is so many times its smallest.
    pub divergence: f64,
}

impl Default for RateFinderSettings {
    fn default() -> Self {
        Self { lowest: 1e-6, highest: 10.0, steps: 100, smoothing: 0.9, divergence: 4.0 }
    }
}

/// One step of the search.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RatePoint {
    /// The rate of the step.
    pub rate: f64,
    /// The loss before the step.
    pub loss: f64,
    /// Its exponential mean, with the share of its start divided out.
    pub smoothed: f64,
}

/// Trains while the rate rises exponentially, and looks where the loss falls fastest.
///
/// Ask for the [`rate`](Self::rate), take a step with it, [`record`](Self::record) the loss, until there is no rate any
/// more. The steps spoil the model: keep its state. Source: Smith, *Cyclical learning rates for training neural networks*
/// (2017), section 3.3, with exponential instead of linear growth.
#[derive(Debug, Clone)]
pub struct RateFinder {
    settings: RateFinderSettings,
    points: Vec<RatePoint>,
    /// The exponential mean from 0.
    mean: f64,
    has_diverged: bool,
}

impl RateFinder {
    /// A search that has not begun.
    ///
    /// # Errors
    /// Rates that are not 0 < lowest < highest < ∞, fewer than 3 steps, a smoothing outside [0, 1), a divergence of at
    /// most 1.
    pub fn new(settings: RateFinderSettings) -> Result<Self> {
        let RateFinderSettings { lowest, highest, steps, smoothing, divergence } = settings;
        let refuse =
            |what: String, legal: &str| Error::Argument { op: "rate finder", what, legal: legal.into() };
        if !(0.0 < lowest && lowest < highest && highest.is_finite()) {
            let what = format!("rates from {lowest} to {highest}");
            return Err(refuse(what, "positive rates, the highest above the lowest"));
        }
        if steps < 3 {
            return Err(refuse(format!("{steps} steps"), "at least 3"));
        }
        super::rule::check_share("rate finder", "smoothing", smoothing)?;
        if !(divergence > 1.0) {
            return Err(refuse(format!("divergence is {divergence}"), "a number above 1"));
        }
        Ok(Self { settings, points: Vec::new(), mean: 0.0, has_diverged: false })
    }

    /// The rate of the next step, lowest·(highest/lowest)^(i/(steps − 1)); `None` at the end, or once the loss has
    /// diverged.
    pub fn rate(&self) -> Option<f64> {
        let RateFinderSettings { lowest, highest, steps, .. } = self.settings;
        let i = self.points.len();
        let share = i as f64 / (steps - 1) as f64;
        (i < steps && !self.has_diverged).then(|| lowest * (highest / lowest).powf(share))
    }

    /// Takes the loss of the step with the present [`rate`](Self::rate); nothing happens when there is none. A loss that is
    /// not finite ends the search and is no point.
    pub fn record(&mut self, loss: f64) {
        let Some(rate) = self.rate() else { return };
        let share = self.settings.smoothing;
        self.mean = share * self.mean + (1.0 - share) * loss;
        let smoothed = self.mean / (1.0 - share.powf((self.points.len() + 1) as f64));
        if !smoothed.is_finite() {
            self.has_diverged = true;
            return;
        }
        self.points.push(RatePoint { rate, loss, smoothed });
        let least = self.points.iter().map(|p| p.smoothed).fold(f64::INFINITY, f64::min);
        self.has_diverged = smoothed > self.settings.divergence * least;
    }

    /// The steps so far.
    pub fn points(&self) -> &[RatePoint] {
        &self.points
    }

    /// Whether the search ended before the highest rate.
    pub fn has_diverged(&self) -> bool {
        self.has_diverged
    }

    /// The rate at which the smoothed loss falls fastest by the logarithm of the rate (central differences), up to its
    /// smallest value; `None` where it never falls, or falls on fewer than three points.
    pub fn suggestion(&self) -> Option<f64> {
        let slope = |w: &[RatePoint]| (w[2].smoothed - w[0].smoothed) / (w[2].rate / w[0].rate).ln();
        let least = self.points.iter().enumerate().min_by(|a, b| a.1.smoothed.total_cmp(&b.1.smoothed))?.0;
        let falling = self.points[..=least].windows(3).map(|w| (slope(w), w[1].rate));
        let steepest = falling.min_by(|a, b| a.0.total_cmp(&b.0))?;
        (steepest.0 < 0.0).then_some(steepest.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rates 1, 10, … and losses as they are.
    fn plain(steps: usize) -> RateFinder {
        let highest = 10f64.powi(steps as i32 - 1);
        RateFinder::new(RateFinderSettings { lowest: 1.0, highest, steps, smoothing: 0.0, divergence: 3.0 })
            .unwrap()
    }

    fn over(mut finder: RateFinder, losses: &[f64]) -> RateFinder {
        losses.iter().for_each(|&loss| finder.record(loss));
        finder
    }

    #[test]
    fn rates_rise_by_one_factor_from_the_lowest_to_the_highest() {
        let finder = over(plain(4), &[1.0; 9]);
        let rates: Vec<_> = finder.points().iter().map(|p| p.rate).collect();
        assert_eq!(rates.len(), 4);
        for (rate, want) in rates.into_iter().zip([1.0f64, 10.0, 100.0, 1000.0]) {
            assert!((rate / want - 1.0).abs() < 1e-14, "{rate}");
        }
        assert!(finder.rate().is_none() && !finder.has_diverged());
    }

    /// Slopes over two decades: −1, −4, −3.5, then up.
    #[test]
    fn the_suggestion_is_where_the_loss_falls_fastest() {
        let finder = over(plain(6), &[5.0, 5.0, 4.0, 1.0, 0.5, 2.0]);
        assert!((finder.suggestion().unwrap() / 100.0 - 1.0).abs() < 1e-14);
        assert_eq!(over(plain(6), &[1.0, 1.0, 1.0, 1.0]).suggestion(), None);
        assert_eq!(over(plain(6), &[1.0, 2.0, 2.5]).suggestion(), None);
        assert_eq!(plain(6).suggestion(), None);
        // Rates whose ratio is beyond f64, by which no slope is left.
        let settings =
            RateFinderSettings { lowest: 1e-300, highest: 1e10, steps: 3, smoothing: 0.0, divergence: 3.0 };
        assert_eq!(over(RateFinder::new(settings).unwrap(), &[3.0, 2.0, 1.0]).suggestion(), None);
        assert_eq!(over(plain(6), &[3.0, 1.0]).suggestion(), None);
    }

    #[test]
    fn a_search_ends_where_the_loss_diverges() {
        let finder = over(plain(6), &[2.0, 1.0, 3.5, 1.0]);
        assert!(finder.has_diverged() && finder.rate().is_none());
        assert_eq!(finder.points().len(), 3);
        let finder = over(plain(6), &[2.0, f64::NAN, 1.0]);
        assert!(finder.has_diverged());
        assert_eq!(finder.points().len(), 1);
    }

    /// ½·2 over ½, then (½·1 + ½·5) over ¾.
    #[test]
    fn the_smoothed_loss_owes_nothing_to_its_start() {
        let settings = RateFinderSettings { smoothing: 0.5, ..<_>::default() };
        let finder = over(RateFinder::new(settings).unwrap(), &[2.0, 5.0]);
        assert_eq!(finder.points()[0].smoothed, 2.0);
        assert_eq!(finder.points()[1].smoothed, 4.0);
    }

    #[test]
    fn illegal_searches_are_refused() {
        let legal = RateFinderSettings::default();
        for settings in [
            RateFinderSettings { lowest: 0.0, ..legal },
            RateFinderSettings { highest: 1e-7, ..legal },
            RateFinderSettings { highest: f64::INFINITY, ..legal },
            RateFinderSettings { steps: 2, ..legal },
            RateFinderSettings { smoothing: 1.0, ..legal },
            RateFinderSettings { divergence: f64::NAN, ..legal },
        ] {
            assert!(RateFinder::new(settings).unwrap_err().to_string().starts_with("rate finder:"));
        }
    }
}
