//! Many random functions checked at once.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;

use super::geometry::Geometry;
use super::graph::{Graph, Plan};
use super::outcome::Outcome;
use super::planted::Bug;
use crate::check::{self, Report};
use crate::error::Result;
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

/// One function to be checked.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A graph of several ops.
    Graph(Graph),
    /// One op.
    Geometry(Geometry),
}

impl Subject {
    /// Checks it by every route.
    ///
    /// # Errors
    /// It cannot be evaluated.
    pub fn check(&self) -> Result<Report> {
        match self {
            Self::Graph(graph) => check::run(&graph.case()),
            Self::Geometry(geometry) => geometry.check(),
        }
    }

    /// The ops it is made of, under their registered names.
    ///
    /// # Panics
    /// As [`Graph::read`].
    pub fn op_names(&self) -> Vec<&'static str> {
        match self {
            Self::Graph(graph) => graph.op_names(),
            Self::Geometry(geometry) => vec![geometry.op_name()],
        }
    }

    /// What it is: a line for each step.
    pub fn listing(&self) -> String {
        match self {
            Self::Graph(graph) => format!("{graph:?}"),
            Self::Geometry(geometry) => format!("{geometry:?}\n"),
        }
    }

    /// The step with which `is_wrong` begins to be true, when the graph grows step by step: its op, and its line.
    pub fn culprit(&self, is_wrong: impl Fn(&Report) -> bool) -> (&'static str, String) {
        match self {
            Self::Geometry(geometry) => (geometry.op_name(), format!("{:?}", geometry.kind)),
            Self::Graph(graph) => {
                let begins = |k: &usize| {
                    let part = Self::Graph(graph.first(k + 1));
                    caught(|| part.check()).is_ok_and(|report| is_wrong(&report))
                };
                match (0..graph.steps.len()).find(begins) {
                    Some(k) => (graph.op_names()[k], graph.line(k)),
                    None => ("leaf", "the inputs".into()),
                }
            }
        }
    }
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
        if index >= self.graphs {
            return Subject::Geometry(Geometry::drawn(self.seed, index - self.graphs));
        }
        let plan = Plan::drawn(self.seed, index);
        Subject::Graph(match self.planted {
            Some(bug) => Graph::read(plan.planted(index as usize)).with_bug(bug),
            None => Graph::read(plan),
        })
    }

    /// Checks function `index` alone. What refuses its inputs or panics is a failure like others.
    pub fn only(&self, index: u64) -> Outcome {
        let mut outcome = Outcome::default();
        let is_graph = index < self.graphs;
        let count = if is_graph { &mut outcome.graphs } else { &mut outcome.geometries };
        *count += 1;
        let checked = caught(|| {
            let subject = self.subject(index);
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

/// What `check` reports; if it refuses, that is a failure in the report, and if it panics, the text is an error.
fn caught(check: impl FnOnce() -> Result<Report>) -> std::result::Result<Report, String> {
    match catch_unwind(AssertUnwindSafe(check)) {
        Ok(Ok(report)) => Ok(report),
        Ok(Err(error)) => Ok(Report { failures: vec![format!("refused: {error}")], ..Report::default() }),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            Err(text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words").into())
        }
    }
}
