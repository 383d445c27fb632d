//! What a campaign found.

use std::collections::BTreeMap;

use super::graph::LeftOut;
use crate::check::Report;

/// One number of a [`Report`].
#[derive(Debug)]
pub struct Route {
    /// What commands call it.
    pub name: &'static str,
    /// Under which name programs find it.
    pub key: &'static str,
    /// Reads it.
    pub error: fn(&Report) -> f64,
}

/// Every route of the checker, in the order of [`Report`], which says what is allowed.
pub const ROUTES: [Route; 5] = [
    Route { name: "dual numbers", key: "dual", error: |r| r.dual },
    Route { name: "finite differences", key: "difference", error: |r| r.difference },
    Route { name: "H symmetry", key: "second_symmetry", error: |r| r.second_symmetry },
    Route { name: "H differences", key: "second_difference", error: |r| r.second_difference },
    Route { name: "f32 against f64", key: "single", error: |r| r.single },
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
    /// The worst error of each of [`ROUTES`].
    pub worst: [Option<Worst>; ROUTES.len()],
    /// What is wrong, in the order of indices.
    pub failures: Vec<Failure>,
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
        self.worst.iter_mut().zip(other.worst).for_each(|(worst, other)| take_worse(worst, other));
        self.failures.extend(other.failures);
        self
    }
}

/// A NaN is worse than any number.
fn take_worse(worst: &mut Option<Worst>, other: Option<Worst>) {
    let rank = |w: &Option<Worst>| w.map(|w| if w.error.is_nan() { f64::INFINITY } else { w.error });
    let is_worse = match (rank(worst), rank(&other)) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(worst), Some(other)) => other > worst,
    };
    if is_worse {
        *worst = other;
    }
}
