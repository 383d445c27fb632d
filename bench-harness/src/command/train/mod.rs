//! `anact train`.

mod figures;

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::error::Result;
use crate::plot::{Chart, Series};
use crate::record::{RunFolder, default_folder, versions};
use crate::run::{
    CAVEAT, EpochMetrics, Interrupt, Options, Outcome, Session, Settings, TheoryComparison, load_data,
};
use crate::table::bytes;

/// Arguments of `anact train`.
#[derive(Debug, Args)]
pub(super) struct Train {
    /// TOML file with options; flags win over it
    #[arg(long)]
    config: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

impl Train {
    pub(super) fn run(self) -> Result<()> {
        let file = self.config.as_deref().map(Options::read).transpose()?.unwrap_or_default();
        let options = self.options.over(file);
        let output = options.output.clone();
        let settings = Settings::of(options)?;
        let data = load_data(&settings)?;
        data.remarks.iter().for_each(|remark| eprintln!("note: {remark}"));
        let session = Session::new(settings.clone(), &data)?;
        let plan = session.memory_plan()?;
        let name = format!("{}-{}", settings.model, settings.activation);
        let folder = RunFolder::create(output.unwrap_or_else(|| default_folder(&name)))?;
        let mut record = folder.records()?;
        record.write(
            "config",
            &json!({
                "settings": settings,
                "versions": versions(rayon::current_num_threads()),
                "memory_plan_bytes": plan,
            }),
        )?;
        println!("recording to {}", folder.path().display());
        println!(
            "a step's tensors will take {} at their peak, the optimiser {}",
            bytes(plan.step as u64),
            bytes(plan.optimiser as u64)
        );
        if let Some(every) = settings.inspect_every {
            println!(
                "in every {every}. step layers are compared with the theory: it keeps its values until it ends and takes more"
            );
        }

        let label = format!("{} {}", settings.model, settings.activation);
        let outcome = session.run(&label, &mut record, &Interrupt::listen())?;
        report(&folder, &settings, &outcome)
    }
}

/// Writes tables, pictures and weights, and prints the summary.
fn report(folder: &RunFolder, settings: &Settings, outcome: &Outcome) -> Result<()> {
    folder.write("weights.safetensors", &outcome.weights)?;
    let mut epochs = EpochMetrics::csv();
    EpochMetrics::append_to(&mut epochs, &settings.activation, settings.seed, &outcome.epochs)?;
    folder.write_csv("epochs.csv", &epochs)?;
    let mut layers = TheoryComparison::csv();
    let mut append = |comparison: &TheoryComparison, when: (&str, u64)| {
        comparison.append_to(&mut layers, &settings.activation, settings.seed, when)
    };
    append(&outcome.start, ("start", 0))?;
    for at in &outcome.during {
        append(&at.comparison, ("training", at.step))?;
    }
    append(&outcome.end, ("end", outcome.steps))?;
    folder.write_csv("layers.csv", &layers)?;
    let figures = [
        ("factors_by_step.svg", figures::factors(&outcome.during)),
        ("gradient_variance_by_step.svg", figures::gradients(&outcome.during)),
    ];
    for (name, figure) in figures {
        figure.map(|svg| folder.write(name, svg)).transpose()?;
    }
    let curve =
        |read: fn(&EpochMetrics) -> f64| outcome.epochs.iter().map(move |e| (e.epoch as f64, read(e)));
    let loss = Chart::new("Cross-entropy")
        .x_label("epoch")
        .y_label("loss (nats)")
        .series(Series::line("training", curve(|e| e.train.loss)))
        .series(Series::line("test", curve(|e| e.test.loss)));
    folder.write("loss.svg", loss.to_svg())?;
    let accuracy = Chart::new("Accuracy")
        .x_label("epoch")
        .y_label("accuracy (%)")
        .series(Series::line("training", curve(|e| 100.0 * e.train.accuracy)))
        .series(Series::line("test", curve(|e| 100.0 * e.test.accuracy)));
    folder.write("accuracy.svg", accuracy.to_svg())?;

    let [forward, backward] = outcome.end.tables();
    println!(
        "\nPer layer after training, each column predicted | measured\n\n{forward}\n{backward}\n{CAVEAT}\n"
    );
    if let Some(last) = outcome.epochs.last() {
        println!("test accuracy {:.2} %, loss {:.4}", 100.0 * last.test.accuracy, last.test.loss);
    }
    println!("weights SHA-256 {}\nrecorded in {}", outcome.weights_sha256, folder.path().display());
    Ok(())
}
