//! Tables, correlations and pictures of the study.

use serde_json::json;

use super::super::{interval_text, level_text};
use super::{Entry, Run};
use crate::command::output::{Output, say};
use crate::error::Result;
use crate::plot::{Chart, Series};
use crate::record::{Cell, Csv};
use crate::study::{Family, NoCorrelation, RankCorrelation, StudyFolder, clustered_spearman};
use crate::table::{Table, sig};

/// Something that may foretell the loss.
struct Predictor {
    /// In files.
    name: &'static str,
    about: &'static str,
    axis: &'static str,
    read: fn(&Run) -> Option<f64>,
}

const PROPERTY: &str = "P, mean over layers of |log λ²ρ| + |log λ²ρ′|";
const FLATNESS: &str = "standard deviation over layers of log E[(∂L/∂w)²]";

const PREDICTORS: [Predictor; 4] = [
    Predictor {
        name: "property_start",
        about: "normalization property before training",
        axis: PROPERTY,
        read: |r| r.property_start,
    },
    Predictor {
        name: "property_training",
        about: "normalization property in training",
        axis: PROPERTY,
        read: |r| r.property_training,
    },
    Predictor {
        name: "flatness_start",
        about: "unevenness of gradient variance before training",
        axis: FLATNESS,
        read: |r| r.flatness_start,
    },
    Predictor {
        name: "flatness_training",
        about: "unevenness of gradient variance in training",
        axis: FLATNESS,
        read: |r| r.flatness_training,
    },
];

/// Writes and prints everything. `chance` is the loss of a uniform guess.
pub(super) fn report(
    folder: &mut StudyFolder,
    entries: &[Entry],
    steps: u64,
    chance: f64,
    out: Output,
) -> Result<()> {
    folder.csv("runs.csv", &runs_csv(entries)?)?;
    say!(out, "\nBy activation, sorted by loss; means over seeds\n{}", table(entries));
    let lost: usize = entries.iter().flat_map(|e| &e.runs).filter(|r| r.diverged.is_some()).count();
    let of = entries.iter().map(|e| e.runs.len()).sum::<usize>();
    say!(
        out,
        "{lost} of {of} runs diverged at the best rate of their activation; they count as the largest loss of all, \
         and pictures leave them out\n"
    );
    let mut csv = Csv::new(["predictor", "scope", "spearman", "lower", "upper", "points", "activations"]);
    let mut found = Table::new().text("predictor").text("runs").number("Spearman").number(level_text());
    for predictor in &PREDICTORS {
        let (known, unknown): (Vec<_>, Vec<_>) =
            entries.iter().partition(|e| e.runs.iter().all(|r| (predictor.read)(r).is_some()));
        if !unknown.is_empty() {
            let names: Vec<&str> = unknown.iter().map(|e| e.name.as_str()).collect();
            say!(
                out,
                "{}: left out, since the theory does not know them: {}",
                predictor.about,
                names.join(", ")
            );
        }
        for (scope, clusters) in scopes(&known, predictor) {
            let outcome = clustered_spearman(&clusters);
            let cells = match &outcome {
                Ok(c) => [format!("{:.2}", c.rho), interval_text(c.interval)],
                Err(reason) => ["none".to_string(), reason.to_string()],
            };
            found.row([predictor.about.to_string(), scope.clone()].into_iter().chain(cells));
            write_correlation(folder, &mut csv, (predictor.name, &scope, known.len()), &outcome)?;
            if scope == POOLED {
                let chart = chart(&known, predictor, &outcome, steps, chance);
                folder.chart(&format!("{}.svg", predictor.name), &chart)?;
            }
        }
    }
    folder.csv("correlations.csv", &csv)?;
    say!(out, "Rank correlation with the loss; intervals draw activations with all their seeds\n{found}");
    Ok(())
}

const POOLED: &str = "all";

/// Predictor and loss of the runs of one activation.
type Cluster = Vec<(f64, f64)>;

/// The points of all seeds, of the means over seeds, and of every seed; one cluster for each activation.
fn scopes(entries: &[&Entry], predictor: &Predictor) -> Vec<(String, Vec<Cluster>)> {
    let point = |run: &Run| (predictor.read)(run).map(|x| (x, run.loss));
    let mean = |e: &&Entry| e.mean(predictor.read).zip(e.mean(|r| Some(r.loss)));
    let mut scopes = vec![
        (POOLED.to_string(), entries.iter().map(|e| e.runs.iter().filter_map(point).collect()).collect()),
        ("means over seeds".to_string(), entries.iter().map(|e| mean(e).into_iter().collect()).collect()),
    ];
    let seeds = entries.first().map_or(0, |e| e.runs.len());
    for seed in 0..seeds {
        let clusters = entries.iter().map(|e| point(&e.runs[seed]).into_iter().collect()).collect();
        scopes.push((format!("seed {seed}"), clusters));
    }
    scopes
}

fn write_correlation(
    folder: &mut StudyFolder,
    csv: &mut Csv,
    (predictor, scope, activations): (&str, &str, usize),
    outcome: &Result<RankCorrelation, NoCorrelation>,
) -> Result<()> {
    let reason = outcome.as_ref().err().map(ToString::to_string);
    let correlation = outcome.as_ref().ok();
    folder.write(
        "correlation",
        &json!({ "predictor": predictor, "scope": scope, "correlation": correlation, "none_because": reason }),
    )?;
    let interval = correlation.and_then(|c| c.interval);
    csv.row([
        Cell::from(predictor),
        Cell::from(scope),
        Cell::from(correlation.map(|c| c.rho)),
        Cell::from(interval.map(|i| i.0)),
        Cell::from(interval.map(|i| i.1)),
        Cell::from(correlation.map(|c| c.points)),
        Cell::from(activations),
    ])?;
    Ok(())
}

fn chart(
    entries: &[&Entry],
    predictor: &Predictor,
    outcome: &Result<RankCorrelation, NoCorrelation>,
    steps: u64,
    chance: f64,
) -> Chart {
    let found = match outcome {
        Ok(c) => format!("Spearman {:.2}, {} {}", c.rho, level_text(), interval_text(c.interval)),
        Err(reason) => format!("no rank correlation: {reason}"),
    };
    let mut about = predictor.about.to_string();
    about[..1].make_ascii_uppercase();
    let mut chart = Chart::new(format!("{about} and loss. {found}"))
        .x_label(predictor.axis)
        .y_label(format!("training loss after {steps} steps (nats)"))
        .description("A point is an activation at its best rate: means over seeds, losses with their range.")
        .log_x()
        .plot_height(400.0);
    for (colour, family) in Family::ALL.into_iter().enumerate() {
        let of: Vec<&&Entry> = entries.iter().filter(|e| e.family == family).collect();
        let losses = |e: &&&Entry| e.runs.iter().map(|r| r.loss).collect::<Vec<_>>();
        let point = |e: &&&Entry| {
            let number = |x: Option<f64>| x.unwrap_or(f64::NAN);
            (number(e.mean(predictor.read)), number(e.mean(|r| Some(r.loss))))
        };
        let series = Series::points(family.name(), of.iter().map(point))
            .band(
                of.iter().map(|e| losses(e).into_iter().fold(f64::INFINITY, f64::min)),
                of.iter().map(|e| losses(e).into_iter().fold(f64::NEG_INFINITY, f64::max)),
            )
            .labels(of.iter().map(|e| e.name.clone()))
            .colour(colour);
        chart = chart.series(series);
    }
    chart.reference("uniform guess", chance)
}

fn table(entries: &[Entry]) -> Table {
    let mut table = Table::new().text("activation").text("family").number("best lr").number("loss");
    for head in ["P start", "P training", "σ start", "σ training", "diverged"] {
        table = table.number(head);
    }
    let loss = |e: &Entry| e.mean(|r| Some(r.loss)).unwrap_or(f64::NAN);
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by(|a, b| loss(a).total_cmp(&loss(b)));
    for e in sorted {
        let lost = e.runs.iter().filter(|r| r.diverged.is_some()).count();
        let numbers =
            PREDICTORS.iter().map(|p| e.mean(p.read).map_or_else(|| "·".to_string(), |x| sig(x, 3)));
        let head = [
            e.name.clone(),
            e.family.name().to_string(),
            e.rates[e.best].to_string(),
            format!("{:.3}", loss(e)),
        ];
        table.row(head.into_iter().chain(numbers).chain([lost.to_string()]));
    }
    table
}

/// Every run at every rate; the predictors where the tape was read, which is at the best one.
fn runs_csv(entries: &[Entry]) -> Result<Csv> {
    let head = ["activation", "family", "lr", "is_best", "seed", "loss", "diverged_in_step"];
    let mut csv = Csv::new(head.into_iter().chain(PREDICTORS.iter().map(|p| p.name)));
    for e in entries {
        for (rate, (&lr, losses)) in e.rates.iter().zip(&e.losses).enumerate() {
            let is_best = rate == e.best;
            for (seed, (&loss, run)) in losses.iter().zip(&e.runs).enumerate() {
                let run = is_best.then_some(run);
                let cells = [
                    Cell::from(e.name.as_str()),
                    Cell::from(e.family.name()),
                    Cell::from(lr),
                    Cell::from(if is_best { "yes" } else { "no" }),
                    Cell::from(seed),
                    Cell::from(loss),
                    Cell::from(run.and_then(|r| r.diverged)),
                ];
                let numbers = PREDICTORS.iter().map(|p| Cell::from(run.and_then(p.read)));
                csv.row(cells.into_iter().chain(numbers))?;
            }
        }
    }
    Ok(csv)
}
