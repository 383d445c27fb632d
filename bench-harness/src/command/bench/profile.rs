//! Where a step's time goes, by kind of op.

use std::time::Duration;

use autograd::inspect::Timing;
use serde::Serialize;

use crate::run::{StepMetrics, StepTimes};
use crate::table::{Table, sig};

/// The optimiser's row.
const OPTIMISER: &str = "optimiser";
/// Adding up the gradients of values that are used more than once.
const SUMS: &str = "gradient sums";
/// What is left: the tape, the layers between ops, buffers given back.
const OTHER: &str = "other";

/// Seconds per step of one kind of op.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) op: &'static str,
    /// Nodes of this kind in a step.
    pub(super) calls: u64,
    pub(super) forward_s: f64,
    pub(super) backward_s: f64,
    /// Of the whole step, optimiser included.
    pub(super) share: f64,
}

/// Means over the steps that were measured.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Profile {
    pub(super) forward_s: f64,
    pub(super) backward_s: f64,
    pub(super) optimiser_s: f64,
    /// The dearest first, `other` last.
    pub(super) rows: Vec<Row>,
}

impl Profile {
    /// Of timed steps; `None` if they were not.
    pub(super) fn of(steps: &[StepMetrics]) -> Option<Self> {
        let mut ops = Timing::default();
        for step in steps {
            ops.add(step.ops.as_ref()?);
        }
        let n = steps.len() as f64;
        let mean = |part: fn(&StepTimes) -> Duration| {
            steps.iter().map(|s| part(&s.times)).sum::<Duration>().as_secs_f64() / n
        };
        let (forward, backward) = (mean(|t| t.forward), mean(|t| t.backward));
        let optimiser = mean(|t| t.optimiser);
        let row = |op, calls, forward_s: f64, backward_s: f64| {
            let share = (forward_s + backward_s) / (forward + backward + optimiser);
            Row { op, calls, forward_s, backward_s, share }
        };
        let per_step = |d: Duration| d.as_secs_f64() / n;
        let timed = ops.ops().iter();
        let mut rows: Vec<Row> = timed
            .map(|(&op, t)| row(op, t.calls / steps.len() as u64, per_step(t.forward), per_step(t.backward)))
            .collect();
        rows.push(row(SUMS, 0, 0.0, per_step(ops.gradient_sums())));
        let rest = |whole: f64, part: fn(&Row) -> f64| whole - rows.iter().map(part).sum::<f64>();
        let other = row(OTHER, 0, rest(forward, |r| r.forward_s), rest(backward, |r| r.backward_s));
        rows.push(Row { share: optimiser / (forward + backward + optimiser), ..row(OPTIMISER, 0, 0.0, 0.0) });
        rows.sort_by(|a, b| b.share.total_cmp(&a.share));
        rows.push(other);
        Some(Self { forward_s: forward, backward_s: backward, optimiser_s: optimiser, rows })
    }

    pub(super) fn table(&self) -> Table {
        let mut table = Table::new().text("op").number("nodes").number("forward ms").number("of forward");
        table = table.number("backward ms").number("of backward").number("of the step");
        let percent = |part: f64, whole: f64| format!("{:.1} %", 100.0 * part / whole);
        for row in &self.rows {
            let nodes = if row.calls == 0 { String::new() } else { row.calls.to_string() };
            let mut cells = vec![row.op.to_string(), nodes];
            if row.op == OPTIMISER {
                cells.extend([String::new(), String::new(), String::new(), String::new()]);
            } else {
                cells.extend([sig(row.forward_s * 1e3, 3), percent(row.forward_s, self.forward_s)]);
                cells.extend([sig(row.backward_s * 1e3, 3), percent(row.backward_s, self.backward_s)]);
            }
            cells.push(percent(row.share, 1.0));
            table.row(cells);
        }
        table
    }
}
