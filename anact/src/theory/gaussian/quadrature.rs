//! The integrals by quadrature: the function at one point, and which rule is taken.
//!
//! A function without kinks that is not too narrow for it goes to the trapezoidal rule (`trapezoid.rs`), which has no
//! equal for analytic functions times a normal density; where that does not converge, and for everything else, panels are
//! halved until rules agree (`panels.rs`).

use autograd::{Elementwise, Jet};

use super::integrands::{COUNT, Factors, Integrals, Moved};
use super::rounded::{self, UNIT};
use super::rules::five;
use super::trapezoid::FAR;
use super::{panels, trapezoid};

/// The error at which a sum is accepted, relative to the integral of the absolute value.
pub(super) const TOLERANCE: f64 = 1e-16;
/// Below this s, differences of f and f′ are integrals of f′ and f″, which do not cancel.
pub(super) const NARROW: f64 = 1e-2;

/// What the loops need to know of a function; its type is forgotten, so they are compiled once.
pub(super) trait Integrand {
    /// f, f′ and f″ at z.
    fn at(&self, z: f64) -> Jet;
    fn kinks(&self) -> Vec<f64>;
}

impl<E: Elementwise> Integrand for E {
    fn at(&self, z: f64) -> Jet {
        self.jet(z)
    }
    fn kinks(&self) -> Vec<f64> {
        Elementwise::kinks(self)
    }
}

/// A place on the line in both coordinates, z = m + s·ε, since either may have been rounded away from the other.
#[derive(Clone, Copy)]
pub(super) struct Point {
    pub(super) e: f64,
    pub(super) z: f64,
}

impl Point {
    pub(super) fn middle(self, other: Self) -> Self {
        Self { e: 0.5 * (self.e + other.e), z: 0.5 * (self.z + other.z) }
    }
}

/// The factors of all integrands at a point, and how they were made.
pub(super) struct Sample {
    pub(super) factors: Factors<f64>,
    jet: Jet,
    /// Whether z is known to its last place, or only to that of m.
    z_is_own: bool,
    /// Whether d and p̃ are integrals, not differences.
    is_exact: [bool; 2],
}

/// A function under N(m, s²).
pub(super) struct Quadrature<'f> {
    pub(super) function: &'f dyn Integrand,
    pub(super) kinks: Vec<f64>,
    pub(super) mean: f64,
    pub(super) std: f64,
    /// At m.
    pub(super) pivot: Jet,
}

impl<'f> Quadrature<'f> {
    pub(super) fn new(function: &'f dyn Integrand, mean: f64, std: f64) -> Self {
        Self { function, kinks: function.kinks(), mean, std, pivot: function.at(mean) }
    }

    /// Over z from `low` to `high`. NaN is passed on.
    pub(super) fn over(&self, low: f64, high: f64) -> Integrals {
        let reach = FAR * self.std;
        let is_whole = low < self.mean - reach && self.mean + reach < high;
        let trapezoid = if is_whole { trapezoid::whole(self) } else { None };
        trapezoid.unwrap_or_else(|| panels::over(self, low, high))
    }

    /// The factors at a point, whose z is known to its last place if `z_is_own`, else to that of m.
    pub(super) fn sample(&self, Point { e, z }: Point, z_is_own: bool) -> Sample {
        let (h, pivot) = (self.std * e, &self.pivot);
        let jet = self.function.at(z);
        let (f, p, q) = (jet.f(), jet.df, jet.d2f);
        let (d, p_moved) = ((jet.limit - pivot.limit) + (jet.rest - pivot.rest), p - pivot.df);
        let factors = Factors { z, e, f, d, p, p_moved, q, r: p * h - d };
        let mut sample = Sample { factors, jet, z_is_own, is_exact: [false; 2] };
        if self.std <= NARROW {
            self.integrate_differences(&mut sample);
        }
        sample
    }

    /// Between m and z d is the integral of f′, p̃ that of f″ and r that of f″ weighted: nothing cancels.
    fn integrate_differences(&self, sample: &mut Sample) {
        let Factors { z, e, d, p_moved, .. } = sample.factors;
        let h = self.std * e;
        let is_between = |k: f64| (k - self.mean) * (k - z) < 0.0;
        if self.kinks.iter().any(|&k| is_between(k)) {
            return;
        }
        let mut sums = [0.0; 3];
        for &(x, w) in five() {
            let Jet { df, d2f, .. } = self.function.at(self.mean + h * x);
            sums[0] += w * df;
            sums[1] += w * d2f;
            sums[2] += w * x * d2f;
        }
        let by_slopes = [h * sums[0], h * sums[1], h * h * sums[2]];
        // Taken only where they agree with the plain differences up to the rounding of those.
        let agree = |by: f64, plain: f64, sizes: f64| (by - plain).abs() <= 16.0 * f64::EPSILON * sizes;
        let moved = self.moved(sample);
        if agree(by_slopes[0], d, sample.factors.f.abs() + moved.d) {
            (sample.factors.d, sample.factors.r) = (by_slopes[0], by_slopes[2]);
            // f′ may jump at m itself.
            let is_smooth = agree(by_slopes[1], p_moved, moved.p_moved);
            if is_smooth {
                sample.factors.p_moved = by_slopes[1];
            }
            sample.is_exact = [true, is_smooth];
        }
    }

    /// By what the factors were rounded.
    fn moved(&self, sample: &Sample) -> Moved {
        let Sample { factors: Factors { z, e, p, q, .. }, jet, .. } = sample;
        let (pivot, at_mean) = (&self.pivot, self.mean.abs());
        let z = z.abs() + if sample.z_is_own { 0.0 } else { at_mean };
        let subtracted = (jet.limit - pivot.limit).abs() + jet.rest.abs() + pivot.rest.abs();
        Moved {
            z,
            // What an argument off by a unit does; to an integral of f′, by f″.
            d: if sample.is_exact[0] {
                at_mean * (self.std * e * q).abs()
            } else {
                subtracted + z * p.abs() + at_mean * pivot.df.abs()
            },
            p_moved: if sample.is_exact[1] {
                0.0
            } else {
                p.abs() + pivot.df.abs() + z * q.abs() + at_mean * pivot.d2f.abs()
            },
        }
    }

    /// The rounding of every integrand times the density.
    pub(super) fn noise(&self, sample: &Sample) -> [f64; COUNT] {
        let of_density = UNIT * rounded::of_density(sample.factors.e);
        let products = sample.factors.rounded(&self.moved(sample)).products();
        products.map(|x| x.noise + of_density * x.value.abs())
    }
}

/// Weighted sums of the integrands.
pub(super) type Sums = [f64; COUNT];

/// Adds the integrands times a weight.
pub(super) fn add(sums: &mut Sums, weight: f64, values: &[f64; COUNT]) {
    sums.iter_mut().zip(values).for_each(|(sum, x)| *sum += weight * x);
}

/// The error of the finer of two sums of which the finer squares the coarser's relative error: ten times that square.
pub(super) fn squared(fine: f64, coarse: f64, size: f64) -> f64 {
    let difference = (fine - coarse).abs();
    if size > 0.0 { difference.min(10.0 * difference * (difference / size)) } else { difference }
}
