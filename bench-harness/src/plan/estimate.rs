//! How long a plan will take on this machine.

use datasets::Dataset;
use serde::Serialize;

use super::expand::PlannedRun;
use super::stage::Stage;
use crate::data::load_data;
use crate::error::{Error, Result};
use crate::run::{Interrupt, Pace, ScheduleSettings, Session, Settings};
use crate::statistics::quantile;

/// What was measured of runs that do the same work in a step.
#[derive(Debug, Clone, Serialize)]
pub struct Kind {
    /// The network.
    pub model: String,
    /// The activation.
    pub activation: String,
    /// The data set.
    pub dataset: String,
    /// Runs that are not finished.
    pub runs: usize,
    /// Median, least and greatest seconds of a step; `None` where nothing could be measured.
    pub step_s: Option<[f64; 3]>,
    /// What its runs take together at these.
    pub total_s: Option<[f64; 3]>,
    /// Why nothing could be measured.
    pub problem: Option<String>,
}

/// How long the runs of a plan take that are not finished, one after the other. Of those that were begun, what is left counts. Steps
/// whose layers are looked at take longer, which is left out.
#[derive(Debug, Clone, Serialize)]
pub struct Estimate {
    /// Steps measured of each kind.
    pub steps: usize,
    /// Threads that they had.
    pub threads: usize,
    /// What was measured.
    pub kinds: Vec<Kind>,
    /// Seconds in all: at median steps, at the fastest and at the slowest; `None` where nothing could be measured of a kind.
    pub total_s: Option<[f64; 3]>,
}

/// Runs that do the same work in a step have the same of these.
fn work_of_a_step(settings: &Settings) -> Settings {
    Settings {
        seed: 0,
        lr: 1.0,
        epochs: 1,
        schedule: ScheduleSettings { warmup_epochs: 0, ..settings.schedule.clone() },
        inspect_every: None,
        ..settings.clone()
    }
}

impl Estimate {
    /// Measures `steps` steps of one run of each kind among `runs`, which are not finished, and says which before each.
    ///
    /// Of a run that cannot be measured, for want of its data or because it diverges at once, the problem is reported, not an error.
    ///
    /// # Errors
    /// The user's wish to stop.
    pub fn measure(
        runs: &[(&PlannedRun, &Stage)],
        steps: usize,
        interrupt: &Interrupt,
        mut say: impl FnMut(String),
    ) -> Result<Self> {
        let mut by_work: Vec<(Settings, Vec<(&PlannedRun, &Stage)>)> = Vec::new();
        for &(run, stage) in runs {
            let work = work_of_a_step(&run.settings);
            match by_work.iter_mut().find(|(known, _)| *known == work) {
                Some((_, runs)) => runs.push((run, stage)),
                None => by_work.push((work, vec![(run, stage)])),
            }
        }
        let mut kinds = Vec::new();
        let mut loaded = None;
        let count = by_work.len();
        for (place, (work, runs)) in by_work.into_iter().enumerate() {
            let Settings { model, activation, dataset, .. } = work;
            say(format!("measuring {} of {count}: {model} with {activation} on {dataset}", place + 1));
            let first = &runs[0].0.settings;
            let measured = match pace(first, steps, interrupt, &mut loaded) {
                Err(Error::Interrupted) => return Err(Error::Interrupted),
                other => other,
            };
            let (step_s, total_s, problem) = match measured {
                Ok(pace) => {
                    let spread = spread(&pace.step_s);
                    // In whole runs like the first: they differ in their epochs.
                    let share = runs.iter().map(|(run, stage)| epochs_left(run, stage)).sum::<f64>()
                        / first.epochs as f64;
                    (Some(spread), Some(spread.map(|step| share * pace.seconds(step))), None)
                }
                Err(error) => (None, None, Some(error.to_string())),
            };
            kinds.push(Kind { model, activation, dataset, runs: runs.len(), step_s, total_s, problem });
        }
        let total_s = kinds.iter().try_fold([0.0; 3], |sum: [f64; 3], kind| {
            let own = kind.total_s?;
            Some([0, 1, 2].map(|i| sum[i] + own[i]))
        });
        Ok(Self { steps, threads: rayon::current_num_threads(), kinds, total_s })
    }
}

/// Epochs that a run has before it.
fn epochs_left(run: &PlannedRun, stage: &Stage) -> f64 {
    let over = match stage {
        Stage::Begun { epochs, .. } => *epochs as u64,
        _ => 0,
    };
    run.settings.epochs.saturating_sub(over) as f64
}

/// Measures one run, on the data that were read for the one before, if they are the same.
fn pace(
    settings: &Settings,
    steps: usize,
    interrupt: &Interrupt,
    loaded: &mut Option<(Settings, Dataset)>,
) -> Result<Pace> {
    let reads = |s: &Settings| {
        (s.dataset.clone(), s.data.clone(), s.image_size, s.class_order, s.train_images, s.test_images)
    };
    let data = match loaded.take().filter(|(other, _)| reads(other) == reads(settings)) {
        Some((_, data)) => data,
        None => load_data(settings)?,
    };
    let (_, data) = loaded.insert((settings.clone(), data));
    Session::new(settings.clone(), data)?.pace(steps, interrupt)
}

/// Median, least and greatest.
fn spread(values: &[f64]) -> [f64; 3] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    [0.5, 0.0, 1.0].map(|share| quantile(&sorted, share).unwrap_or(f64::NAN))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::file::Plan;
    use super::*;

    #[test]
    fn runs_that_do_the_same_are_measured_once_and_all_are_counted() {
        let text = "name = \"p\"\n[options]\nmodel = \"mlp\"\nwidth = 4\ntrain_images = 200\nbatch = 20\n\
                    validation_images = 0\ntest_images = 50\n[grid]\nactivation = [\"relu\", \"nrelu\"]\nseed = [1, 2, 3]\n\
                    epochs = [2, 6]";
        let runs = Plan::parse(text, Path::new("p.toml")).unwrap().runs().unwrap();
        let begun = Stage::Begun { epochs: 1, stopped: None };
        // The first run is half done.
        let stage = |run: &PlannedRun| if run.index == 1 { &begun } else { &Stage::Missing };
        let runs: Vec<_> = runs.iter().map(|run| (run, stage(run))).collect();
        let estimate = Estimate::measure(&runs, 2, &Interrupt::default(), |_| ()).unwrap();
        let counts: Vec<_> = estimate.kinds.iter().map(|c| (c.activation.as_str(), c.runs)).collect();
        assert_eq!(counts, [("relu", 6), ("nrelu", 6)]);
        let [median, least, greatest] = estimate.total_s.unwrap();
        assert!(0.0 < least && least <= median && median <= greatest, "{estimate:?}");
        // Three seeds of 2 and of 6 epochs of 10 steps, the first less an epoch; an epoch takes its steps and a little more.
        let [relu, nrelu] = [0, 1].map(|kind| &estimate.kinds[kind]);
        let epochs = |kind: &Kind| kind.total_s.unwrap()[1] / (10.0 * kind.step_s.unwrap()[1]);
        assert!(epochs(relu) > 23.0 && epochs(nrelu) > 24.0, "{estimate:?}");
    }

    #[test]
    fn a_run_that_cannot_be_measured_is_reported() {
        let text = "name = \"p\"\n[options]\ndataset = \"cifar10\"\ndata = \"nowhere\"";
        let runs = Plan::parse(text, Path::new("/p.toml")).unwrap().runs().unwrap();
        let estimate =
            Estimate::measure(&[(&runs[0], &Stage::Missing)], 1, &Interrupt::default(), |_| ()).unwrap();
        assert_eq!(estimate.total_s, None);
        assert!(estimate.kinds[0].problem.as_ref().unwrap().contains("nowhere"), "{estimate:?}");
    }

    /// `numpy.quantile([4, 1, 2, 8], [0.5, 0, 1])`.
    #[test]
    fn spreads_have_a_middle_and_ends() {
        assert_eq!(spread(&[4.0, 1.0, 2.0, 8.0]), [3.0, 1.0, 8.0]);
    }
}
