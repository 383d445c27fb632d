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

    /// Steps begin: the time before, in which data were read or an epoch was validated, is none of theirs, nor is a stop in it.
    pub(super) fn begin(&mut self, now: Instant) {
        self.last = now;
        self.has_gone_on.store(false, Ordering::SeqCst);
    }

    /// How long the process was stopped since this was asked last, or since steps began; asked after every step. It is what the step
    /// took beyond the mean of the others, since nobody has seen the stop begin.
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

    fn silent(last: Instant) -> Stops {
        Stops { has_gone_on: Arc::default(), last, others: (0, Duration::ZERO) }
    }

    #[test]
    fn a_stop_is_what_its_step_took_beyond_the_others() {
        let mut now = Instant::now();
        let mut stops = silent(now);
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

    /// Reading the data, and validation, are much longer than a step: neither may be taken for one, nor a stop in them for one in a step.
    #[test]
    fn what_is_between_epochs_is_no_step() {
        let start = Instant::now();
        let mut stops = silent(start);
        let at = |seconds| start + Duration::from_secs(seconds);
        stops.begin(at(600));
        assert_eq!(stops.held_up(at(602)), Duration::ZERO);
        stops.has_gone_on.store(true, Ordering::SeqCst);
        stops.begin(at(900));
        assert_eq!(stops.held_up(at(902)), Duration::ZERO);
        assert_eq!(stops.others, (2, Duration::from_secs(4)));
        stops.has_gone_on.store(true, Ordering::SeqCst);
        assert_eq!(stops.held_up(at(1004)), Duration::from_secs(100));
    }

    /// In a process of its own: others in this one listen, too.
    #[cfg(unix)]
    #[test]
    fn the_signal_is_heard() {
        const RAISES: &str = "ANACT_TEST_RAISES_SIGCONT";
        if std::env::var_os(RAISES).is_some() {
            let mut stops = Stops::listen();
            let later = stops.last + Duration::from_secs(9);
            signal_hook::low_level::raise(signal_hook::consts::SIGCONT).unwrap();
            assert_eq!(stops.held_up(later), Duration::from_secs(9));
            return;
        }
        let this = std::env::current_exe().unwrap();
        let child = std::process::Command::new(this)
            .args(["--exact", "run::stops::tests::the_signal_is_heard"])
            .env(RAISES, "")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && said.contains("1 passed"), "{said}");
    }
}
