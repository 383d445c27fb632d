//! The integrals by quadrature: the function at one point, and which rule is taken.
//!
//! A function without kinks that is not too narrow for it goes to the trapezoidal rule (`trapezoid.rs`), which has no
//! equal for analytic functions times a normal density; where that does not converge, and for everything else, panels are
//! halved until rules agree (`panels.rs`).

use autograd::{Elementwise, Jet};

use super::integrands::{COUNT, Factors, Integrals, Moved};
use super::rounded::{self, UNIT};
use super::rules::five;
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

/// The factors of all integrands at a point, and how they were rounded.
pub(super) struct Sample {
    pub(super) factors: Factors<f64>,
    moved: Moved,
}

impl Sample {
    /// The rounding of every integrand times the density.
    pub(super) fn noise(&self) -> [f64; COUNT] {
        let of_density = UNIT * rounded::of_density(self.factors.e);
        self.factors.rounded(&self.moved).products().map(|x| x.noise + of_density * x.value.abs())
    }
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

    /// Over the whole line.
    pub(super) fn whole(&self) -> Integrals {
        trapezoid::whole(self).unwrap_or_else(|| self.over(f64::NEG_INFINITY, f64::INFINITY))
    }

    /// Over z from `low` to `high`. NaN is passed on.
    pub(super) fn over(&self, low: f64, high: f64) -> Integrals {
        panels::over(self, low, high)
    }

    /// The factors at a point, whose z is known to its last place if `z_is_own`, else to that of m.
    pub(super) fn sample(&self, Point { e, z }: Point, z_is_own: bool) -> Sample {
        let (h, pivot) = (self.std * e, &self.pivot);
        let jet = self.function.at(z);
        let (f, p, q) = (jet.f(), jet.df, jet.d2f);
        let (mut d, mut p_moved) = ((jet.limit - pivot.limit) + (jet.rest - pivot.rest), p - pivot.df);
        let mut r = p * h - d;
        let off = z.abs() + if z_is_own { 0.0 } else { self.mean.abs() };
        let at_mean = self.mean.abs();
        let mut moved = Moved {
            z: off,
            d: (jet.limit - pivot.limit).abs()
                + jet.rest.abs()
                + pivot.rest.abs()
                + off * p.abs()
                + at_mean * pivot.df.abs(),
            p_moved: p.abs() + pivot.df.abs() + off * q.abs() + at_mean * pivot.d2f.abs(),
        };
        let is_between = |k: f64| (k - self.mean) * (k - z) < 0.0;
        if self.std <= NARROW && !self.kinks.iter().any(|&k| is_between(k)) {
            let mut sums = [0.0; 3];
            for &(x, w) in five() {
                let Jet { df, d2f, .. } = self.function.at(self.mean + h * x);
                sums[0] += w * df;
                sums[1] += w * d2f;
                sums[2] += w * x * d2f;
            }
            let by_slopes = [h * sums[0], h * sums[1], h * h * sums[2]];
            // Taken only where it agrees with the plain difference up to the rounding of that.
            if (by_slopes[0] - d).abs() <= 16.0 * f64::EPSILON * (f.abs() + moved.d) {
                [d, r] = [by_slopes[0], by_slopes[2]];
                // A rounding of m moves f′ by m·f″.
                moved.d = at_mean * (h * q).abs();
                // f′ may jump at m itself.
                if (by_slopes[1] - p_moved).abs() <= 16.0 * f64::EPSILON * moved.p_moved {
                    p_moved = by_slopes[1];
                    moved.p_moved = 0.0;
                }
            }
        }
        Sample { factors: Factors { z, e, f, d, p, p_moved, q, r }, moved }
    }
}

/// Weighted sums of the integrands, of their absolute values and of their rounding.
pub(super) struct Sums {
    pub(super) value: [f64; COUNT],
    pub(super) size: [f64; COUNT],
    pub(super) noise: [f64; COUNT],
}

impl Sums {
    pub(super) const ZERO: Self = Self { value: [0.0; COUNT], size: [0.0; COUNT], noise: [0.0; COUNT] };

    pub(super) fn add(&mut self, weight: f64, values: &[f64; COUNT]) {
        for (k, x) in values.iter().enumerate() {
            self.value[k] += weight * x;
            self.size[k] += weight * x.abs();
        }
    }

    pub(super) fn add_noise(&mut self, weight: f64, sample: &Sample) {
        let noise = sample.noise();
        (0..COUNT).for_each(|k| self.noise[k] += weight * noise[k]);
    }
}

/// The error of the finer of two sums of which the finer squares the coarser's relative error: ten times that square.
pub(super) fn squared(fine: f64, coarse: f64, size: f64) -> f64 {
    let difference = (fine - coarse).abs();
    if size > 0.0 { difference.min(10.0 * difference * (difference / size)) } else { difference }
}
