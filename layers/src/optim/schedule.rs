//! Learning rates over time.

use autograd::{Error, Result};
use serde::{Deserialize, Serialize};

/// How the rate falls after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Decay {
    /// It does not.
    Constant,
    /// lr/2·(1 + cos(π t/T)) over the T steps left. Source: Loshchilov and Hutter, *SGDR* (2017), equation 5.
    Cosine,
    /// lr·factor^⌊t/every⌋.
    Step {
        /// Steps between falls.
        every: u64,
        /// The rate is multiplied by this.
        factor: f64,
    },
}

/// A learning rate for every step: a linear warm-up, then a [`Decay`].
#[derive(Debug, Clone, Copy, PartialEq)]
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
    /// A rate that is not positive and finite, a warm-up longer than the run, a step decay of 0 steps or with a
    /// factor that is not positive and finite.
    pub fn new(rate: f64, warmup: u64, steps: u64, decay: Decay) -> Result<Self> {
        let refuse =
            |what: String, legal: &str| Error::Argument { op: "learning rate", what, legal: legal.into() };
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(refuse(format!("the rate is {rate}"), "a positive number"));
        }
        if warmup > steps {
            return Err(refuse(
                format!("{warmup} steps of warm-up in a run of {steps}"),
                "a warm-up within the run",
            ));
        }
        if let Decay::Step { every, factor } = decay {
            if every == 0 {
                return Err(refuse("the rate falls every 0 steps".into(), "at least 1 step"));
            }
            if !(factor > 0.0 && factor.is_finite()) {
                return Err(refuse(format!("the rate falls by the factor {factor}"), "a positive number"));
            }
        }
        Ok(Self { rate, warmup, steps, decay })
    }

    /// The rate of step `t`, counted from 0: (t + 1)/warmup of the full rate while it warms up.
    pub fn at(&self, t: u64) -> f64 {
        if t < self.warmup {
            return self.rate * (t + 1) as f64 / self.warmup as f64;
        }
        let (t, left) = (t - self.warmup, self.steps - self.warmup);
        self.rate
            * match self.decay {
                Decay::Constant => 1.0,
                Decay::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * t as f64 / left.max(1) as f64).cos()),
                Decay::Step { every, factor } => factor.powf((t / every) as f64),
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
            let schedule = match row["schedule"].as_str().unwrap() {
                "cosine" if number("min_lr") == Some(0.0) => {
                    Schedule::new(rate, 0, whole("t_max"), Decay::Cosine)
                }
                "step" => {
                    let decay = Decay::Step { every: whole("step_size"), factor: number("gamma").unwrap() };
                    Schedule::new(rate, 0, 20, decay)
                }
                // Our ramp is (t + 1)/warm-up: a start at 1/warm-up that is complete one step before its end.
                "warmup_cosine"
                    if number("min_lr") == Some(0.0)
                        && number("ramp_steps") == number("warmup_steps").map(|w| w - 1.0)
                        && number("start_factor") == number("warmup_steps").map(|w| 1.0 / w) =>
                {
                    let warmup = whole("warmup_steps");
                    Schedule::new(rate, warmup, warmup + whole("t_max"), Decay::Cosine)
                }
                _ => continue,
            }
            .unwrap();
            for (t, want) in row["values"].as_array().unwrap().iter().enumerate() {
                let (got, want) = (schedule.at(t as u64), want.as_f64().unwrap());
                assert!((got - want).abs() <= 1e-12 * rate, "{row}: step {t}: {got} {want}");
            }
            tested += 1;
        }
        assert!(tested >= 4, "only {tested} rows fit our schedules");
    }

    #[test]
    fn illegal_rates_are_refused() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Schedule::new(rate, 0, 1, Decay::Constant).unwrap_err().to_string().contains("rate is"));
        }
        assert!(Schedule::new(0.1, 5, 4, Decay::Cosine).is_err());
        assert!(Schedule::new(0.1, 0, 4, Decay::Step { every: 0, factor: 0.1 }).is_err());
    }
}
