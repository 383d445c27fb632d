//! Running statistics: exponential averages of the moments, with bounds on how far one batch may move them.
//!
//! Source: averages with momentum 0.9 and relative bounds L, U are of *ANAct* (arXiv 2208.13315). The values
//! L = 0.8 and U = 1.2, the start, the two guards, the bound for μ and the treatment of degenerate batches are
//! our own.
//!
//! # Start
//!
//! The average is corrected for its start as Adam's are: with β the momentum and t counting batches,
//! r ← r + (1 − β)/(1 − βᵗ)·(batch − r). The first batch has weight 1, so there is no initial value to forget.
//!
//! # Bounds
//!
//! From the second batch on, the batch's value enters as clamp(batch, L·r, U·r). This is meant for positive
//! quantities: ρ, ρ′ and E\[f²\].
//!
//! **μ needs another bound** (our deviation from the letter). *A relative bound can never let μ change its sign.*
//! Let r > 0. Every value that enters is at least L·r > 0, and the new average is a convex combination of it and
//! of r, so it is positive: by induction all later averages are. For r < 0, L·r > U·r and the interval is empty;
//! with its ends in order, the same argument keeps r negative. For r = 0 the interval is the point 0, and r stays
//! there for ever. For an odd f the true μ is near 0 with a sign that is chance, so the average would keep the
//! sign of the first batch and creep towards 0. What is small for μ has to be judged by the size of f: the
//! batch's μ may differ from the average by at most max(1 − L, U − 1)·√(average of E\[f²\]).

use autograd::{Error, Result, Scalar};
use serde::{Deserialize, Serialize};

use crate::factor::{Ratios, factor};
use crate::moments::{BatchMoments, ForwardMoment};

/// What happens to a batch's value that lies out of bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// It is moved to the nearest bound. After a shift of the distribution the average follows, by a factor of
    /// β + (1 − β)·U per step once started, and never more than U.
    #[default]
    Clamp,
    /// It is dropped. After a shift beyond the bounds the average is frozen for ever.
    Reject,
}

/// How batches are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Averaging {
    /// β, the weight of the past.
    pub momentum: f64,
    /// L: a batch counts as at least L times the average.
    pub lower: f64,
    /// U: a batch counts as at most U times the average.
    pub upper: f64,
    /// What happens out of bounds.
    pub guard: Guard,
}

impl Default for Averaging {
    fn default() -> Self {
        Self { momentum: 0.9, lower: 0.8, upper: 1.2, guard: Guard::Clamp }
    }
}

impl Averaging {
    /// The settings, if they make sense.
    ///
    /// # Errors
    /// A momentum outside of [0, 1), or not 0 ≤ L ≤ 1 ≤ U. U may be infinite.
    pub fn checked(self) -> Result<Self> {
        let refuse = |what, legal: &str| Err(Error::Argument { op: "averaging", what, legal: legal.into() });
        if !(0.0..1.0).contains(&self.momentum) {
            return refuse(format!("momentum is {}", self.momentum), "0 ≤ momentum < 1");
        }
        if !(0.0 <= self.lower && self.lower <= 1.0 && self.upper >= 1.0) {
            return refuse(format!("bounds are {} and {}", self.lower, self.upper), "0 ≤ lower ≤ 1 ≤ upper");
        }
        Ok(self)
    }

    /// How far μ may be from its average, in units of the root second moment of f.
    fn width(&self) -> f64 {
        (1.0 - self.lower).max(self.upper - 1.0)
    }
}

/// One running average.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Average {
    /// The average; 0 before the first batch.
    pub value: f64,
    /// Batches that entered.
    pub steps: u64,
    /// Batches that were out of bounds: moved to the bound, or dropped.
    pub out_of_bounds: u64,
}

impl Average {
    /// Takes `batch`, held between `low` and `high` unless it is the first.
    fn update(&mut self, averaging: &Averaging, batch: f64, (low, high): (f64, f64)) {
        let mut batch = batch;
        if self.steps > 0 && !(low <= batch && batch <= high) {
            self.out_of_bounds += 1;
            match averaging.guard {
                Guard::Clamp => batch = batch.clamp(low, high),
                Guard::Reject => return,
            }
        }
        self.steps += 1;
        let beta = averaging.momentum;
        let exponent = i32::try_from(self.steps).unwrap_or(i32::MAX);
        self.value += (1.0 - beta) / (1.0 - beta.powi(exponent)) * (batch - self.value);
    }

    fn relative(&mut self, averaging: &Averaging, batch: f64) {
        let bounds = (averaging.lower * self.value, averaging.upper * self.value);
        self.update(averaging, batch, bounds);
    }
}

/// λ and μ as numbers, to be applied to a group.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// The factor.
    pub lambda: f64,
    /// What is subtracted.
    pub mu: f64,
}

impl Default for Applied {
    /// λ = 1 and μ = 0: the plain function.
    fn default() -> Self {
        Self { lambda: 1.0, mu: 0.0 }
    }
}

/// The running statistics of one group, as plain numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct GroupAverages {
    /// μ = E\[f\].
    pub mu: Average,
    /// E\[f²\], the scale against which μ is judged.
    pub f2: Average,
    /// ρ, of the forward moment that is in use.
    pub rho: Average,
    /// ρ′.
    pub rho_prime: Average,
    /// Batches that were degenerate and entered nothing.
    pub degenerate: u64,
}

impl GroupAverages {
    /// Takes one batch. A degenerate one ([`BatchMoments::ratios`]) is counted and changes nothing else.
    pub fn update<S: Scalar>(
        &mut self,
        averaging: &Averaging,
        batch: &BatchMoments<S>,
        moment: ForwardMoment,
    ) {
        let batch = batch.to_f64();
        let Some(ratios) = batch.ratios(moment) else {
            self.degenerate += 1;
            return;
        };
        let reach = averaging.width() * self.f2.value.sqrt();
        self.mu.update(averaging, batch.m1, (self.mu.value - reach, self.mu.value + reach));
        self.f2.relative(averaging, batch.m2);
        self.rho.relative(averaging, ratios.forward);
        self.rho_prime.relative(averaging, ratios.backward);
    }

    /// ρ and ρ′; `None` before the first sound batch.
    pub fn ratios(&self) -> Option<Ratios<f64>> {
        (self.rho.steps > 0).then_some(Ratios { forward: self.rho.value, backward: self.rho_prime.value })
    }

    /// λ of the averaged ratios, and the averaged μ; `None` before the first sound batch.
    pub fn applied(&self) -> Option<Applied> {
        let ratios = self.ratios()?;
        Some(Applied { lambda: factor(ratios.forward, ratios.backward)?, mu: self.mu.value })
    }
}

/// The running statistics of a layer: one entry per group.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RunningStatistics {
    /// In group order; empty before the first batch.
    pub groups: Vec<GroupAverages>,
}

impl RunningStatistics {
    /// No batch seen yet by any of `groups` groups.
    pub fn new(groups: usize) -> Self {
        Self { groups: vec![GroupAverages::default(); groups] }
    }

    /// Everything as plain numbers, group by group, for a file. Counts are exact up to 2⁵³.
    pub fn to_numbers(&self) -> Vec<f64> {
        let average = |a: &Average| [a.value, a.steps as f64, a.out_of_bounds as f64];
        let group = |g: &GroupAverages| {
            let averages = [g.mu, g.f2, g.rho, g.rho_prime].iter().flat_map(average).collect::<Vec<_>>();
            averages.into_iter().chain([g.degenerate as f64])
        };
        self.groups.iter().flat_map(group).collect()
    }

    /// The inverse of [`RunningStatistics::to_numbers`].
    pub fn of_numbers(numbers: &[f64]) -> Self {
        let group = |n: &[f64; 13]| {
            let average =
                |i: usize| Average { value: n[i], steps: n[i + 1] as u64, out_of_bounds: n[i + 2] as u64 };
            GroupAverages {
                mu: average(0),
                f2: average(3),
                rho: average(6),
                rho_prime: average(9),
                degenerate: n[12] as u64,
            }
        };
        Self { groups: numbers.as_chunks().0.iter().map(group).collect() }
    }

    /// Takes the moments of one batch.
    ///
    /// # Errors
    /// A number of groups other than that of earlier batches.
    pub fn update<S: Scalar>(
        &mut self,
        averaging: &Averaging,
        batch: &[BatchMoments<S>],
        moment: ForwardMoment,
    ) -> Result<()> {
        if self.groups.is_empty() {
            self.groups = vec![GroupAverages::default(); batch.len()];
        }
        if self.groups.len() != batch.len() {
            return Err(Error::Argument {
                op: "running statistics",
                what: format!("moments of {} groups given", batch.len()),
                legal: format!("{}, as before", self.groups.len()),
            });
        }
        self.groups.iter_mut().zip(batch).for_each(|(group, batch)| group.update(averaging, batch, moment));
        Ok(())
    }

    /// λ and μ of every group; the plain function where nothing sound was seen yet.
    pub fn applied(&self) -> Vec<Applied> {
        self.groups.iter().map(|g| g.applied().unwrap_or_default()).collect()
    }

    /// Degenerate batches, summed over the groups.
    pub fn degenerate(&self) -> u64 {
        self.groups.iter().map(|g| g.degenerate).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A batch with Var[z] = 1 and the given moments of f.
    fn batch(m1: f64, m2: f64, d2: f64) -> BatchMoments<f64> {
        BatchMoments { count: 64, m1, m2, f_var: m2 - m1 * m1, d2, z_mean: 0.0, z_var: 1.0 }
    }

    fn after(guard: Guard, batches: impl IntoIterator<Item = BatchMoments<f64>>) -> GroupAverages {
        let mut group = GroupAverages::default();
        let averaging = Averaging { guard, ..Averaging::default() };
        batches.into_iter().for_each(|b| group.update(&averaging, &b, ForwardMoment::Raw));
        group
    }

    proptest! {
        /// Adam's rule: m ← βm + (1 − β)x from m = 0, then m/(1 − βᵗ), as long as no bound is met.
        #[test]
        fn the_average_is_adams(x in prop::collection::vec(0.9..1.1f64, 1..60), beta in 0.0..0.99f64) {
            let averaging = Averaging { momentum: beta, lower: 0.0, upper: f64::INFINITY, guard: Guard::Clamp };
            let (mut group, mut m, mut power) = (GroupAverages::default(), 0.0, 1.0);
            for &x in &x {
                group.update(&averaging, &batch(0.0, x, x * x), ForwardMoment::Raw);
                (m, power) = (beta * m + (1.0 - beta) * x, power * beta);
                prop_assert!((group.rho.value - m / (1.0 - power)).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn the_first_batch_is_taken_as_it_is() {
        let group = after(Guard::Clamp, [batch(-0.3, 7.0, 0.02)]);
        assert_eq!((group.mu.value, group.rho.value, group.rho_prime.value), (-0.3, 7.0, 0.02));
        assert_eq!(group.applied().unwrap().lambda, factor(7.0, 0.02).unwrap());
    }

    /// A shift to four times the second moment: rejecting freezes, clamping arrives, at most U per step.
    #[test]
    fn after_a_shift_rejecting_freezes_and_clamping_follows() {
        let shifted =
            |steps| (0..20).map(|_| batch(0.1, 1.0, 0.5)).chain((0..steps).map(|_| batch(0.1, 4.0, 0.5)));
        let frozen = after(Guard::Reject, shifted(100_000));
        assert!((frozen.rho.value - 1.0).abs() < 1e-12);
        assert_eq!((frozen.rho.steps, frozen.rho.out_of_bounds), (20, 100_000));

        let mut previous = after(Guard::Clamp, shifted(0)).rho.value;
        for steps in 1..=60 {
            let now = after(Guard::Clamp, shifted(steps)).rho.value;
            assert!(
                previous < now && now <= 1.2 * previous * (1.0 + 1e-12),
                "step {steps}: {previous} to {now}"
            );
            // While clamped, exactly β + (1 − β)U, up to what is left of the bias correction.
            assert!(now > 3.2 || (now / previous - 1.02).abs() < 0.005, "step {steps}: {}", now / previous);
            previous = now;
        }
        assert!((after(Guard::Clamp, shifted(300)).rho.value / 4.0 - 1.0).abs() < 1e-6);
    }

    /// An odd function's mean changes its sign by chance; the average must be able to follow through 0.
    #[test]
    fn mu_can_cross_zero() {
        let batches = (0..5).map(|_| batch(0.05, 1.0, 0.5)).chain((0..200).map(|_| batch(-0.05, 1.0, 0.5)));
        let group = after(Guard::Clamp, batches);
        assert!((group.mu.value + 0.05).abs() < 1e-6, "{}", group.mu.value);
        assert_eq!(group.mu.out_of_bounds, 0);
        // And the bound is there: from 0, one batch moves μ by at most the weight times 0.2·√E[f²].
        let jump = after(Guard::Clamp, [batch(0.0, 1.0, 0.5), batch(0.9, 1.0, 0.5)]);
        assert_eq!(jump.mu.out_of_bounds, 1);
        assert!((jump.mu.value - 0.2 * 0.1 / (1.0 - 0.81)).abs() < 1e-14);
    }

    #[test]
    fn degenerate_batches_are_counted_and_change_nothing() {
        let mut group = after(Guard::Clamp, [batch(0.1, 1.0, 0.5)]);
        let before = group;
        let constant = BatchMoments { z_var: 0.0, ..batch(0.1, 1.0, 0.5) };
        let dead = batch(0.0, 0.0, 0.0);
        let wild = batch(f64::NAN, f64::INFINITY, 0.5);
        for (count, bad) in (1..).zip([constant, dead, wild]) {
            group.update(&Averaging::default(), &bad, ForwardMoment::Raw);
            assert_eq!(group, GroupAverages { degenerate: count, ..before });
        }
        assert_eq!(after(Guard::Clamp, [dead]).applied(), None);
    }

    #[test]
    fn settings_are_checked_and_state_survives_serialisation() {
        assert!(Averaging::default().checked().is_ok());
        for bad in [
            Averaging { momentum: 1.0, ..Averaging::default() },
            Averaging { momentum: f64::NAN, ..Averaging::default() },
            Averaging { lower: 1.1, ..Averaging::default() },
            Averaging { upper: 0.9, ..Averaging::default() },
        ] {
            assert!(bad.checked().is_err(), "{bad:?}");
        }
        let mut state = RunningStatistics::default();
        state.update(&Averaging::default(), &[batch(0.1, 1.0, 0.3); 3], ForwardMoment::Raw).unwrap();
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<RunningStatistics>(&text).unwrap(), state);
        assert!(state.update(&Averaging::default(), &[batch(0.1, 1.0, 0.3)], ForwardMoment::Raw).is_err());
        assert_eq!(state.applied().len(), 3);
    }
}
