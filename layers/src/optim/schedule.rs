//! Learning rates over time.

use std::f64::consts::PI;

use autograd::{Error, Result};
use serde::{Deserialize, Serialize};

/// How the rate falls after the warm-up. Steps may stand for epochs until [`Decay::in_steps`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Decay {
    /// It does not.
    Constant,
    /// minimum + (lr − minimum)/2·(1 + cos(π t/T)) over the T steps left.
    /// Source: Loshchilov and Hutter, *SGDR* (2017), equation 5.
    Cosine {
        /// The rate that it nears at the end.
        #[serde(default, skip_serializing_if = "is_zero")]
        minimum: f64,
    },
    /// lr·factor^⌊t/every⌋, counted from the end of the warm-up.
    Step {
        /// Steps between falls.
        every: u64,
        /// The rate is multiplied by this.
        factor: f64,
    },
    /// lr·factor^(number of `at` that are reached).
    MultiStep {
        /// The steps of the run, warm-up included and counted from 0, from which on the rate is lower.
        at: Vec<u64>,
        /// The rate is multiplied by this.
        factor: f64,
    },
    /// From lr/start_divisor up to lr and down to lr/(start_divisor·end_divisor), over the T steps left: the rise ends at
    /// rise·T − 1, the fall at T − 1, as in `torch.optim.lr_scheduler.OneCycleLR`. The momentum stays as it is.
    /// Source: Smith and Topin, *Super-convergence* (2019).
    OneCycle {
        /// The share of the steps in which the rate rises.
        rise: f64,
        /// The course between these rates.
        anneal: Anneal,
        /// By how much the first rate is smaller than the highest.
        start_divisor: f64,
        /// By how much the last rate is smaller than the first.
        end_divisor: f64,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(x: &f64) -> bool {
    *x == 0.0
}

/// The course from one rate a to another b.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anneal {
    /// b + (a − b)/2·(1 + cos(π s)) for s from 0 to 1.
    Cosine,
    /// a + (b − a)·s.
    Linear,
}

impl Anneal {
    fn between(self, from: f64, to: f64, share: f64) -> f64 {
        match self {
            Self::Cosine => to + (from - to) * 0.5 * (1.0 + (PI * share).cos()),
            Self::Linear => from + (to - from) * share,
        }
    }
}

impl Decay {
    /// PyTorch's one cycle: the rate rises for 30 % of the steps from 1/25 of the highest, and ends at 10⁻⁴ of the first.
    pub fn one_cycle() -> Self {
        Self::OneCycle { rise: 0.3, anneal: Anneal::Cosine, start_divisor: 25.0, end_divisor: 1e4 }
    }

    /// The same course where the steps so far are epochs of `steps` steps each.
    #[must_use]
    pub fn in_steps(self, steps: u64) -> Self {
        match self {
            Self::Step { every, factor } => Self::Step { every: every.saturating_mul(steps), factor },
            Self::MultiStep { at, factor } => {
                Self::MultiStep { at: at.into_iter().map(|t| t.saturating_mul(steps)).collect(), factor }
            }
            other => other,
        }
    }

    /// Whether it is legal for this highest rate and warm-up.
    fn check(&self, rate: f64, warmup: u64) -> Result<()> {
        let positive = |what: &str, x: f64| {
            if x > 0.0 && x.is_finite() {
                return Ok(());
            }
            Err(refused(format!("{what} is {x}"), "a positive number"))
        };
        match self {
            Self::Constant => Ok(()),
            Self::Cosine { minimum } if (0.0..=rate).contains(minimum) => Ok(()),
            Self::Cosine { minimum } => Err(refused(
                format!("the rate falls from {rate} to {minimum}"),
                "a minimum from 0 to the rate",
            )),
            Self::Step { every: 0, .. } => {
                Err(refused("the rate falls every 0 steps".into(), "at least 1 step"))
            }
            Self::Step { factor, .. } => positive("the factor of a fall", *factor),
            Self::MultiStep { at, factor } => {
                if at.is_empty() || !at.is_sorted_by(|a, b| a < b) {
                    return Err(refused(
                        format!("the rate falls at the steps {at:?}"),
                        "some steps in rising order",
                    ));
                }
                if at[0] < warmup {
                    let what = format!("the rate falls at step {}, in a warm-up of {warmup}", at[0]);
                    return Err(refused(what, "falls after the warm-up"));
                }
                positive("the factor of a fall", *factor)
            }
            Self::OneCycle { rise, start_divisor, end_divisor, .. } => {
                if !(0.0..1.0).contains(rise) {
                    return Err(refused(
                        format!("the rate rises for a share of {rise}"),
                        "a share from 0 to below 1",
                    ));
                }
                positive("the divisor of the start", *start_divisor)?;
                positive("the divisor of the end", *end_divisor)
            }
        }
    }
}

fn refused(what: String, legal: &str) -> Error {
    Error::Argument { op: "learning rate", what, legal: legal.into() }
}

/// A learning rate for every step: a linear warm-up, then a [`Decay`]. A pure function of the step, so that it has no
/// state.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    rate: f64,
    warmup: u64,
    steps: u64,
    decay: Decay,
}

impl Schedule {
    /// `rate` at its highest, reached at the end of `warmup` steps, over `steps` steps in all.
    ///
    /// # Errors
    /// A rate that is not positive and finite, a warm-up longer than the run, or a number of the decay out of its range.
    pub fn new(rate: f64, warmup: u64, steps: u64, decay: Decay) -> Result<Self> {
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(refused(format!("the rate is {rate}"), "a positive number"));
        }
        if warmup > steps {
            return Err(refused(
                format!("{warmup} steps of warm-up in a run of {steps}"),
                "a warm-up within the run",
            ));
        }
        decay.check(rate, warmup)?;
        Ok(Self { rate, warmup, steps, decay })
    }

    /// The rate of step `t`, counted from 0: (t + 1)/warmup of the full rate (of one cycle's first rate) while it warms up.
    /// After the last step it stays at the end of its course.
    pub fn at(&self, t: u64) -> f64 {
        let Self { rate, warmup, steps, .. } = *self;
        if t < warmup {
            let top = match self.decay {
                Decay::OneCycle { start_divisor, .. } => rate / start_divisor,
                _ => rate,
            };
            return top * (t + 1) as f64 / warmup as f64;
        }
        let last = t.min(steps.saturating_sub(1));
        // Of the steps left.
        let (now, left) = ((t - warmup).min(steps - warmup), (steps - warmup) as f64);
        match &self.decay {
            Decay::Constant => rate,
            Decay::Cosine { minimum } => {
                let share = now as f64 / left.max(1.0);
                minimum + (rate - minimum) * (0.5 * (1.0 + (PI * share).cos()))
            }
            Decay::Step { every, factor } => rate * factor.powf((last.saturating_sub(warmup) / every) as f64),
            Decay::MultiStep { at, factor } => {
                rate * factor.powf(at.partition_point(|&fall| fall <= last) as f64)
            }
            Decay::OneCycle { rise, anneal, start_divisor, end_divisor } => {
                let first = rate / start_divisor;
                let (now, top, end) = (now as f64, rise * left - 1.0, left - 1.0);
                if now < top {
                    anneal.between(first, rate, now / top)
                } else {
                    let share = (now - top) / (end - top);
                    anneal.between(rate, first / end_divisor, share.min(1.0))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// Values from `torch.optim.lr_scheduler`, see tests/golden/README.md.
    #[test]
    fn rates_equal_those_of_torch() {
        let rows: Value = serde_json::from_str(include_str!("../../../tests/golden/schedules.json")).unwrap();
        let mut tested = 0;
        for row in rows["schedules"].as_array().unwrap() {
            let number = |key: &str| row["settings"][key].as_f64();
            let rate = number("lr").unwrap();
            let whole = |key: &str| number(key).unwrap() as u64;
            let minimum = number("min_lr").unwrap_or(0.0);
            let falls = || row["settings"]["milestones"].as_array().unwrap();
            let factor = number("gamma").unwrap_or(0.0);
            let warmup = number("warmup_steps").map_or(0, |w| w as u64);
            let (decay, steps) = match row["schedule"].as_str().unwrap() {
                "constant" => (Decay::Constant, 20),
                "cosine" => (Decay::Cosine { minimum }, whole("t_max")),
                // Our ramp is (t + 1)/warm-up: a start at 1/warm-up that is complete one step before its end.
                "warmup_cosine"
                    if number("ramp_steps") == Some(warmup as f64 - 1.0)
                        && number("start_factor") == Some(1.0 / warmup as f64) =>
                {
                    (Decay::Cosine { minimum }, warmup + whole("t_max"))
                }
                "warmup_cosine" => continue,
                "step" | "warmup_step" => (Decay::Step { every: whole("step_size"), factor }, 20),
                "multi_step" | "warmup_multi_step" => {
                    let at = falls().iter().map(|t| t.as_u64().unwrap()).collect();
                    (Decay::MultiStep { at, factor }, 20)
                }
                "one_cycle" => {
                    let anneal = match row["settings"]["anneal_strategy"].as_str().unwrap() {
                        "cos" => Anneal::Cosine,
                        _ => Anneal::Linear,
                    };
                    let (rise, start_divisor) = (number("pct_start").unwrap(), number("div_factor").unwrap());
                    let end_divisor = number("final_div_factor").unwrap();
                    (Decay::OneCycle { rise, anneal, start_divisor, end_divisor }, whole("total_steps"))
                }
                other => panic!("{other}"),
            };
            let schedule = Schedule::new(rate, warmup, steps, decay).unwrap();
            for (t, want) in row["values"].as_array().unwrap().iter().enumerate() {
                let (got, want) = (schedule.at(t as u64), want.as_f64().unwrap());
                assert!((got - want).abs() <= 1e-12 * rate, "{row}: step {t}: {got} {want}");
            }
            tested += 1;
        }
        assert_eq!(tested, 15);
    }

    #[test]
    fn rates_stay_where_they_are_after_the_last_step() {
        let cosine = Schedule::new(0.5, 2, 10, Decay::Cosine { minimum: 0.125 }).unwrap();
        assert_eq!([cosine.at(10), cosine.at(1000)], [0.125; 2]);
        let cycle = Schedule::new(0.5, 2, 10, Decay::one_cycle()).unwrap();
        assert_eq!(cycle.at(1), 0.5 / 25.0);
        assert_eq!([cycle.at(9), cycle.at(1000)], [0.5 / 25.0 / 1e4; 2]);
        // A cycle of one step, or of none, has only its end.
        for steps in [0, 1] {
            let rate = Schedule::new(0.5, 0, steps, Decay::one_cycle()).unwrap().at(0);
            assert!(rate > 0.0 && rate <= 0.5, "{rate}");
        }
    }

    #[test]
    fn epochs_become_steps() {
        let step = Decay::Step { every: 30, factor: 0.1 };
        assert_eq!(step.in_steps(7), Decay::Step { every: 210, factor: 0.1 });
        let falls = |at: [u64; 3]| Decay::MultiStep { at: at.to_vec(), factor: 0.2 };
        assert_eq!(falls([60, 120, u64::MAX]).in_steps(2), falls([120, 240, u64::MAX]));
        assert_eq!(Decay::one_cycle().in_steps(2), Decay::one_cycle());
    }

    /// The form of run records.
    #[test]
    fn decays_are_objects_with_a_kind() {
        let json = [
            (Decay::Constant, r#"{"kind":"constant"}"#),
            (Decay::Cosine { minimum: 0.0 }, r#"{"kind":"cosine"}"#),
            (Decay::Cosine { minimum: 0.5 }, r#"{"kind":"cosine","minimum":0.5}"#),
            (Decay::Step { every: 3, factor: 0.5 }, r#"{"kind":"step","every":3,"factor":0.5}"#),
            (
                Decay::MultiStep { at: vec![3, 5], factor: 0.5 },
                r#"{"kind":"multi_step","at":[3,5],"factor":0.5}"#,
            ),
            (
                Decay::one_cycle(),
                r#"{"kind":"one_cycle","rise":0.3,"anneal":"cosine","start_divisor":25.0,"end_divisor":10000.0}"#,
            ),
        ];
        for (decay, text) in json {
            assert_eq!(serde_json::to_string(&decay).unwrap(), text);
            assert_eq!(serde_json::from_str::<Decay>(text).unwrap(), decay);
        }
        assert!(serde_json::from_str::<Decay>(r#"{"kind":"cosine","factor":2}"#).is_err());
    }

    #[test]
    fn illegal_rates_are_refused() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Schedule::new(rate, 0, 1, Decay::Constant).unwrap_err().to_string().contains("rate is"));
        }
        assert!(Schedule::new(0.1, 5, 4, Decay::Cosine { minimum: 0.0 }).is_err());
        let one_cycle = |rise, end_divisor| Decay::OneCycle {
            rise,
            anneal: Anneal::Cosine,
            start_divisor: 2.0,
            end_divisor,
        };
        for decay in [
            Decay::Step { every: 0, factor: 0.1 },
            Decay::Step { every: 1, factor: 0.0 },
            Decay::Cosine { minimum: 0.2 },
            Decay::Cosine { minimum: f64::NAN },
            Decay::MultiStep { at: vec![], factor: 0.1 },
            Decay::MultiStep { at: vec![3, 3], factor: 0.1 },
            Decay::MultiStep { at: vec![1, 3], factor: 0.1 },
            Decay::MultiStep { at: vec![3], factor: f64::NAN },
            one_cycle(1.0, 2.0),
            one_cycle(f64::NAN, 2.0),
            one_cycle(0.5, 0.0),
        ] {
            assert!(Schedule::new(0.1, 2, 4, decay.clone()).is_err(), "{decay:?}");
        }
    }
}
