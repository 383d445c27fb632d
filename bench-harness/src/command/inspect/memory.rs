//! `anact inspect --memory`: what a step takes, node by node and in total.

use serde_json::{Value, json};

use super::export::Exports;
use crate::command::data_set::load_noted;
use crate::command::output::say;
use crate::error::Result;
use crate::resident::Resident;
use crate::run::{Interrupt, Session, Settings, StepMemory};
use crate::table::{Table, bytes};

/// Runs step `step` and prints the bytes of the nodes that `pattern` names, else of all that take any.
pub(super) fn print(settings: &Settings, step: u64, pattern: Option<&str>, exports: &Exports) -> Result<()> {
    let data = load_noted(settings)?;
    let memory = Session::new(settings.clone(), &data)?.step_memory(step, pattern, &Interrupt::listen())?;
    let out = exports.output();
    out.say(rows(&memory));
    say!(
        out,
        "Step {step} of {} with {}, {} images. A buffer that several tensors share counts once, for the first of them;\n\
         values are freed after their last use on the way back.\n\n{}",
        settings.model,
        settings.activation,
        memory.batch,
        totals(&memory)
    );
    let at = memory.measured.peak_row().map_or("no node", |row| row.path.as_str());
    say!(out, "The peak is reached at {at}.");
    if let Some(resident) = Resident::read() {
        let [now, peak] = [resident.now, resident.peak].map(bytes);
        say!(out, "The process takes {now} now and took at most {peak}.");
    }
    exports.write_json(&|| Ok(format!("{:#}\n", json(&memory, settings, step))))
}

/// Everything in bytes.
fn json(memory: &StepMemory, settings: &Settings, step: u64) -> Value {
    let StepMemory { batch, planned, measured, chosen, optimiser } = memory;
    let row = |&i: &usize| {
        let r = &measured.rows[i];
        json!({
            "node": r.path, "op": r.op, "value": r.value, "saved": r.saved, "gradient": r.gradient,
            "held_forward": r.after_forward, "held_backward": r.in_backward,
        })
    };
    json!({
        "model": settings.model, "activation": settings.activation, "step": step, "batch": batch,
        "planned": { "forward": planned.forward(), "peak": planned.peak() },
        "measured": { "forward": measured.forward(), "peak": measured.peak() },
        "peak_at": measured.peak_row().map(|row| &row.path),
        "optimiser": optimiser,
        "nodes": chosen.iter().map(row).collect::<Vec<_>>(),
    })
}

fn rows(memory: &StepMemory) -> Table {
    let mut table = Table::new()
        .text("node")
        .number("value")
        .number("saved")
        .number("gradient")
        .number("held forward")
        .number("held backward");
    for row in memory.chosen.iter().map(|&i| &memory.measured.rows[i]) {
        let cells = [row.value, row.saved, row.gradient, row.after_forward, row.in_backward];
        table.row(
            std::iter::once(row.path.clone())
                .chain(cells.map(|n| if n == 0 { "·".into() } else { bytes(n as u64) })),
        );
    }
    table
}

fn totals(memory: &StepMemory) -> Table {
    let StepMemory { planned, measured, optimiser, .. } = memory;
    let mut table = Table::new().text("").number("planned").number("measured");
    let mut row = |name: &str, planned: usize, measured: usize| {
        table.row([name.to_string(), bytes(planned as u64), bytes(measured as u64)]);
    };
    row("held when the forward pass ends", planned.forward(), measured.forward());
    row("held at the peak", planned.peak(), measured.peak());
    row("and by the optimiser", *optimiser, *optimiser);
    table
}
