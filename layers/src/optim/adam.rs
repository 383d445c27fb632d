//! Adam.

use autograd::kernels::vector::Loop;
use autograd::{Error, Result, Scalar};
use serde::{Deserialize, Serialize};

use super::rule::{self, Clip, Decayed, Now, Part, Rule, WeightDecay};

/// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², p ← p − rate/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε), with weight decay in
/// the gradient, g + decay·p, as `torch.optim.Adam`. In f32 a gradient beyond 1.8e19 makes v infinite, and that number then
/// stays where it is for ever, as in PyTorch; one below 1e-23 has no square, and ε alone divides it.
/// Source: Kingma and Ba (2015), algorithm 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamSettings {
    /// β₁, the memory of the mean.
    pub beta1: f64,
    /// β₂, the memory of the mean square.
    pub beta2: f64,
    /// Added to the root mean square.
    pub eps: f64,
    /// The strength of weight decay; 0 for none.
    pub weight_decay: f64,
    /// What it acts on.
    pub decayed: Decayed,
}

/// Those of `torch.optim.Adam`; biases and normalizations are spared a decay.
impl Default for AdamSettings {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0, decayed: Decayed::Weights }
    }
}

impl<S: Scalar> Rule<S> for AdamSettings {
    fn check(&self) -> Result<()> {
        self.check_for("adam")
    }

    fn weight_decay(&self) -> (f64, Decayed) {
        (self.weight_decay, self.decayed)
    }

    fn kept(&self) -> &'static [&'static str] {
        KEPT
    }

    fn update(&self, now: &Now<S>, part: Part<'_, S>) {
        self.move_part(WeightDecay::Coupled, now, part);
    }
}

/// m and v by the names that PyTorch's files have.
pub(super) const KEPT: &[&str] = &["exp_avg", "exp_avg_sq"];

impl AdamSettings {
    pub(super) fn check_for(&self, op: &'static str) -> Result<()> {
        rule::check_share(op, "beta1", self.beta1)?;
        rule::check_share(op, "beta2", self.beta2)?;
        if !(self.eps > 0.0 && self.eps.is_finite()) {
            return Err(Error::Argument {
                op,
                what: format!("eps is {}", self.eps),
                legal: "a positive number".into(),
            });
        }
        rule::check_strength(op, "weight decay", self.weight_decay)
    }

    pub(super) fn move_part<S: Scalar>(&self, kind: WeightDecay, now: &Now<S>, part: Part<'_, S>) {
        let (coupled, shrink) = rule::decay(kind, now);
        // What the moments have of their start at 0 is divided out.
        let share = |beta: f64| 1.0 - beta.powf(now.step as f64);
        let step = Step {
            clip: now.clip,
            coupled,
            shrink,
            beta1: [self.beta1, 1.0 - self.beta1].map(S::from_f64),
            beta2: [self.beta2, 1.0 - self.beta2].map(S::from_f64),
            root: S::from_f64(1.0 / share(self.beta2).sqrt()),
            eps: S::from_f64(self.eps),
            rate: S::from_f64(now.rate / share(self.beta1)),
        };
        let Part { p, g, kept: [m, v] } = part;
        S::vectorized(Update { step, p, g, m, v });
    }
}

/// A step's numbers, in the parameter's precision.
#[derive(Debug, Clone, Copy)]
struct Step<S> {
    clip: Clip<S>,
    /// What decay adds to the gradient.
    coupled: S,
    /// What decay leaves of the parameter.
    shrink: S,
    /// β and 1 − β.
    beta1: [S; 2],
    beta2: [S; 2],
    /// 1/√(1 − β₂ᵗ).
    root: S,
    eps: S,
    /// rate/(1 − β₁ᵗ).
    rate: S,
}

impl<S: Scalar> Step<S> {
    #[inline(always)]
    fn move_one(&self, p: &mut S, g: S, m: &mut S, v: &mut S) {
        let g = self.clip.apply(g) + self.coupled * *p;
        *m = self.beta1[0] * *m + self.beta1[1] * g;
        *v = self.beta2[0] * *v + self.beta2[1] * (g * g);
        *p = self.shrink * *p - self.rate * (*m / (v.sqrt() * self.root + self.eps));
    }
}

struct Update<'a, S> {
    step: Step<S>,
    p: &'a mut [S],
    g: &'a [S],
    m: &'a mut [S],
    v: &'a mut [S],
}

impl<S: Scalar> Loop for Update<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (((p, &g), m), v) in self.p.iter_mut().zip(self.g).zip(self.m).zip(self.v) {
            self.step.move_one(p, g, m, v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn illegal_settings_are_refused() {
        let legal = AdamSettings::default();
        let illegal = [
            (AdamSettings { beta1: 1.0, ..legal }, "beta1 is 1; want a number from 0 to below 1"),
            (AdamSettings { beta2: -0.1, ..legal }, "beta2 is -0.1; want a number from 0 to below 1"),
            (AdamSettings { eps: 0.0, ..legal }, "eps is 0; want a positive number"),
            (AdamSettings { weight_decay: -1.0, ..legal }, "weight decay is -1; want 0 or a positive number"),
        ];
        for (settings, text) in illegal {
            assert_eq!(settings.check_for("adam").unwrap_err().to_string(), format!("adam: {text}"));
        }
    }

    /// In the first step m/(1 − β₁) = g and v/(1 − β₂) = g²: the step is the rate, whatever the size of g.
    #[test]
    fn the_first_step_is_the_rate_along_the_sign() {
        let clip = Clip::none();
        let g = [3.0, -1e-3, 250.0];
        let (mut p, mut m, mut v) = ([1.0; 3], [0.0; 3], [0.0; 3]);
        let part = Part { p: &mut p, g: &g, kept: [&mut m, &mut v] };
        AdamSettings { eps: 1e-30, ..<_>::default() }
            .update(&Now { rate: 0.25, decay: 0.0, step: 1, clip }, part);
        for (p, want) in p.into_iter().zip([0.75f64, 1.25, 0.75]) {
            assert!((p - want).abs() < 1e-15, "{p} {want}");
        }
    }
}
