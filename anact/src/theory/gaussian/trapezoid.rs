//! The trapezoidal rule over the whole line, for analytic functions that are not narrow beside s.
//!
//! For g analytic in the strip |Im ε| < a the rule's error falls like e^{−2πa/h}, and the normal density adds e^{−2π²/h²}:
//! halving h squares the relative error, at least. So h goes from 1 to 1/16 standard deviations, the nodes of one step
//! being among those of the next, until ten times the square of the relative difference of two steps is below 10⁻¹⁶ of
//! every integral. A narrow feature makes two steps disagree: f steps there, or its derivatives do.
//!
//! Source: Trefethen and Weideman, *The exponentially convergent trapezoidal rule* (2014), theorem 5.1.

use std::f64::consts::TAU;
use std::sync::OnceLock;

use super::integrands::{COUNT, Integrals};
use super::quadrature::{Point, Quadrature, Sums, TOLERANCE, add, squared};

/// Nodes in one standard deviation at the smallest step.
const FINEST: i32 = 16;
/// Standard deviations to each side: the mass outside is below 10⁻²⁷.
const REACH: i32 = 11;
/// Standard deviations that an integrand which falls towards z = 0 may have between m and 0.
const FARTHEST: f64 = 12.0;
/// Standard deviations beyond which nothing can weigh anything.
pub(super) const FAR: f64 = 60.0;
/// Beyond this s the activations' poles, an imaginary π/2 from 0, are too near.
const WIDEST: f64 = 3.0;

/// The normal density at k/[`FINEST`].
fn density(k: i32) -> f64 {
    const LENGTH: usize = (2 * REACH * FINEST) as usize + 1;
    static TABLE: OnceLock<[f64; LENGTH]> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        std::array::from_fn(|k| {
            let e = k as f64 / f64::from(FINEST);
            (-0.5 * e * e).exp() / TAU.sqrt()
        })
    });
    table[k.unsigned_abs() as usize]
}

/// The integrals; `None` where this is not the rule for them.
pub(super) fn whole(job: &Quadrature<'_>) -> Option<Integrals> {
    let zero = -job.mean / job.std;
    let has_kink = job.kinks.iter().any(|k| (k - job.mean).abs() < FAR * job.std);
    // Where z = 0 is further away it cannot matter, unless f falls towards it faster than the density does from m.
    let is_far = FARTHEST < zero.abs() && zero.abs() < FAR;
    if has_kink || job.std > WIDEST || is_far {
        return None;
    }
    let (mut low, mut high) = (-REACH, REACH);
    if zero.abs() <= FARTHEST {
        let beyond = zero.round() as i32;
        (low, high) = (low.min(beyond - REACH + 2), high.max(beyond + REACH - 2));
    }
    let [mut value, mut size, mut noise]: [Sums; 3] = [[0.0; COUNT]; 3];
    let mut step = FINEST;
    loop {
        // At the first step all of its nodes, then those between.
        let is_first = step == FINEST;
        let (from, stride) = if is_first { (0, step) } else { (step, 2 * step) };
        let before = value;
        // Half a standard deviation is fine enough for how large things are and how rounding adds up.
        let is_coarse = 2 * step >= FINEST;
        for k in (low * FINEST + from..=high * FINEST).step_by(stride as usize) {
            let e = f64::from(k) / f64::from(FINEST);
            let sample = job.sample(Point { e, z: job.mean + job.std * e }, false);
            let (weight, values) = (density(k), sample.factors.products());
            add(&mut value, weight, &values);
            if is_coarse {
                add(&mut size, weight, &values.map(f64::abs));
                add(&mut noise, weight, &job.noise(&sample));
            }
        }
        let h = f64::from(step) / f64::from(FINEST);
        if !is_first {
            let value = value.map(|x| h * x);
            let [size, noise] = [size, noise].map(|sums| sums.map(|x| 0.5 * x));
            let error: Sums = std::array::from_fn(|k| squared(value[k], 2.0 * h * before[k], size[k]));
            if (0..COUNT).all(|k| error[k] <= (TOLERANCE * size[k]).max(noise[k])) {
                let rounding = |k: usize| error[k] + f64::EPSILON * size[k];
                return Some(Integrals { value, error: std::array::from_fn(rounding), noise });
            }
        }
        if step == 1 {
            return None;
        }
        step /= 2;
    }
}

#[cfg(test)]
mod tests {
    use autograd::ops::activation::{Relu, Swish, Tanh};

    use super::*;
    use crate::theory::gaussian::quadrature::Integrand;

    /// Panels would find the same numbers, only slower.
    #[test]
    fn analytic_functions_need_no_other_rule() {
        for (mean, std) in [(0.0, 1.0), (0.5, 2.0), (-3.0, 0.5), (1.0, 1e-3)] {
            for function in [&Swish { beta: 1.0 } as &dyn Integrand, &Tanh] {
                let found = whole(&Quadrature::new(function, mean, std));
                assert!(found.is_some(), "N({mean}, {std}²)");
            }
        }
    }

    #[test]
    fn wide_densities_and_kinks_are_left_to_panels() {
        let tanh = Quadrature::new(&Tanh, 0.0, 1.0);
        assert!(whole(&Quadrature { std: 2.0 * WIDEST, ..tanh }).is_none());
        assert!(whole(&Quadrature::new(&Relu, 0.0, 1.0)).is_none(), "a kink");
    }
}
