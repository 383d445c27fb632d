//! `anact compare`: finished runs side by side, with differences paired by seed.

mod grid;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::finished::{groups_in, groups_of_plan};
use super::output::Output;
use super::plan_options::{RunsIn, Share, ShareOptions};
use super::sweeping::{all_done, ends_table, sweep};
use crate::error::{Error, Result};
use crate::lab::{Comparison, Group, Metric, figures, latex, notes};
use crate::plan::{Plan, PlannedRun};
use crate::record::{RecordError, write_atomic};
use crate::run::Options;

/// How tables are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For the terminal
    Text,
    /// For a Markdown file
    Markdown,
    /// Comma-separated, every number to its last digit
    Csv,
    /// A `tabular` with `booktabs`
    Latex,
    /// One JSON object
    Json,
}

/// Arguments of `anact compare`.
#[derive(Debug, Args)]
pub(super) struct Compare {
    /// Folders of runs, or folders with runs in them
    #[arg(required_unless_present_any = ["plan", "activations"])]
    runs: Vec<PathBuf>,
    /// The runs of a plan, as many as there are
    #[arg(long, value_name = "PLAN", conflicts_with = "runs")]
    plan: Option<PathBuf>,
    #[command(flatten)]
    runs_in: RunsIn,
    #[command(flatten)]
    grid: grid::Grid,
    /// What is compared
    #[arg(long, value_enum, default_value_t = Metric::Accuracy)]
    metric: Metric,
    /// The activation that all others are compared with [default: each normalized one with its plain twin]
    #[arg(long, value_name = "ACTIVATION")]
    baseline: Option<String>,
    /// How the tables are written
    #[arg(long, value_enum, default_value_t = Format::Text, conflicts_with = "json")]
    format: Format,
    /// Also draw learning curves, gradients by layer and the differences of test accuracy, as SVG files in this folder
    #[arg(long, value_name = "FOLDER")]
    figures: Option<PathBuf>,
    #[command(flatten)]
    printed: Output,
    #[command(flatten, next_help_heading = "With --activations")]
    share: ShareOptions,
    #[command(flatten, next_help_heading = "With --activations, options of the runs")]
    options: Options,
}

impl Compare {
    pub(super) fn run(self, threads: Option<usize>) -> Result<()> {
        self.runs_in.check(self.plan.is_some())?;
        let format = if self.printed.is_json() { Format::Json } else { self.format };
        let (baseline, figures) = (self.baseline.as_deref(), self.figures.as_deref());
        let shown = Shown { metric: self.metric, baseline, format, figures };
        if !self.grid.is_given()
            && let Some(option) = self.options.given().into_iter().chain(self.share.given()).next()
        {
            let legal = "--activations beside it: finished runs have the options they had".into();
            return Err(Error::Setting { setting: "compare", value: format!("given {option}"), legal });
        }
        if self.grid.is_given() {
            let (plan, runs) = self.grid.plan(self.options)?.write()?;
            return sweep_and_show(&plan, &runs, self.share.share(threads), shown);
        }
        let groups = match &self.plan {
            Some(plan) => groups_of_plan(&self.runs_in.open(plan)?)?,
            None => groups_in(&self.runs)?,
        };
        show(&groups, shown)
    }
}

/// What is shown of a comparison, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'b> {
    pub(super) metric: Metric,
    /// What all others are compared with; without one each normalized activation with its plain twin.
    pub(super) baseline: Option<&'b str>,
    pub(super) format: Format,
    /// The folder for pictures, if they are wanted.
    pub(super) figures: Option<&'b Path>,
}

/// Carries out what is missing of a plan's runs and prints the comparison of all of them.
///
/// # Errors
/// As [`sweep`]; after the comparison: runs that failed, even if nothing could be compared. Nothing is compared when runs are missing.
pub(super) fn sweep_and_show(plan: &Plan, runs: &[PlannedRun], share: Share, shown: Shown<'_>) -> Result<()> {
    // Tables alone go to standard output, since programs may read them.
    let say = |words: String| eprintln!("{words}");
    let standings = sweep(plan, runs, share, say)?;
    say(format!("\n{}", ends_table(runs, &standings)));
    let verdict = all_done(plan, &standings);
    if matches!(verdict, Ok(()) | Err(Error::CheckFailed(_))) {
        say(String::new());
        // What failed is told with what did not, and what cannot be shown then does not take the verdict's place.
        match groups_of_plan(plan).and_then(|groups| show(&groups, shown)) {
            Err(error) if verdict.is_err() => say(format!("note: {error}")),
            shown => shown?,
        }
    }
    verdict
}

/// Prints the comparison of what belongs together.
fn show(groups: &[Group], Shown { metric, baseline, format, figures: folder }: Shown<'_>) -> Result<()> {
    if let Some(folder) = folder {
        draw(groups, baseline, folder)?;
    }
    let comparisons =
        groups.iter().map(|group| Comparison::of(group, metric, baseline)).collect::<Result<Vec<_>>>()?;
    let notes = notes(&comparisons.iter().collect::<Vec<_>>());
    let pairs: Vec<(&Group, &Comparison)> = groups.iter().zip(&comparisons).collect();
    match format {
        Format::Text | Format::Markdown => {
            let is_markdown = format == Format::Markdown;
            for (group, comparison) in pairs {
                let table = comparison.table();
                match is_markdown {
                    true => println!("### {}\n\n{}", group.name(), table.to_markdown()),
                    false => println!("{}\n\n{table}", group.name()),
                }
                paragraph(comparison.sentences(group), is_markdown);
                paragraph(group.remarks.iter().map(|remark| format!("Note: {remark}.")), is_markdown);
            }
            paragraph(notes, is_markdown);
        }
        Format::Csv => {
            let mut csv = Comparison::csv();
            for (group, comparison) in pairs {
                comparison.append_to(&mut csv, group)?;
            }
            print!("{csv}");
        }
        Format::Latex => print!("{}", latex(&pairs)),
        Format::Json => {
            let groups: Vec<_> = pairs
                .iter()
                .map(|(group, comparison)| {
                    json!({
                        "name": group.name(),
                        "model": group.settings.model,
                        "dataset": group.settings.dataset,
                        "settings_that_differ": group.settings_that_differ,
                        "comparison": comparison,
                        "sentences": comparison.sentences(group),
                        "remarks": group.remarks,
                    })
                })
                .collect();
            println!("{}", json!({ "groups": groups, "notes": notes }));
        }
    }
    Ok(())
}

/// Draws the comparison's pictures into `folder`, which is made if need be.
fn draw(groups: &[Group], baseline: Option<&str>, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(RecordError::io("make", folder))?;
    for (name, svg) in figures(groups, baseline)? {
        write_atomic(folder.join(name), svg)?;
    }
    Ok(())
}

/// Prints sentences, one a line; in Markdown each by itself, since lines are joined there.
fn paragraph(sentences: impl IntoIterator<Item = String>, is_markdown: bool) {
    let sentences: Vec<String> = sentences.into_iter().collect();
    if !sentences.is_empty() {
        println!("{}\n", sentences.join(if is_markdown { "\n\n" } else { "\n" }));
    }
}
