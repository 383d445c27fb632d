//! Finished runs as one page: what they say in words, tables, learning curves, gradients by layer, confusion.
//!
//! [`Report`] is what the page carries, an object of format `anact-report/2`. Numbers of single runs are those of their records;
//! means, intervals and verdicts are those of [`Comparison`]; means over seeds in figures are the page's own.

mod page;
mod run;

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Result;
use crate::lab::{Comparison, Group, METRICS, Row, RunRecord, flatten, in_common, notes, plain_twin};
use crate::run::CAVEAT;
use run::{MOST_LOOKS, ReportRun};

/// The format's name and version.
pub const FORMAT: &str = "anact-report/2";

/// Everything on a page.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    format: &'static str,
    /// Its head line.
    pub title: String,
    subtitle: String,
    version: &'static str,
    summary: Vec<String>,
    /// What has to be known to read intervals.
    notes: Vec<String>,
    /// What has to be known of predictions.
    caveat: String,
    groups: Vec<ReportGroup>,
    runs: Vec<ReportRun>,
    /// Whether runs looked at their layers more often than the page shows.
    looks_thinned: bool,
}

/// Runs that are compared.
#[derive(Debug, Clone, Serialize)]
struct ReportGroup {
    name: String,
    settings_that_differ: Vec<(String, String)>,
    activations: Vec<String>,
    /// The plain activation of each normalized one, whether it is in the group or not.
    twins: serde_json::Map<String, Value>,
    classes: Vec<String>,
    /// Positions among the page's runs.
    runs: Vec<usize>,
    comparisons: Vec<ReportComparison>,
    settings: Vec<(String, String)>,
    versions: Vec<(String, String)>,
    remarks: Vec<String>,
}

/// Of a metric that runs have a value of.
#[derive(Debug, Clone, Serialize)]
struct ReportComparison {
    id: &'static str,
    title: &'static str,
    unit: &'static str,
    decimals: usize,
    rows: Vec<Row>,
}

impl Report {
    /// The page about `groups`, whose activations are compared with `baseline` or with their plain twins.
    ///
    /// # Errors
    /// A baseline that a group does not have.
    pub fn of(groups: &[Group], title: Option<String>, baseline: Option<&str>) -> Result<Self> {
        let mut report = Self {
            format: FORMAT,
            title: title.unwrap_or_else(|| usual_title(groups)),
            subtitle: String::new(),
            version: env!("CARGO_PKG_VERSION"),
            summary: Vec::new(),
            notes: Vec::new(),
            caveat: caveat(),
            groups: Vec::new(),
            runs: Vec::new(),
            looks_thinned: false,
        };
        // A plain activation's run may stand in several groups, and is on the page once.
        let mut known: Vec<&Arc<RunRecord>> = Vec::new();
        let mut foremost = Vec::new();
        for group in groups {
            let mut comparisons = METRICS
                .iter()
                .map(|entry| Comparison::of(group, entry.metric, baseline))
                .collect::<Result<Vec<_>>>()?;
            report.summary.extend(comparisons[0].sentences(group));
            foremost.push(comparisons[0].clone());
            comparisons.retain(Comparison::has_values);
            let places = group.runs.iter().map(|run| {
                known.iter().position(|other| Arc::ptr_eq(other, run)).unwrap_or_else(|| {
                    known.push(run);
                    known.len() - 1
                })
            });
            let twin = |name: &String| (name.clone(), json!(plain_twin(name)));
            report.groups.push(ReportGroup {
                name: group.name(),
                settings_that_differ: group.settings_that_differ.clone(),
                activations: group.activations.clone(),
                twins: group.activations.iter().map(twin).collect(),
                classes: group.runs.first().map(|run| run.classes.clone()).unwrap_or_default(),
                runs: places.collect(),
                comparisons: comparisons.into_iter().map(ReportComparison::of).collect(),
                settings: settings(group),
                versions: versions(group),
                remarks: group.remarks.clone(),
            });
        }
        report.notes = notes(&foremost.iter().collect::<Vec<_>>());
        report.looks_thinned = known.iter().any(|run| run.layers.len() > MOST_LOOKS);
        report.subtitle = subtitle(groups, &known);
        report.runs = known.into_iter().map(|run| ReportRun::of(run)).collect();
        Ok(report)
    }

    /// How many runs are on the page, and how many of them are finished.
    pub fn counts(&self) -> (usize, usize) {
        (self.runs.len(), self.runs.iter().filter(|run| run.is_finished()).count())
    }
}

impl ReportComparison {
    fn of(comparison: Comparison) -> Self {
        let entry = comparison.metric.entry();
        let rows = comparison.rows;
        Self { id: entry.id, title: entry.title, unit: entry.unit, decimals: entry.decimals, rows }
    }
}

fn caveat() -> String {
    format!(
        "{} All theories begin with the E[δ²] that was measured at the network's output.",
        CAVEAT.replace('\n', " ")
    )
}

fn usual_title(groups: &[Group]) -> String {
    match groups {
        [group] => format!(
            "{} on {}: {}",
            group.settings.model,
            group.settings.dataset,
            group.activations.join(", ")
        ),
        _ => format!("{} comparisons of activations", groups.len()),
    }
}

fn subtitle(groups: &[Group], runs: &[&Arc<RunRecord>]) -> String {
    let count = runs.len();
    let finished = runs.iter().filter(|run| run.is_finished()).count();
    let left = if finished == count {
        String::new()
    } else {
        format!(", {} of them not finished", count - finished)
    };
    let word = if count == 1 { "run" } else { "runs" };
    format!("{count} {word}{left}: {}", groups.iter().map(Group::name).collect::<Vec<_>>().join("; "))
}

/// The settings that all runs share, and what came of those that leave something to the data. How activations are normalized is
/// asked of normalized ones alone.
fn settings(group: &Group) -> Vec<(String, String)> {
    let mut shared = Vec::new();
    let mut normalized = Vec::new();
    for run in &group.runs {
        let mut value = serde_json::to_value(&run.settings).expect("settings are plain data");
        let own = value.as_object_mut().and_then(|fields| {
            fields.remove("activation");
            fields.remove("seed");
            fields.remove("normalized")
        });
        let mut list = Vec::new();
        flatten("", &value, &mut list);
        if let Some(start) = run.start.as_ref().filter(|start| start.images.is_some()) {
            let came = json!({
                "parameters": start.parameters,
                "steps_per_epoch": start.steps_per_epoch,
                "images": start.images,
                "augmentation_in_effect": start.augmentation_in_effect,
                "data SHA-256": start.data_sha256,
            });
            flatten("", &came, &mut list);
        }
        shared.push(list);
        if plain_twin(&run.settings.activation).is_some() {
            let mut list = Vec::new();
            flatten("normalized", &own.unwrap_or_default(), &mut list);
            normalized.push(list);
        }
    }
    let mut all = in_common(&shared);
    all.extend(in_common(&normalized));
    all
}

/// What all runs were made with, and what was checked of their data.
fn versions(group: &Group) -> Vec<(String, String)> {
    let lists: Vec<_> = group
        .runs
        .iter()
        .map(|run| {
            let mut list = Vec::new();
            if let Some(versions) = run.config.get("versions") {
                flatten("", versions, &mut list);
            }
            let checks = run.config.get("data").and_then(|data| data.get("checks")).and_then(Value::as_array);
            for check in checks.into_iter().flatten() {
                flatten("data checked", check, &mut list);
            }
            list.retain(|(name, _)| name != "started");
            list
        })
        .collect();
    in_common(&lists)
}

#[cfg(test)]
mod tests;
