//! What has to be known of a group's runs.

use std::sync::Arc;

use serde_json::Value;

use super::run_record::RunRecord;

/// What was remarked of the data of `runs`, and in what their programs and machines differ.
pub(super) fn remarks(runs: &[Arc<RunRecord>]) -> Vec<String> {
    let mut remarks = Vec::new();
    let said = runs.iter().map(AsRef::as_ref).flat_map(|run: &RunRecord| {
        run.data_remarks().into_iter().map(move |remark| (remark.to_string(), run))
    });
    for (remark, those) in together(said) {
        let of = if those.len() == runs.len() { String::new() } else { format!(" (of {})", names(&those)) };
        remarks.push(format!("data: {remark}{of}"));
    }
    for (key, what) in [
        ("version", "the version"),
        ("git_commit", "the commit"),
        ("git_dirty", "changes since the commit"),
        ("cpu", "the processor"),
        ("platform", "the platform"),
    ] {
        let value = |run: &RunRecord| match run.config.get("versions").and_then(|versions| versions.get(key))
        {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => "unknown".into(),
        };
        let values = together(runs.iter().map(|run| (value(run), run.as_ref())));
        if values.len() > 1 {
            let of: Vec<_> =
                values.iter().map(|(value, those)| format!("{value} of {}", names(those))).collect();
            remarks.push(format!("runs differ in {what}: {}", of.join("; ")));
        }
    }
    remarks
}

/// Runs by what they say, in the order in which it was said.
fn together<'r>(said: impl Iterator<Item = (String, &'r RunRecord)>) -> Vec<(String, Vec<&'r RunRecord>)> {
    let mut all: Vec<(String, Vec<&RunRecord>)> = Vec::new();
    for (words, run) in said {
        match all.iter_mut().find(|(known, _)| *known == words) {
            Some((_, runs)) => runs.push(run),
            None => all.push((words, vec![run])),
        }
    }
    all
}

/// The first few by name.
fn names(runs: &[&RunRecord]) -> String {
    const NAMED: usize = 4;
    let first: Vec<String> = runs.iter().take(NAMED).map(|run| run.name()).collect();
    match runs.len().saturating_sub(NAMED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
