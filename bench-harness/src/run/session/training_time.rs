//! The time that an epoch's steps take, without the time that the user held them up.

use std::time::{Duration, Instant};

/// Counts from step to step.
#[derive(Debug)]
pub(super) struct TrainingTime {
    /// Seconds of the epoch before this process.
    before: f64,
    /// Since then.
    counted: Duration,
    /// The last step's end.
    last: Instant,
    /// The longest step from which nothing was taken off yet.
    longest: Duration,
}

impl TrainingTime {
    /// `before` seconds are counted already.
    pub(super) fn begin(before: f64, now: Instant) -> Self {
        Self { before, counted: Duration::ZERO, last: now, longest: Duration::ZERO }
    }

    /// A step ends, and the user held the run up for so long.
    ///
    /// That can be heard of a few steps late, be a little too much, or be of the epoch before: no more is taken off than the longest
    /// step, which is the one that was held up.
    pub(super) fn step(&mut self, now: Instant, held_up: Duration) {
        let taken = now.saturating_duration_since(self.last);
        self.last = now;
        self.longest = self.longest.max(taken);
        self.counted += taken;
        if !held_up.is_zero() {
            self.counted = self.counted.saturating_sub(held_up.min(self.longest));
            self.longest = Duration::ZERO;
        }
    }

    /// Seconds so far.
    pub(super) fn seconds(&self) -> f64 {
        self.before + self.counted.as_secs_f64()
    }
}

/// Images per second; NaN, which is not known, if no time was counted.
pub(super) fn rate(images: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { images as f64 / seconds } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds after steps of so many milliseconds, each with how long it is said to have been held up.
    fn seconds(steps: &[(u64, u64)]) -> f64 {
        let mut now = Instant::now();
        let mut time = TrainingTime::begin(1.0, now);
        for &(taken, held_up) in steps {
            now += Duration::from_millis(taken);
            time.step(now, Duration::from_millis(held_up));
        }
        time.seconds()
    }

    #[test]
    fn what_holds_a_run_up_is_no_training_time() {
        for (what, steps, expected) in [
            ("no hold", &[(100, 0), (150, 0)][..], 1.25),
            ("in the step", &[(100, 0), (5100, 5000)], 1.2),
            ("heard of late", &[(5100, 0), (100, 0), (100, 5000)], 1.3),
            ("two", &[(5100, 5000), (100, 0), (5100, 5000)], 1.3),
            ("too much", &[(100, 0), (5100, 5200)], 1.1),
            ("longer than the epoch, which never held it", &[(1, 3_600_000), (1, 0), (1, 0)], 1.002),
        ] {
            assert!((seconds(steps) - expected).abs() < 1e-9, "{what}: {}", seconds(steps));
        }
    }

    #[test]
    fn there_is_no_rate_without_time() {
        assert_eq!(rate(64, 0.5), 128.0);
        assert!(rate(64, 0.0).is_nan());
    }
}
