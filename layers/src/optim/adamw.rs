//! Adam with decoupled weight decay.

use autograd::{Result, Scalar};
use serde::{Deserialize, Serialize};

use super::adam::{AdamSettings, KEPT};
use super::rule::{Decayed, Now, Part, Rule, WeightDecay};

/// p ← (1 − rate·decay)·p, then [Adam's](AdamSettings) step along the gradient without decay, as `torch.optim.AdamW`.
/// Source: Loshchilov and Hutter, *Decoupled weight decay regularization* (2019), algorithm 2 with the rate for η·α.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamWSettings {
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

/// Those of `torch.optim.AdamW`; biases and normalizations are spared the decay.
impl Default for AdamWSettings {
    fn default() -> Self {
        let AdamSettings { beta1, beta2, eps, decayed, .. } = AdamSettings::default();
        Self { beta1, beta2, eps, weight_decay: 0.01, decayed }
    }
}

impl AdamWSettings {
    fn adam(&self) -> AdamSettings {
        let Self { beta1, beta2, eps, weight_decay, decayed } = *self;
        AdamSettings { beta1, beta2, eps, weight_decay, decayed }
    }
}

impl<S: Scalar> Rule<S> for AdamWSettings {
    fn check(&self) -> Result<()> {
        self.adam().check_for("adamw")
    }

    fn weight_decay(&self) -> (f64, Decayed) {
        (self.weight_decay, self.decayed)
    }

    fn kept(&self) -> &'static [&'static str] {
        KEPT
    }

    fn update(&self, now: &Now<S>, part: Part<'_, S>) {
        self.adam().move_part(WeightDecay::Decoupled, now, part);
    }
}
