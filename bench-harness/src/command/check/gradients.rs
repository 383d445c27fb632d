//! Every registered op through the gradient checker.

use autograd::check::{self, Report, worse};
use autograd::ops::{GRADIENT_OPS, OPS, OpEntry, activation::ACTIVATIONS};

use serde_json::json;

use super::legend;
use crate::command::output::Output;
use crate::error::{Error, Result};
use crate::table::{Table, sig};

/// Checks all ops, activations and normalized nodes, or the one called `only`, and prints the worst of each.
pub(super) fn run(only: Option<&str>, output: Output) -> Result<()> {
    let ops = OPS.iter().chain(anact::NODES).chain(anact::rivals::OPS).copied();
    let activations =
        ACTIVATIONS.iter().map(|a| OpEntry { name: a.name, formula: a.formula, cases: a.cases });
    let all: Vec<OpEntry> = ops.chain(activations).collect();
    if let Some(op) = GRADIENT_OPS.iter().find(|o| only == Some(o.name)) {
        let legal =
            "another op: this one changes gradients on purpose and has no derivative to be checked against";
        return Err(Error::Setting { setting: "--op", value: op.name.into(), legal: legal.into() });
    }
    // On a tape the node with given and the one with batch statistics have one name.
    let is_meant = |name: &str, o: &OpEntry| {
        o.name == name || name == anact::node::NAME && anact::NODES.iter().any(|n| n.name == o.name)
    };
    if let Some(name) = only.filter(|name| !all.iter().any(|o| is_meant(name, o))) {
        return Err(autograd::Error::unknown("op", name, all.iter().map(|o| o.name)).into());
    }
    let mut table = Table::new()
        .text("op")
        .number("cases")
        .number("dual numbers")
        .number("finite differences")
        .number("H symmetry")
        .number("H differences")
        .number("f32 against f64")
        .text("verdict");
    let (mut failures, mut worst, mut checked) = (Vec::new(), 0.0f64, Vec::new());
    for op in all.into_iter().filter(|o| only.is_none_or(|only| is_meant(only, o))) {
        let cases = (op.cases)();
        let mut summary = Report::default();
        for case in &cases {
            let report = check::run(case)?;
            summary.dual = worse(summary.dual, report.dual);
            summary.difference = worse(summary.difference, report.difference);
            summary.second_symmetry = worse(summary.second_symmetry, report.second_symmetry);
            summary.second_difference = worse(summary.second_difference, report.second_difference);
            summary.single = worse(summary.single, report.single);
            summary.failures.extend(report.failures.iter().map(|f| format!("{}: {f}", case.name())));
        }
        worst = worse(worst, worse(summary.dual, summary.second_symmetry));
        checked.push(json!({
            "op": op.name,
            "cases": cases.len(),
            "dual": summary.dual,
            "difference": summary.difference,
            "second_symmetry": summary.second_symmetry,
            "second_difference": summary.second_difference,
            "single": summary.single,
            "failures": summary.failures,
        }));
        let verdict = if summary.failures.is_empty() { "ok" } else { "WRONG" };
        let second = [summary.second_symmetry, summary.second_difference];
        let numbers = [summary.dual, summary.difference, second[0], second[1], summary.single];
        let numbers = numbers.map(|x| sig(x, 2));
        table.row(
            [op.name.to_string(), cases.len().to_string()]
                .into_iter()
                .chain(numbers)
                .chain([verdict.to_string()]),
        );
        failures.append(&mut summary.failures);
    }
    output.result(&json!({ "ops": checked, "worst_dual": worst, "right": failures.is_empty() }), || {
        let end = match failures.is_empty() {
            true => format!("\nall right; worst dual-number error {}", sig(worst, 2)),
            false => String::new(),
        };
        format!("Worst error of each op. {}\n\n{table}{end}", legend())
    });
    if failures.is_empty() {
        return Ok(());
    }
    Err(Error::CheckFailed(format!("{} checks failed:\n  {}", failures.len(), failures.join("\n  "))))
}
