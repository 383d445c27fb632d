//! What a finished run leaves in its folder and says on the terminal.

use super::figures;
use crate::command::output::{Output, say};
use crate::error::Result;
use crate::plot::{Chart, Series};
use crate::record::RunFolder;
use crate::run::{
    BEST, CAVEAT, EpochMetrics, Evaluation, LAST, Metrics, Outcome, Settings, TheoryComparison,
};

/// Writes tables, pictures and, last of all, the weights: where there are weights, nothing is missing.
pub(super) fn write(
    folder: &RunFolder,
    settings: &Settings,
    classes: &[String],
    outcome: &Outcome,
) -> Result<()> {
    folder.write_csv("confusion.csv", &outcome.test.confusion.csv(classes)?)?;
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
    let held_out = |read: fn(&Metrics) -> f64| {
        let read = move |e: &EpochMetrics| Some((e.epoch as f64, read(&e.validation?)));
        outcome.epochs.iter().filter_map(read)
    };
    let has_validation = outcome.best.is_some();
    let loss = Chart::new("Cross-entropy")
        .x_label("epoch")
        .y_label("loss (nats)")
        .series(Series::line("training", curve(|e| e.train.loss)));
    let loss =
        if has_validation { loss.series(Series::line("validation", held_out(|v| v.loss))) } else { loss };
    folder.write("loss.svg", loss.to_svg())?;
    let accuracy = Chart::new("Accuracy")
        .x_label("epoch")
        .y_label("accuracy (%)")
        .series(Series::line("training", curve(|e| 100.0 * e.train.accuracy)));
    let accuracy = match has_validation {
        true => accuracy.series(Series::line("validation", held_out(|v| 100.0 * v.accuracy))),
        false => accuracy,
    };
    folder.write("accuracy.svg", accuracy.to_svg())?;
    Ok(folder.write(LAST, &outcome.weights)?)
}

/// Prints the summary.
pub(super) fn print(outcome: &Outcome, printed: Output) {
    let [forward, backward] = outcome.end.tables();
    say!(
        printed,
        "\nPer layer after training, each column predicted | measured\n\n{forward}\n{backward}\n{CAVEAT}\n"
    );
    if let Some(best) = &outcome.best {
        say!(
            printed,
            "best on validation: epoch {} with {:.2} %, its weights in {BEST}",
            best.epoch,
            100.0 * best.accuracy
        );
    }
    let Evaluation { metrics, top5, samples, .. } = &outcome.test;
    say!(
        printed,
        "after the last epoch, on {samples} test images: accuracy {:.2} %, top 5 {:.2} %, loss {:.4}",
        100.0 * metrics.accuracy,
        100.0 * top5,
        metrics.loss
    );
    say!(printed, "weights SHA-256 {}", outcome.weights_sha256);
}
