//! The learning rate's course, from options.

use layers::optim::Decay;
use serde::{Deserialize, Serialize};

use super::super::options::Options;
use super::{at_least_one, refused};
use crate::error::Result;

/// The learning rate's course in epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSettings {
    /// Epochs of linear warm-up.
    pub warmup_epochs: u64,
    /// What follows; steps are epochs here.
    pub decay: Decay,
}

/// Every schedule and the options that belong to it.
const SCHEDULES: &[(&str, &[&str])] = &[
    ("cosine", &["--min-lr"]),
    ("step", &["--step-epochs", "--step-factor"]),
    ("multi-step", &["--milestones", "--step-factor"]),
    ("one-cycle", &[]),
    ("constant", &[]),
];

/// The course that is asked for in a run of `epochs` epochs.
///
/// # Errors
/// An unknown schedule, or an option of another one.
pub(super) fn schedule(o: &Options, epochs: u64) -> Result<ScheduleSettings> {
    let name = o.schedule.as_deref().unwrap_or("cosine");
    let Some((_, own)) = SCHEDULES.iter().find(|(n, _)| *n == name) else {
        let names: Vec<_> = SCHEDULES.iter().map(|(n, _)| *n).collect();
        return Err(refused("--schedule", name, &names.join(", ")));
    };
    let given = [
        ("--min-lr", o.min_lr.map(|x| x.to_string())),
        ("--step-epochs", o.step_epochs.map(|x| x.to_string())),
        ("--step-factor", o.step_factor.map(|x| x.to_string())),
        ("--milestones", o.milestones.as_ref().map(|x| format!("{x:?}"))),
    ];
    for (option, value) in given {
        if let Some(value) = value.filter(|_| !own.contains(&option)) {
            let with: Vec<_> =
                SCHEDULES.iter().filter(|(_, own)| own.contains(&option)).map(|(n, _)| *n).collect();
            return Err(refused(option, value, &format!("--schedule {} with it", with.join(" or "))));
        }
    }
    let factor = o.step_factor.unwrap_or(0.1);
    let decay = match name {
        "cosine" => Decay::Cosine { minimum: o.min_lr.unwrap_or(0.0) },
        "step" => {
            let every = at_least_one("--step-epochs", o.step_epochs.unwrap_or(epochs.div_ceil(3)))?;
            Decay::Step { every, factor }
        }
        "multi-step" => {
            let usual = || (epochs > 1).then(|| vec![epochs / 2, epochs - epochs / 4]);
            let at = o.milestones.clone().or_else(usual).filter(|at| !at.is_empty() && !at.contains(&0));
            let legal = "epochs after the first, such as 80,120 in a run of 160";
            let at = at.ok_or_else(|| refused("--milestones", "not given, empty or 0", legal))?;
            Decay::MultiStep { at, factor }
        }
        "one-cycle" => Decay::one_cycle(),
        "constant" => Decay::Constant,
        other => unreachable!("{other} stands in SCHEDULES"),
    };
    // One cycle has a rise of its own.
    let usual = u64::from(epochs >= 5 && name != "one-cycle");
    Ok(ScheduleSettings { warmup_epochs: o.warmup_epochs.unwrap_or(usual), decay })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_another_schedule_are_refused() {
        let text = |o: Options| schedule(&o, 12).unwrap_err().to_string();
        let text_of = text(Options { step_factor: Some(0.5), ..Options::default() });
        assert_eq!(text_of, "--step-factor is 0.5; want --schedule step or multi-step with it");
        for milestones in [vec![], vec![0, 6]] {
            let options = Options {
                schedule: Some("multi-step".into()),
                milestones: Some(milestones),
                ..Options::default()
            };
            assert_eq!(
                text(options),
                "--milestones is not given, empty or 0; want epochs after the first, such as 80,120 in a run of 160"
            );
        }
        let text_of = text(Options { schedule: Some("linear".into()), ..Options::default() });
        assert_eq!(text_of, "--schedule is linear; want cosine, step, multi-step, one-cycle, constant");
    }

    #[test]
    fn every_schedule_has_usual_settings() {
        for (name, _) in SCHEDULES {
            let settings =
                schedule(&Options { schedule: Some((*name).into()), ..Options::default() }, 12).unwrap();
            assert_eq!(settings.warmup_epochs, u64::from(*name != "one-cycle"));
        }
        let steps = Options { schedule: Some("multi-step".into()), ..Options::default() };
        assert_eq!(schedule(&steps, 160).unwrap().decay, Decay::MultiStep { at: vec![80, 120], factor: 0.1 });
    }
}
