//! Plans: many runs as one file, expanded to a numbered list, each of which is a process of its own that may be called again.
//!
//! [`Plan`] is the file; [`PlannedRun`] one of its runs, with its settings checked and a folder of its own; [`Stage`] says
//! how far that folder is; [`Estimate`] how long all will take; [`Sweep`] carries them out here; [`EXPERIMENTS`] are plans that
//! come with the command.

mod estimate;
mod expand;
mod experiments;
mod file;
mod names;
mod stage;
mod sweep;

pub use estimate::{Estimate, Kind};
pub use expand::{MOST_RUNS, PlannedRun};
pub use experiments::{EXPERIMENTS, experiment};
pub use file::Plan;
pub use stage::Stage;
pub use sweep::{End, Invocation, Sweep};

/// Seconds as people say them.
pub(crate) fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    match minutes {
        _ if seconds < 99.5 => format!("{seconds:.0} s"),
        0..=99 => format!("{minutes} min"),
        100..=2879 => format!("{:.1} h", seconds / 3600.0),
        _ => format!("{:.1} days", seconds / 86400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_digits_or_three() {
        let of = [0.4, 99.0, 100.0, 5_940.0, 6_000.0, 172_000.0, 172_800.0, 1e7].map(duration);
        assert_eq!(of, ["0 s", "99 s", "2 min", "99 min", "1.7 h", "47.8 h", "2.0 days", "115.7 days"]);
    }
}
