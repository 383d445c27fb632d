//! What an optimiser does to one parameter.

use autograd::{Error, Result, Scalar};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Numbers of a parameter per task; below, waking a thread costs more than it saves.
pub(super) const CHUNK: usize = 16 * 1024;

/// The most arrays that an optimiser keeps for a parameter.
const MOST_KEPT: usize = 2;

/// Where weight decay acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightDecay {
    /// In the gradient, g + decay·p, and so in the momentum: L2 regularisation.
    Coupled,
    /// On the parameter, p ← (1 − rate·decay)·p before the step. Source: Loshchilov and Hutter (2019).
    Decoupled,
}

/// What weight decay acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decayed {
    /// Every parameter.
    All,
    /// Weights of linear maps and convolutions only: no bias, no normalization, no activation parameter.
    Weights,
}

/// An optimiser's formula. Everything it does is element by element, so that no cut of the work changes a bit.
pub(super) trait Rule<S>: Sync {
    /// Whether the settings are legal.
    fn check(&self) -> Result<()>;
    /// The strength of weight decay, and what it acts on unless a group says otherwise.
    fn weight_decay(&self) -> (f64, Decayed);
    /// The names of the arrays that it keeps for every parameter, each of the parameter's shape and 0 at first. Files
    /// name them so.
    fn kept(&self) -> &'static [&'static str];
    /// Moves a part of a parameter, in one pass over memory.
    fn update(&self, now: &Now<S>, part: Part<'_, S>);
}

/// What a step is for one parameter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now<S> {
    /// The learning rate.
    pub(super) rate: f64,
    /// The strength of weight decay.
    pub(super) decay: f64,
    /// The number of the step, counted from 1.
    pub(super) step: u64,
    pub(super) clip: Clip<S>,
}

/// What becomes of a gradient before it is used; nothing is written back to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clip<S> {
    /// What every element is multiplied by, one after the other: of a factor that is too small for a number of full precision,
    /// the square root, twice. 1 otherwise.
    pub(super) factors: [S; 2],
    /// The largest magnitude an element keeps.
    pub(super) bound: S,
}

impl<S: Scalar> Clip<S> {
    /// Leaves every bit as it is.
    pub(super) fn none() -> Self {
        Self { factors: [S::ONE; 2], bound: S::from_f64(f64::INFINITY) }
    }

    /// Multiplies by `factor`.
    pub(super) fn by(factor: f64) -> Self {
        let whole = [S::from_f64(factor), S::ONE];
        let factors = if factor >= S::MIN_POSITIVE { whole } else { [S::from_f64(factor.sqrt()); 2] };
        Self { factors, ..Self::none() }
    }

    /// NaN stays NaN.
    #[inline(always)]
    pub(super) fn apply(self, g: S) -> S {
        let g = g * self.factors[0] * self.factors[1];
        let g = if g > self.bound { self.bound } else { g };
        if g < -self.bound { -self.bound } else { g }
    }
}

/// A stretch of a parameter, its gradient and what is kept for it.
pub(super) struct Part<'a, S> {
    pub(super) p: &'a mut [S],
    pub(super) g: &'a [S],
    /// In the order of [`Rule::kept`]; what is not kept is empty.
    pub(super) kept: [&'a mut [S]; MOST_KEPT],
}

/// Moves a whole parameter.
pub(super) fn update<S: Scalar>(rule: &dyn Rule<S>, now: &Now<S>, whole: Part<'_, S>) {
    if whole.p.len() <= CHUNK {
        return rule.update(now, whole);
    }
    let Part { p, g, kept } = whole;
    let mut kept = kept.map(|k| k.chunks_mut(CHUNK));
    let parts = p.chunks_mut(CHUNK).zip(g.chunks(CHUNK)).map(|(p, g)| {
        let kept = kept.each_mut().map(|chunks| chunks.next().unwrap_or_default());
        Part { p, g, kept }
    });
    let parts: Vec<_> = parts.collect();
    parts.into_par_iter().for_each(|part| rule.update(now, part));
}

/// The slices of what is kept for a parameter.
pub(super) fn slices<S: Scalar>(kept: &mut [autograd::Tensor<S>]) -> [&mut [S]; MOST_KEPT] {
    let mut tensors = kept.iter_mut();
    [(); MOST_KEPT].map(|()| tensors.next().map(autograd::Tensor::data_mut).unwrap_or_default())
}

/// A share from 0 to below 1, such as momentum.
pub(super) fn check_share(op: &'static str, what: &str, share: f64) -> Result<()> {
    if (0.0..1.0).contains(&share) {
        return Ok(());
    }
    Err(Error::Argument {
        op,
        what: format!("{what} is {share}"),
        legal: "a number from 0 to below 1".into(),
    })
}

/// A finite number that is not negative, such as weight decay.
pub(super) fn check_strength(op: &'static str, what: &str, strength: f64) -> Result<()> {
    if strength >= 0.0 && strength.is_finite() {
        return Ok(());
    }
    Err(Error::Argument { op, what: format!("{what} is {strength}"), legal: "0 or a positive number".into() })
}

/// What decay adds to the gradient per number of the parameter, and what it leaves of the parameter.
pub(super) fn decay<S: Scalar>(kind: WeightDecay, now: &Now<S>) -> (S, S) {
    match kind {
        WeightDecay::Coupled => (S::from_f64(now.decay), S::ONE),
        WeightDecay::Decoupled => (S::ZERO, S::from_f64(1.0 - now.rate * now.decay)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{OPTIMIZERS, OptimizerSettings, SgdSettings};
    use super::*;

    /// Long enough for several tasks with a remainder, against one number at a time.
    #[test]
    fn a_large_parameter_moves_as_its_numbers_do_one_by_one() {
        let n = 2 * CHUNK + 13;
        let numbers = |a: f32| (0..n).map(|i| (a * i as f32 + 1.0).sin()).collect::<Vec<_>>();
        let (g, start) = (numbers(0.37), numbers(0.11));
        let clip = Clip { bound: 0.6, ..Clip::by(0.7) };
        let now = Now { rate: 0.07, decay: 0.003, step: 3, clip };
        let mut all: Vec<OptimizerSettings> = OPTIMIZERS.iter().map(|o| (o.defaults)()).collect();
        all.push(SgdSettings { nesterov: false, ..<_>::default() }.into());
        all.push(SgdSettings { nesterov: false, momentum: 0.0, ..<_>::default() }.into());
        for settings in all {
            let rule = settings.rule::<f32>();
            // Mean squares are not negative.
            let fresh = || (start.clone(), [numbers(0.23), start.iter().map(|x| x * x).collect()]);
            let (mut want, [mut want_a, mut want_b]) = fresh();
            for i in 0..n {
                let kept = [&mut want_a[i..=i], &mut want_b[i..=i]];
                rule.update(&now, Part { p: &mut want[i..=i], g: &g[i..=i], kept });
            }
            assert!(want != start && want.iter().all(|x| x.is_finite()), "{settings:?}");
            for threads in [1, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let (mut p, [mut a, mut b]) = fresh();
                pool.install(|| update(rule, &now, Part { p: &mut p, g: &g, kept: [&mut a, &mut b] }));
                assert!(p == want && a == want_a && b == want_b, "{settings:?}");
            }
        }
    }

    #[test]
    fn clipping_leaves_bits_alone_or_cuts_and_keeps_nan() {
        for g in [0.0, -0.0, 1e-310, -3.5, f64::MAX, f64::INFINITY, f64::NAN] {
            assert_eq!(Clip::none().apply(g).to_bits(), g.to_bits());
        }
        let clip = Clip { bound: 1.0, ..Clip::by(0.5) };
        let cut = [-8.0, -2.0, -1.0, 0.5, 3.0, f64::INFINITY].map(|g| clip.apply(g));
        assert_eq!(cut, [-1.0, -1.0, -0.5, 0.25, 1.0, 1.0]);
        assert!(clip.apply(f64::NAN).is_nan());
    }
}
