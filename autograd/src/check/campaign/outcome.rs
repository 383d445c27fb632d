//! What a campaign found.

use std::collections::BTreeMap;

use super::graph::{LeftOut, SINGLE_TOLERANCE};
use crate::check::{DUAL_TOLERANCE, Report};

/// One number of a [`Report`].
#[derive(Debug)]
pub struct Route {
    /// What commands call it.
    pub name: &'static str,
    /// Under which name programs find it.
    pub key: &'static str,
    /// Reads it.
    pub error: fn(&Report) -> f64,
    /// The largest that a graph may have.
    pub allowed: f64,
}

/// Every route of the checker, in the order of [`Report`].
pub const ROUTES: [Route; 5] = [
    Route { name: "dual numbers", key: "dual", error: |r| r.dual, allowed: DUAL_TOLERANCE },
    Route { name: "finite differences", key: "difference", error: |r| r.difference, allowed: 1.0 },
    Route {
        name: "H symmetry",
        key: "second_symmetry",
        error: |r| r.second_symmetry,
        allowed: DUAL_TOLERANCE,
    },
    Route { name: "H differences", key: "second_difference", error: |r| r.second_difference, allowed: 1.0 },
    Route { name: "f32 against f64", key: "single", error: |r| r.single, allowed: SINGLE_TOLERANCE },
];

/// The worst error of a route.
#[derive(Debug, Clone, Copy)]
pub struct Worst {
    /// As the route measures it.
    pub error: f64,
    /// Where.
    pub index: u64,
}

/// A function whose gradient is wrong, by one route at least.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Which.
    pub index: u64,
    /// What is wrong, in words.
    pub words: Vec<String>,
    /// The function could not even be made or checked, so nothing else is known of it.
    pub is_panic: bool,
}

/// What a campaign found.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Graphs that were checked.
    pub graphs: u64,
    /// Geometries that were checked.
    pub geometries: u64,
    /// Ops that these are made of, in all.
    pub steps: u64,
    /// How often each op occurs, by its registered name.
    pub ops: BTreeMap<&'static str, u64>,
    /// What was drawn for graphs and is in none.
    pub left_out: LeftOut,
    /// How often the numbers of a geometry were drawn anew, since a sum of them cancels (see
    /// [`Geometry::cancels`](super::Geometry::cancels)).
    pub redrawn: u64,
    /// The worst error of each of [`ROUTES`].
    pub worst: [Option<Worst>; ROUTES.len()],
    /// What is wrong, in the order of indices.
    pub failures: Vec<Failure>,
}

impl Worst {
    /// Whether `error`, of the first steps of that function, is this one. A rounding error is so from half of it on, since steps
    /// behind scale it a little; one beyond what is `allowed` from there on, however much steps behind make of it; a NaN if it is
    /// a NaN. An error of 0 comes from nowhere.
    pub(super) fn is_in(&self, error: f64, allowed: f64) -> bool {
        if self.error.is_nan() || error.is_nan() {
            return error.is_nan();
        }
        error > 0.0 && error >= (0.5 * self.error).min(allowed)
    }
}

impl Outcome {
    /// Adds what the check of function `index` said.
    pub(super) fn add_report(&mut self, index: u64, report: Report) {
        for (worst, route) in self.worst.iter_mut().zip(&ROUTES) {
            take_worse(worst, Some(Worst { error: (route.error)(&report), index }));
        }
        if !report.failures.is_empty() {
            self.failures.push(Failure { index, words: report.failures, is_panic: false });
        }
    }

    /// Adds that function `index` could not be checked.
    pub(super) fn add_panic(&mut self, index: u64, text: &str) {
        self.failures.push(Failure { index, words: vec![format!("panicked: {text}")], is_panic: true });
    }

    /// Both together. It does not matter where a campaign was divided: counts are sums, of equal errors the first stays, and
    /// failures stay in their order.
    pub(super) fn joined(mut self, other: Self) -> Self {
        self.graphs += other.graphs;
        self.geometries += other.geometries;
        self.steps += other.steps;
        other.ops.into_iter().for_each(|(name, count)| *self.ops.entry(name).or_default() += count);
        self.left_out.near_kinks += other.left_out.near_kinks;
        self.left_out.unfit += other.left_out.unfit;
        self.redrawn += other.redrawn;
        self.worst.iter_mut().zip(other.worst).for_each(|(worst, other)| take_worse(worst, other));
        self.failures.extend(other.failures);
        self
    }
}

/// A NaN is worse than any number.
fn take_worse(worst: &mut Option<Worst>, other: Option<Worst>) {
    let is_worse = |worst: &Worst, other: &Worst| {
        other.error > worst.error || (other.error.is_nan() && !worst.error.is_nan())
    };
    let is_taken = match (&*worst, &other) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(worst), Some(other)) => is_worse(worst, other),
    };
    if is_taken {
        *worst = other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nan_is_the_worst_and_the_first_of_equals_stays() {
        let worst_of = |errors: &[f64]| {
            let mut worst = None;
            let some = errors.iter().zip(0..).map(|(&error, index)| Some(Worst { error, index }));
            some.for_each(|other| take_worse(&mut worst, other));
            worst.expect("there are some").index
        };
        let (nan, infinity) = (f64::NAN, f64::INFINITY);
        assert_eq!(worst_of(&[1.0, 2.0, 2.0, 0.5]), 1);
        assert_eq!(worst_of(&[1.0, infinity, nan, infinity, nan]), 2);
        assert_eq!(worst_of(&[nan, infinity, 1.0]), 0);
    }

    #[test]
    fn an_error_is_found_again_where_it_comes_in() {
        let is_in = |worst: f64, error: f64| Worst { error: worst, index: 0 }.is_in(error, 0.1);
        assert!(is_in(1e-3, 1e-3) && is_in(1e-3, 6e-4) && !is_in(1e-3, 4e-4));
        // A comparison with NaN or with 0 alone would name the first step, whatever it is.
        assert!(is_in(f64::NAN, f64::NAN) && !is_in(f64::NAN, 1e-3) && !is_in(f64::NAN, f64::INFINITY));
        assert!(!is_in(0.0, 0.0) && !is_in(1e-3, 0.0));
        // A wrong op whose error is made larger by those behind it.
        assert!(is_in(7.0, 0.2) && !is_in(7.0, 0.05) && is_in(f64::INFINITY, 0.2));
    }
}
