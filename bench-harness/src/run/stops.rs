//! Stops of the whole process from outside: SIGSTOP, or Ctrl-Z, until SIGCONT.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Knows how long the process was stopped, by the SIGCONT at its end: nobody hears of a SIGSTOP. On systems without them it knows of none.
#[derive(Debug)]
pub(super) struct Stops {
    has_gone_on: Arc<AtomicBool>,
    last: Instant,
    /// Steps without a stop, and the time they took.
    others: (u32, Duration),
}

impl Stops {
    /// One that hears from now on.
    pub(super) fn listen() -> Self {
        let has_gone_on = Arc::default();
        // Without hearing it a stop counts as training.
        #[cfg(unix)]
        let _ = signal_hook::flag::register(signal_hook::consts::SIGCONT, Arc::clone(&has_gone_on));
        Self { has_gone_on, last: Instant::now(), others: (0, Duration::ZERO) }
    }

    /// How long the process was stopped since this was asked last; asked after every step. It is what the step took beyond the mean of
    /// the others, since nobody has seen the stop begin.
    pub(super) fn held_up(&mut self, now: Instant) -> Duration {
        let taken = now.saturating_duration_since(self.last);
        self.last = now;
        let (steps, sum) = &mut self.others;
        if self.has_gone_on.swap(false, Ordering::SeqCst) {
            return taken.saturating_sub(*sum / (*steps).max(1));
        }
        *steps = steps.saturating_add(1);
        *sum = sum.saturating_add(taken);
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_what_its_step_took_beyond_the_others() {
        let mut now = Instant::now();
        let mut stops = Stops { has_gone_on: Arc::default(), last: now, others: (0, Duration::ZERO) };
        let mut step = |seconds, is_stopped| {
            now += Duration::from_secs(seconds);
            stops.has_gone_on.store(is_stopped, Ordering::SeqCst);
            stops.held_up(now).as_secs()
        };
        // With nothing to compare it with, all of a step.
        assert_eq!(step(50, true), 50);
        assert_eq!([step(2, false), step(4, false)], [0, 0]);
        assert_eq!(step(1003, true), 1000);
        assert_eq!(step(3, false), 0);
        // Too short to be told from a step.
        assert_eq!(step(2, true), 0);
    }

    #[cfg(unix)]
    #[test]
    fn the_signal_is_heard() {
        let mut stops = Stops::listen();
        let later = stops.last + Duration::from_secs(9);
        signal_hook::low_level::raise(signal_hook::consts::SIGCONT).unwrap();
        assert_eq!(stops.held_up(later), Duration::from_secs(9));
    }
}
