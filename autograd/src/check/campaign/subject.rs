//! One random function, and which of its steps is to blame.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::geometry::Geometry;
use super::graph::Graph;
use crate::check::{self, Report};
use crate::error::Result;

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

/// What `check` reports; if it refuses, that is a failure in the report, and if it panics, the text is an error.
pub(super) fn caught(check: impl FnOnce() -> Result<Report>) -> std::result::Result<Report, String> {
    match catch_unwind(AssertUnwindSafe(check)) {
        Ok(Ok(report)) => Ok(report),
        Ok(Err(error)) => Ok(Report { failures: vec![format!("refused: {error}")], ..Report::default() }),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            Err(text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words").into())
        }
    }
}
