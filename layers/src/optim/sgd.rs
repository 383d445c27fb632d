//! Stochastic gradient descent.

use autograd::kernels::vector::Loop;
use autograd::{Error, Result, Scalar};
use serde::{Deserialize, Serialize};

use super::rule::{self, Clip, Decayed, Now, Part, Rule, WeightDecay};

/// v ← μ v + g (v = g at first), p ← p − rate·v, or p ← p − rate·(g + μ v) with Nesterov, as `torch.optim.SGD`
/// without dampening. Source: Sutskever et al. (2013), in PyTorch's form. There is no default learning rate: every step is
/// given one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SgdSettings {
    /// μ in v ← μ v + g; 0 for none.
    pub momentum: f64,
    /// Step along g + μ v instead of v.
    pub nesterov: bool,
    /// The strength of weight decay; 0 for none.
    pub weight_decay: f64,
    /// Where it acts.
    pub kind: WeightDecay,
    /// What it acts on.
    pub decayed: Decayed,
}

/// What residual networks are usually trained with.
impl Default for SgdSettings {
    fn default() -> Self {
        Self {
            momentum: 0.9,
            nesterov: true,
            weight_decay: 5e-4,
            kind: WeightDecay::Coupled,
            decayed: Decayed::Weights,
        }
    }
}

impl<S: Scalar> Rule<S> for SgdSettings {
    fn check(&self) -> Result<()> {
        rule::check_share("sgd", "momentum", self.momentum)?;
        if self.nesterov && self.momentum == 0.0 {
            let (what, legal) = ("nesterov without momentum".into(), "a positive momentum with it".into());
            return Err(Error::Argument { op: "sgd", what, legal });
        }
        rule::check_strength("sgd", "weight decay", self.weight_decay)
    }

    fn weight_decay(&self) -> (f64, Decayed) {
        (self.weight_decay, self.decayed)
    }

    fn kept(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["momentum"] }
    }

    fn update(&self, now: &Now<S>, part: Part<'_, S>) {
        let (coupled, shrink) = rule::decay(self.kind, now);
        let (momentum, rate) = (S::from_f64(self.momentum), S::from_f64(now.rate));
        let step = Step { clip: now.clip, coupled, shrink, momentum, rate, nesterov: self.nesterov };
        let Part { p, g, kept: [v, _] } = part;
        if self.momentum == 0.0 {
            S::vectorized(Plain { step, p, g });
        } else {
            S::vectorized(WithMomentum { step, p, g, v });
        }
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
    momentum: S,
    rate: S,
    nesterov: bool,
}

impl<S: Scalar> Step<S> {
    /// At rest v is 0, and μ·0 + g is the g that torch starts from.
    #[inline(always)]
    fn move_one(&self, p: &mut S, g: S, v: &mut S) {
        let g = self.clip.apply(g) + self.coupled * *p;
        *v = self.momentum * *v + g;
        let direction = if self.nesterov { g + self.momentum * *v } else { *v };
        *p = self.shrink * *p - self.rate * direction;
    }
}

struct WithMomentum<'a, S> {
    step: Step<S>,
    p: &'a mut [S],
    g: &'a [S],
    v: &'a mut [S],
}

impl<S: Scalar> Loop for WithMomentum<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for ((p, &g), v) in self.p.iter_mut().zip(self.g).zip(self.v) {
            self.step.move_one(p, g, v);
        }
    }
}

/// Without momentum v is g, and nothing is kept.
struct Plain<'a, S> {
    step: Step<S>,
    p: &'a mut [S],
    g: &'a [S],
}

impl<S: Scalar> Loop for Plain<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (p, &g) in self.p.iter_mut().zip(self.g) {
            self.step.move_one(p, g, &mut { S::ZERO });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn illegal_settings_are_refused() {
        let text = |settings: SgdSettings| Rule::<f32>::check(&settings).unwrap_err().to_string();
        let legal = SgdSettings::default();
        assert!(Rule::<f32>::check(&legal).is_ok());
        let momentum = text(SgdSettings { momentum: 1.0, ..legal });
        assert_eq!(momentum, "sgd: momentum is 1; want a number from 0 to below 1");
        assert!(text(SgdSettings { momentum: 0.0, ..legal }).contains("nesterov without momentum"));
        assert!(text(SgdSettings { weight_decay: f64::NAN, ..legal }).contains("weight decay is NaN"));
    }

    #[test]
    fn without_momentum_nothing_is_kept() {
        let plain = SgdSettings { momentum: 0.0, nesterov: false, ..<_>::default() };
        assert!(Rule::<f32>::kept(&plain).is_empty());
        assert_eq!(Rule::<f32>::kept(&SgdSettings::default()), ["momentum"]);
    }
}
