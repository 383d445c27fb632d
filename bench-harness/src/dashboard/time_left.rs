//! How long a run will still take, and times in words.

use std::time::Duration;

/// The steps of this process and the time they took, but for those in which the user held the run up.
#[derive(Debug, Clone, Default)]
pub(super) struct TimeLeft {
    /// When the run began here, and after how many steps.
    began: Option<(Duration, u64)>,
    held_up: Duration,
    /// When it will be over, as of the last step.
    over: Option<Duration>,
}

impl TimeLeft {
    /// The run goes on after `taken` steps.
    pub(super) fn begin(&mut self, now: Duration, taken: u64) {
        *self = Self { began: Some((now, taken)), ..Self::default() };
    }

    /// `steps` of `total` are taken: the others, with their validations, will take as long as these did.
    pub(super) fn step(&mut self, now: Duration, steps: u64, total: u64) {
        let Some((began, before)) = self.began else { return };
        let here = steps.saturating_sub(before);
        if here == 0 {
            return;
        }
        let worked = now.saturating_sub(began).saturating_sub(self.held_up).as_secs_f64();
        let left = worked / here as f64 * total.saturating_sub(steps) as f64;
        self.over = Duration::try_from_secs_f64(left).ok().and_then(|left| now.checked_add(left));
    }

    /// The user held the run up for so long.
    pub(super) fn held_up_for(&mut self, time: Duration) {
        self.held_up = self.held_up.saturating_add(time);
        self.over = self.over.and_then(|over| over.checked_add(time));
    }

    /// The time that is left, once a step is taken.
    pub(super) fn left(&self, now: Duration) -> Option<Duration> {
        Some(self.over?.saturating_sub(now))
    }
}

/// A time as people say it, in its two largest units.
pub(super) fn words(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {:02} s", seconds % 60),
        (0, _, _) => format!("{hours} h {:02} min", minutes % 60),
        _ => format!("{days} d {:02} h", hours % 24),
    }
}

/// The same as a clock shows it: `h:mm:ss`.
pub(super) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// By hand: 10 steps in 20 s and 90 steps to go.
    #[test]
    fn what_is_left_takes_as_long_as_what_was_done_here() {
        let mut time_left = TimeLeft::default();
        time_left.step(s(1), 1, 10);
        assert_eq!(time_left.left(s(1)), None);
        time_left.begin(s(100), 50);
        assert_eq!(time_left.left(s(100)), None);
        time_left.step(s(120), 60, 150);
        assert_eq!(time_left.left(s(120)), Some(s(180)));
        assert_eq!(time_left.left(s(130)), Some(s(170)));
        assert_eq!(time_left.left(s(1000)), Some(s(0)));
    }

    #[test]
    fn a_pause_moves_the_end_and_slows_nothing_down() {
        let mut time_left = TimeLeft::default();
        time_left.begin(s(0), 0);
        time_left.step(s(10), 1, 3);
        time_left.held_up_for(s(1000));
        assert_eq!(time_left.left(s(1010)), Some(s(20)));
        time_left.step(s(1020), 2, 3);
        assert_eq!(time_left.left(s(1020)), Some(s(10)));
    }

    #[test]
    fn endless_runs_have_no_end_to_name() {
        let mut time_left = TimeLeft::default();
        time_left.begin(s(0), 0);
        time_left.step(s(10), 1, u64::MAX);
        assert!(time_left.left(s(10)).is_none_or(|left| left > s(1_000_000)));
    }

    #[test]
    fn times_in_words() {
        let cases = [
            (0, "0 s", "0:00:00"),
            (59, "59 s", "0:00:59"),
            (61, "1 min 01 s", "0:01:01"),
            (3600, "1 h 00 min", "1:00:00"),
            (90_000, "1 d 01 h", "25:00:00"),
        ];
        for (seconds, in_words, by_the_clock) in cases {
            assert_eq!((words(s(seconds)), clock(s(seconds))), (in_words.into(), by_the_clock.into()));
        }
    }
}
