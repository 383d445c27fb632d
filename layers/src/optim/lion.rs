//! Lion.

use autograd::kernels::vector::Loop;
use autograd::{Result, Scalar};
use serde::{Deserialize, Serialize};

use super::rule::{self, Clip, Decayed, Now, Part, Rule, WeightDecay};

/// p ← (1 − rate·decay)·p − rate·sign(β₁ m + (1 − β₁) g), then m ← β₂ m + (1 − β₂) g; sign(0) = 0. Every element moves by
/// the whole rate, so rates are 3 to 10 times smaller than Adam's, and decays as much larger.
/// Source: Chen et al., *Symbolic discovery of optimization algorithms* (2023), algorithm 2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LionSettings {
    /// β₁, the weight of the past in a step's direction.
    pub beta1: f64,
    /// β₂, the memory of the mean.
    pub beta2: f64,
    /// The strength of weight decay; 0 for none.
    pub weight_decay: f64,
    /// What it acts on.
    pub decayed: Decayed,
}

/// Those of the paper, without decay.
impl Default for LionSettings {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.99, weight_decay: 0.0, decayed: Decayed::Weights }
    }
}

impl<S: Scalar> Rule<S> for LionSettings {
    fn check(&self) -> Result<()> {
        rule::check_share("lion", "beta1", self.beta1)?;
        rule::check_share("lion", "beta2", self.beta2)?;
        rule::check_strength("lion", "weight decay", self.weight_decay)
    }

    fn weight_decay(&self) -> (f64, Decayed) {
        (self.weight_decay, self.decayed)
    }

    fn kept(&self) -> &'static [&'static str] {
        &["exp_avg"]
    }

    fn update(&self, now: &Now<S>, part: Part<'_, S>) {
        let (_, shrink) = rule::decay(WeightDecay::Decoupled, now);
        let step = Step {
            clip: now.clip,
            shrink,
            beta1: [self.beta1, 1.0 - self.beta1].map(S::from_f64),
            beta2: [self.beta2, 1.0 - self.beta2].map(S::from_f64),
            rate: S::from_f64(now.rate),
        };
        let Part { p, g, kept: [m, _] } = part;
        S::vectorized(Update { step, p, g, m });
    }
}

/// A step's numbers, in the parameter's precision.
#[derive(Debug, Clone, Copy)]
struct Step<S> {
    clip: Clip<S>,
    /// What decay leaves of the parameter.
    shrink: S,
    /// β and 1 − β.
    beta1: [S; 2],
    beta2: [S; 2],
    rate: S,
}

impl<S: Scalar> Step<S> {
    #[inline(always)]
    fn move_one(&self, p: &mut S, g: S, m: &mut S) {
        let g = self.clip.apply(g);
        let direction = self.beta1[0] * *m + self.beta1[1] * g;
        // What is neither stays as it is: 0, or NaN, which must show.
        let sign = if direction > S::ZERO { S::ONE } else { direction };
        let sign = if sign < S::ZERO { -S::ONE } else { sign };
        *p = self.shrink * *p - self.rate * sign;
        *m = self.beta2[0] * *m + self.beta2[1] * g;
    }
}

struct Update<'a, S> {
    step: Step<S>,
    p: &'a mut [S],
    g: &'a [S],
    m: &'a mut [S],
}

impl<S: Scalar> Loop for Update<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for ((p, &g), m) in self.p.iter_mut().zip(self.g).zip(self.m) {
            self.step.move_one(p, g, m);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All numbers are dyadic. c = ½m + ½g = (1, −1, 0, NaN): the third cancels and stays but for its decay, by ½·¼.
    #[test]
    fn a_step_goes_by_the_sign_and_shows_nan() {
        let settings = LionSettings { beta1: 0.5, beta2: 0.75, weight_decay: 0.25, decayed: Decayed::All };
        let (mut p, mut m, mut unused) = ([4.0, 4.0, 4.0, 4.0], [1.0, -4.0, 2.0, 0.0], []);
        let part = Part { p: &mut p, g: &[1.0, 2.0, -2.0, f64::NAN], kept: [&mut m, &mut unused] };
        settings.update(&Now { rate: 0.5, decay: 0.25, step: 1, clip: Clip::none() }, part);
        assert_eq!(p[..3], [3.0, 4.0, 3.5]);
        assert_eq!(m[..3], [1.0, -2.5, 1.0]);
        assert!(p[3].is_nan() && m[3].is_nan());
    }
}
