//! Event files for TensorBoard.
//!
//! Scalars: `loss`, `accuracy`, `lr` and `images_per_s` under the names `step` (of one step), `train`, `validation` and `test`,
//! and in steps whose layers are looked at λ, E[δ²] and E[(∂L/∂w)²] by layer, under their names in `layers.csv`. Histograms:
//! `gradient` by parameter. Images: the first batch and the confusion matrix.
//!
//! Events of a step stand at the number of steps taken, that one with them. What is known only after an epoch's last step, and the
//! test, stands one step further: a run that goes on makes TensorBoard forget all that comes after its checkpoint, and that has to
//! take with it what is found out once more, but not the step before.

use std::path::PathBuf;

use datasets::{Batch, Normalisation};

use crate::error::Result;
use crate::events::EventWriter;
use crate::record::RunFolder;
use crate::run::epoch::EpochMetrics;
use crate::run::evaluation::Evaluation;
use crate::run::quantities::{DELTA, FACTOR, Quantity, WEIGHT_GRADIENT};
use crate::run::watch::{RunBegins, StepTaken, Wants, Watch};
use crate::sheet::{Bar, Matrix, Sheet, Tile, grouped, spoken};

/// Steps between two whose loss is written.
const EVERY: u64 = 10;

/// Pictures of the first batch that are shown, and how many stand in a row.
const TILES: usize = 64;
const COLUMNS: usize = 8;

/// What is written of a layer that is looked at.
const LAYER: [Quantity; 3] = [FACTOR, DELTA, WEIGHT_GRADIENT];

/// The event files of one run.
#[derive(Debug)]
pub(super) struct TensorBoard {
    folder: PathBuf,
    classes: Vec<String>,
    name: String,
    writer: Option<EventWriter>,
}

impl TensorBoard {
    pub(super) fn new(folder: &RunFolder) -> Self {
        let folder = folder.file("tensorboard");
        Self { folder, classes: Vec::new(), name: String::new(), writer: None }
    }
}

/// Writes what is then handed to the system, so that TensorBoard sees it and a killed run has it.
fn write(
    writer: Option<&mut EventWriter>,
    fill: impl FnOnce(&mut EventWriter) -> crate::record::Result<()>,
) -> Result<()> {
    let Some(writer) = writer else { return Ok(()) };
    fill(writer)?;
    Ok(writer.flush()?)
}

impl Watch for TensorBoard {
    fn wants(&self) -> Wants {
        Wants { histograms: true, first_batch: true }
    }

    fn begin(&mut self, run: &RunBegins<'_>) -> Result<()> {
        self.classes = run.classes.to_vec();
        self.name = run.label.to_string();
        self.writer = Some(EventWriter::create(&self.folder, run.taken)?);
        // It stands after the checkpoint, so that it was forgotten.
        match run.epochs.last().filter(|last| last.epoch * run.steps_per_epoch == run.taken) {
            Some(last) => self.epoch(last, run.taken),
            None => Ok(()),
        }
    }

    fn first_batch(&mut self, batch: &Batch, normalisation: &Normalisation) -> Result<()> {
        let png = sheet(batch, normalisation, &self.classes).png();
        write(self.writer.as_mut(), |events| events.image("first_batch", 0, &png))
    }

    fn step(&mut self, step: &StepTaken<'_>) -> Result<()> {
        let at = step.steps;
        if !at.is_multiple_of(EVERY) && step.layers.is_none() {
            return Ok(());
        }
        write(self.writer.as_mut(), |events| {
            events.scalar("loss/step", at, step.loss.into())?;
            events.scalar("lr/step", at, step.rate)?;
            events.scalar("images_per_s/step", at, step.images_per_s)?;
            for row in step.layers.iter().flat_map(|layers| &layers.comparison.rows) {
                for what in LAYER {
                    let Some(value) = (what.read)(&row.measured) else { continue };
                    events.scalar(&format!("{}/{}", what.name, row.layer), at, value)?;
                }
            }
            for (name, histogram) in step.histograms {
                events.histogram(&format!("gradient/{name}"), at, histogram)?;
            }
            Ok(())
        })?;
        Ok(())
    }

    fn epoch(&mut self, epoch: &EpochMetrics, steps: u64) -> Result<()> {
        let validation = epoch.validation;
        let numbers = [
            ("loss/train", Some(epoch.train.loss)),
            ("accuracy/train", Some(epoch.train.accuracy)),
            ("loss/validation", validation.map(|v| v.loss)),
            ("accuracy/validation", validation.map(|v| v.accuracy)),
            ("lr/train", Some(epoch.lr)),
            ("images_per_s/train", Some(epoch.images_per_s)),
            ("seconds/train", Some(epoch.seconds)),
            ("data_wait_s/train", Some(epoch.waited)),
        ];
        write(self.writer.as_mut(), |events| {
            for (tag, value) in numbers {
                let Some(value) = value else { continue };
                events.scalar(tag, steps + 1, value)?;
            }
            Ok(())
        })
    }

    fn test(&mut self, test: &Evaluation, steps: u64) -> Result<()> {
        let subtitle = format!(
            "{} test images, {:.2} % right; a row is a class, a column what it was taken for",
            grouped(test.samples as usize),
            100.0 * test.metrics.accuracy
        );
        let (classes, counts) = (&self.classes, &test.confusion.counts);
        let png = Matrix { title: &self.name, subtitle: &subtitle, classes, counts }.png();
        write(self.writer.as_mut(), |events| {
            events.scalar("loss/test", steps + 1, test.metrics.loss)?;
            events.scalar("accuracy/test", steps + 1, test.metrics.accuracy)?;
            events.scalar("accuracy/test_top5", steps + 1, test.top5)?;
            events.image("confusion", steps + 1, &png)
        })
    }

    fn sync(&mut self) -> Result<()> {
        Ok(self.writer.as_mut().map_or(Ok(()), EventWriter::sync)?)
    }
}

/// The first pictures of a batch, their colours as before normalisation.
fn sheet(batch: &Batch, normalisation: &Normalisation, classes: &[String]) -> Sheet {
    let class = |label: usize| spoken(&classes[label]).to_string();
    let label = |row: usize| match &batch.mix {
        None => class(batch.labels[row]),
        // There is room for one of the two: the one that has more of the picture.
        Some(mix) if mix.weight < 0.5 => {
            format!("{:.0} % {}", 100.0 * (1.0 - mix.weight), class(mix.partners[row]))
        }
        Some(mix) => format!("{:.0} % {}", 100.0 * mix.weight, class(batch.labels[row])),
    };
    let shown = batch.len().min(TILES);
    let [_, channels, height, width] = batch.shape;
    let count = |class: usize| batch.labels.iter().filter(|&&label| label == class).count();
    let bars = (0..classes.len()).map(|i| Bar { label: class(i), count: count(i) });
    Sheet {
        title: "The first batch".into(),
        subtitle: format!(
            "{shown} of {} pictures of {channels} × {height} × {width} as the network sees them, but for normalisation",
            batch.len()
        ),
        tiles: (0..shown).map(|row| Tile::of(batch, row, normalisation, label(row))).collect(),
        columns: COLUMNS,
        bars_title: "the batch's classes".into(),
        bars: bars.collect(),
    }
}
