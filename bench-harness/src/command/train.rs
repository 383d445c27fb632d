//! `anact train`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::error::Result;
use crate::plot::{Chart, Series};
use crate::record::{Cell, Csv, RunFolder, utc_now, versions};
use crate::run::{EpochMetrics, Inspection, Interrupt, Options, Outcome, Session, Settings, load_data};

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
        let folder = RunFolder::create(output.unwrap_or_else(|| default_folder(&settings)))?;
        let mut record = folder.records()?;
        record.write(
            "config",
            &json!({ "settings": settings, "versions": versions(rayon::current_num_threads()) }),
        )?;
        println!("recording to {}", folder.path().display());

        let label = format!("{} {}", settings.model, settings.activation);
        let outcome = session.run(&label, &mut record, &Interrupt::listen())?;
        report(&folder, &settings, &outcome)
    }
}

/// `runs/<time>-<model>-<activation>`.
fn default_folder(settings: &Settings) -> PathBuf {
    let time: String = utc_now().chars().filter(char::is_ascii_digit).collect();
    PathBuf::from("runs").join(format!("{time}-{}-{}", settings.model, settings.activation))
}

/// Writes tables, pictures and weights, and prints the summary.
fn report(folder: &RunFolder, settings: &Settings, outcome: &Outcome) -> Result<()> {
    folder.write("weights.safetensors", &outcome.weights)?;
    let mut epochs = epochs_csv();
    append_epochs(&mut epochs, &settings.activation, settings.seed, &outcome.epochs)?;
    folder.write_csv("epochs.csv", &epochs)?;
    let mut layers = Inspection::csv();
    outcome.start.append_to(&mut layers, &settings.activation, settings.seed, "start")?;
    outcome.end.append_to(&mut layers, &settings.activation, settings.seed, "end")?;
    folder.write_csv("layers.csv", &layers)?;
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
    println!("\nPer layer after training, each column predicted | measured\n\n{forward}\n{backward}");
    if let Some(last) = outcome.epochs.last() {
        println!("test accuracy {:.2} %, loss {:.4}", 100.0 * last.test.accuracy, last.test.loss);
    }
    println!("weights SHA-256 {}\nrecorded in {}", outcome.weights_sha256, folder.path().display());
    Ok(())
}

/// An empty table of epochs.
pub(super) fn epochs_csv() -> Csv {
    let columns = [
        "activation",
        "seed",
        "epoch",
        "train_loss",
        "train_accuracy",
        "test_loss",
        "test_accuracy",
        "lr",
        "seconds",
        "images_per_s",
    ];
    Csv::new(columns)
}

/// Appends a run's epochs to a table of [`epochs_csv`].
pub(super) fn append_epochs(
    csv: &mut Csv,
    activation: &str,
    seed: u64,
    epochs: &[EpochMetrics],
) -> Result<()> {
    for e in epochs {
        let numbers =
            [e.train.loss, e.train.accuracy, e.test.loss, e.test.accuracy, e.lr, e.seconds, e.images_per_s];
        let head = [Cell::from(activation), Cell::from(seed), Cell::from(e.epoch)];
        csv.row(head.into_iter().chain(numbers.map(Cell::from)))?;
    }
    Ok(())
}
