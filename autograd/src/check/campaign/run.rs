//! Many random functions checked at once.

use rayon::prelude::*;

use super::geometry::Geometry;
use super::graph::{Graph, Plan};
use super::outcome::{Outcome, ROUTES, Route, Worst};
use super::planted::Bug;
use super::subject::{Subject, caught};
use crate::ops::OPS;
use crate::ops::activation::ACTIVATIONS;

/// Random graphs and, behind them, random geometries, counted from 0. What is checked under an index depends on it and the
/// seed; a geometry's own stream is counted from the first of them.
#[derive(Debug, Clone, Copy)]
pub struct Campaign {
    /// What everything is drawn from.
    pub seed: u64,
    /// How many graphs.
    pub graphs: u64,
    /// How many geometries.
    pub geometries: u64,
    /// An op with this bug is put into every graph, to see whether it is found.
    pub planted: Option<Bug>,
}

impl Campaign {
    /// How many functions are checked.
    pub fn len(&self) -> u64 {
        self.graphs.saturating_add(self.geometries)
    }

    /// Whether there is nothing to check.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is checked under `index`.
    ///
    /// # Panics
    /// As [`Graph::read`].
    pub fn subject(&self, index: u64) -> Subject {
        self.drawn(index).0
    }

    /// What is checked under `index`, and how often its numbers were drawn anew.
    fn drawn(&self, index: u64) -> (Subject, u64) {
        if index >= self.graphs {
            let (geometry, redrawn) = Geometry::drawn(self.seed, index - self.graphs);
            return (Subject::Geometry(geometry), redrawn);
        }
        let plan = Plan::drawn(self.seed, index);
        let graph = match self.planted {
            Some(bug) => Graph::read(plan.planted(index as usize)).with_bug(bug),
            None => Graph::read(plan),
        };
        (Subject::Graph(graph), 0)
    }

    /// The op and the step with which `worst`, an error of `ROUTES[route]`, comes in; `None` where it is 0.
    ///
    /// # Panics
    /// As [`Graph::read`].
    pub fn origin(&self, route: usize, worst: &Worst) -> Option<(&'static str, String)> {
        let Route { error, allowed, .. } = ROUTES[route];
        // Not equal to 0: a NaN comes from somewhere, too.
        (worst.error != 0.0)
            .then(|| self.subject(worst.index).culprit(|report| worst.is_in(error(report), allowed)))
    }

    /// Checks function `index` alone. What refuses its inputs or panics is a failure like others.
    pub fn only(&self, index: u64) -> Outcome {
        let mut outcome = Outcome::default();
        let is_graph = index < self.graphs;
        let count = if is_graph { &mut outcome.graphs } else { &mut outcome.geometries };
        *count += 1;
        let checked = caught(|| {
            let (subject, redrawn) = self.drawn(index);
            outcome.redrawn = redrawn;
            if let Subject::Graph(graph) = &subject {
                outcome.left_out = graph.left_out();
            }
            let names = subject.op_names();
            outcome.steps += names.len() as u64;
            names.into_iter().for_each(|name| *outcome.ops.entry(name).or_default() += 1);
            subject.check()
        });
        match checked {
            Ok(report) => outcome.add_report(index, report),
            Err(text) => outcome.add_panic(index, &text),
        }
        outcome
    }

    /// Checks all of them, on all threads of the pool; `done` is told how many are ready, from any thread.
    pub fn run(&self, done: impl Fn(u64) + Sync) -> Outcome {
        let check = |index| {
            let outcome = self.only(index);
            done(1);
            outcome
        };
        (0..self.len()).into_par_iter().map(check).reduce(Outcome::default, Outcome::joined)
    }

    /// The registered ops and activations that `outcome` says nothing about.
    pub fn missing(outcome: &Outcome) -> Vec<&'static str> {
        let known = OPS.iter().map(|o| o.name).chain(ACTIVATIONS.iter().map(|a| a.name));
        known.filter(|name| !outcome.ops.contains_key(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_campaign_of_nothing_is_empty() {
        for (graphs, geometries, is_empty) in [(0, 0, true), (1, 0, false), (0, 1, false)] {
            let campaign = Campaign { seed: 1, graphs, geometries, planted: None };
            assert_eq!(campaign.is_empty(), is_empty);
        }
    }
}
