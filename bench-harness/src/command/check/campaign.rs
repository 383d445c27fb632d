//! Random functions of all ops through the gradient checker.

use std::io::{IsTerminal, stderr};

use autograd::check::campaign::{Bug, Campaign, Failure, Outcome, ROUTES, Worst};
use clap::Args;
use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::legend;
use crate::command::output::Output;
use crate::error::{Error, Result};
use crate::table::{Table, sig};

/// So many failures are explained; of the others there is the index and what is wrong.
const EXPLAINED: usize = 5;
/// So many geometries for each graph, if nothing is said.
const GRAPHS_FOR_A_GEOMETRY: u64 = 10;
/// What functions are drawn from, if nothing is said.
const SEED: u64 = 1;

/// Arguments of a campaign.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Check N random graphs of many ops, and random sizes of convolutions, pools and batch norms, instead of the registered cases
    #[arg(long, value_name = "N", conflicts_with_all = ["op", "node", "moments"])]
    pub(super) campaign: Option<u64>,
    /// How many random sizes [default: a tenth of N]
    #[arg(long, value_name = "N", requires = "campaign")]
    geometries: Option<u64>,
    /// What they are drawn from; with the same counts, a seed and an index name one function [default: 1]
    #[arg(long, requires = "campaign")]
    seed: Option<u64>,
    /// Only the function of this index, with its steps; graphs count from 0, sizes go on behind them
    #[arg(long, value_name = "INDEX", requires = "campaign")]
    only: Option<u64>,
    /// Put an op whose gradient is wrong in this way into every graph, to see that it is found
    #[arg(long, value_name = "BUG", requires = "campaign", value_parser = PossibleValuesParser::new(bugs()))]
    planted: Option<String>,
}

fn bugs() -> impl Iterator<Item = &'static str> {
    Bug::ALL.iter().map(|(name, ..)| *name)
}

impl Options {
    /// Checks `graphs` graphs and what else is asked for.
    ///
    /// # Errors
    /// A wrong gradient; an index behind the last.
    pub(super) fn run(&self, graphs: u64, output: Output) -> Result<()> {
        let planted =
            Bug::ALL.iter().find(|(name, ..)| self.planted.as_deref() == Some(*name)).map(|(_, bug, _)| *bug);
        let campaign = Campaign {
            seed: self.seed.unwrap_or(SEED),
            graphs,
            geometries: self.geometries.unwrap_or(graphs / GRAPHS_FOR_A_GEOMETRY),
            planted,
        };
        if campaign.is_empty() {
            let legal = "at least 1, or --geometries of at least 1".into();
            return Err(Error::Setting { setting: "--campaign", value: graphs.to_string(), legal });
        }
        let outcome = match self.only {
            None => with_a_bar(&campaign),
            Some(index) if index < campaign.len() => campaign.only(index),
            Some(index) => {
                let legal = format!("below {}, as many as there are", campaign.len());
                return Err(Error::Setting { setting: "--only", value: index.to_string(), legal });
            }
        };
        let found = Found { campaign, planted: self.planted.as_deref(), outcome };
        output.result(&found.json(), || match self.only {
            Some(index) => format!("{}\n{}", found.listing(index), found.routes()),
            None => found.text(),
        });
        found.verdict()
    }
}

fn with_a_bar(campaign: &Campaign) -> Outcome {
    let bar = if stderr().is_terminal() { ProgressBar::new(campaign.len()) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{bar:24.cyan/dim} {pos} of {len}  {per_sec}  {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let outcome = campaign.run(|count| bar.inc(count));
    bar.finish_and_clear();
    outcome
}

/// A campaign and what it found.
struct Found<'a> {
    campaign: Campaign,
    planted: Option<&'a str>,
    outcome: Outcome,
}

impl Found<'_> {
    /// The command that shows function `index` again.
    fn command(&self, index: u64) -> String {
        let Campaign { seed, graphs, geometries, .. } = self.campaign;
        let more = if geometries == graphs / GRAPHS_FOR_A_GEOMETRY {
            String::new()
        } else {
            format!(" --geometries {geometries}")
        };
        let planted = self.planted.map_or(String::new(), |name| format!(" --planted {name}"));
        format!("anact check --campaign {graphs}{more} --seed {seed}{planted} --only {index}")
    }

    /// Its steps; none where it cannot even be made.
    fn listing(&self, index: u64) -> String {
        if self.outcome.failures.iter().any(|failure| failure.index == index && failure.is_panic) {
            return String::new();
        }
        self.campaign.subject(index).listing()
    }

    /// The worst error of each route, as far as there are any, and the op and the step with which it comes in, unless it is 0.
    fn worst(&self) -> impl Iterator<Item = (usize, Worst, Option<(&'static str, String)>)> {
        let worst = self.outcome.worst.iter().enumerate();
        let worst = worst.filter_map(|(route, worst)| Some((route, (*worst)?)));
        worst.map(|(route, worst)| (route, worst, self.campaign.origin(route, &worst)))
    }

    /// The worst error of each route as a table.
    fn routes(&self) -> String {
        let mut table = Table::new().text("route").number("worst").number("index").text("comes in with");
        for (route, Worst { error, index }, origin) in self.worst() {
            let op = origin.map_or("–", |(op, _)| op);
            table.row([ROUTES[route].name, &sig(error, 2), &index.to_string(), op]);
        }
        table.to_string()
    }

    fn text(&self) -> String {
        let Outcome { graphs, geometries, steps, ops, left_out, redrawn, failures, .. } = &self.outcome;
        let seed = self.campaign.seed;
        let mut counts = Table::new().text("op").number("times");
        ops.iter().for_each(|(name, count)| counts.row([(*name).to_string(), count.to_string()]));
        let missing = Campaign::missing(&self.outcome);
        let covered = match missing.is_empty() {
            true => "every registered op and activation occurs".to_string(),
            false => {
                format!("too few to meet every registered op and activation; without {}", missing.join(", "))
            }
        };
        let verdict = match failures.len() {
            0 => "all right".to_string(),
            n => format!("{n} WRONG"),
        };
        format!(
            "{graphs} random graphs and {geometries} random sizes of convolutions, pools and batch norms, {steps} ops in all, seed {seed}\n\n\
             {}\n\n{}\n{counts}\n{covered}\n\
             Not in a graph though drawn: {} functions near a kink, which finite differences cannot judge, and {} steps that \
             do not fit where they were drawn\n\
             Drawn anew: the numbers of sizes, {redrawn} times, since a sum of them that is all of a result cancels, and f32 has \
             few digits of it\n{verdict}",
            legend(),
            self.routes(),
            left_out.near_kinks,
            left_out.unfit,
        )
    }

    /// A failure with the step that it begins with, and how to see it again.
    fn explained(&self, failure: &Failure) -> (&'static str, String) {
        self.campaign.subject(failure.index).culprit(|report| !report.failures.is_empty())
    }

    fn json(&self) -> Value {
        let worst = self.worst().map(|(route, Worst { error, index }, origin)| {
            let (op, step) = origin.unzip();
            json!({ "route": ROUTES[route].key, "error": error, "index": index, "op": op, "step": step })
        });
        let failure = |(i, failure): (usize, &Failure)| {
            let index = failure.index;
            let mut value =
                json!({ "index": index, "failures": failure.words, "command": self.command(index) });
            if i < EXPLAINED && !failure.is_panic {
                let (op, step) = self.explained(failure);
                value["op"] = json!(op);
                value["step"] = json!(step);
                value["listing"] = json!(self.listing(index));
            }
            value
        };
        let Outcome { graphs, geometries, steps, ops, left_out, redrawn, failures, .. } = &self.outcome;
        json!({
            "seed": self.campaign.seed,
            "graphs": graphs,
            "geometries": geometries,
            "planted": self.planted,
            "steps": steps,
            "ops": ops,
            "missing": Campaign::missing(&self.outcome),
            "left_out": { "near_kinks": left_out.near_kinks, "unfit": left_out.unfit },
            "redrawn": redrawn,
            "worst": worst.collect::<Vec<_>>(),
            "failures": failures.iter().enumerate().map(failure).collect::<Vec<_>>(),
            "right": failures.is_empty(),
        })
    }

    fn verdict(&self) -> Result<()> {
        let failures = &self.outcome.failures;
        if failures.is_empty() {
            return Ok(());
        }
        let text = |failure: &Failure| {
            let (index, words) = (failure.index, failure.words.join("\n  "));
            let command = self.command(index);
            if failure.is_panic {
                return format!("function {index}:\n  {words}\nagain: {command}\n");
            }
            let (op, line) = self.explained(failure);
            let listing = self.listing(index);
            format!("function {index}:\n  {words}\nbegins with {op}: {line}\n{listing}again: {command}\n")
        };
        let texts: Vec<String> = failures.iter().take(EXPLAINED).map(text).collect();
        let more = match failures.len().saturating_sub(EXPLAINED) {
            0 => String::new(),
            n => format!("\nand {n} more; --json lists them all"),
        };
        let (count, all) = (failures.len(), self.outcome.graphs + self.outcome.geometries);
        Err(Error::CheckFailed(format!("{count} of {all} checks failed\n\n{}{more}", texts.join("\n"))))
    }
}
