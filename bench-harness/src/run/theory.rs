//! The theory's numbers beside those of a real network, layer by layer.

use anact::theory::{LayerRow, compare, compared};
use autograd::random::{Purpose, Stream};
use autograd::{Gradients, Keep, Pass, Scalar, Tape, Tensor, Var};
use clap::ValueEnum;
use datasets::Batch;
use layers::{Context, Execution, Layer};
use serde::Serialize;

use super::evaluation::tensor;
use super::quantities::{
    CAUSES, DELTA, GENERAL_FORM, QUANTITIES, Quantity, THEORIES, Theory, WEIGHT_GRADIENT,
};
use super::step::{Targets, record_loss};
use crate::error::Result;
use crate::record::{Cell, Csv};
use crate::table::{Table, sig};

/// One batch through a network, predicted and measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TheoryComparison {
    /// Layers from input to output.
    pub rows: Vec<LayerRow>,
}

/// Where the backward pass starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Cotangent {
    /// Independent standard normal numbers at the logits, as the theory assumes
    Normal,
    /// The gradient of the real loss, the mean cross-entropy
    Loss,
}

/// What goes into the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// The batch's images
    Data,
    /// Independent standard normal numbers of the same shape
    Normal,
}

/// The streams of [`Purpose::Probe`] by what they are for here.
const COTANGENT_STREAM: u64 = 0;
const INPUT_STREAM: u64 = 1;

/// A tensor of `len` independent standard normal numbers, keyed.
fn normal(len: usize, seed: u64, stream: u64) -> Vec<f32> {
    let mut stream = Stream::new(seed, Purpose::Probe, stream);
    (0..len).map(|_| stream.normal() as f32).collect()
}

/// Replaces a batch's images by standard normal numbers.
pub(super) fn fill_with_normal(batch: &mut Batch, seed: u64) {
    batch.images = normal(batch.images.len(), seed, INPUT_STREAM);
}

/// A pass that keeps the gradients which [`compare`] reads.
pub(super) fn keeping_for_theory<'w, S: Scalar>(tape: &Tape<S>, output: Var<'_, S>) -> Pass<'w, S> {
    compared(tape, output).into_iter().fold(Pass::new(Keep::Watched), Pass::watch_node)
}

/// Runs `batch` forward and backward, carried out as `execution` says, and compares with the theory; `key` is the run's seed and the step that dropout
/// draws from. The model's running statistics move as in a training step, so give it a model that is not needed any
/// more.
///
/// # Errors
/// Shapes that do not fit.
pub fn compare_with_theory(
    model: &mut dyn Layer<f32>,
    mut batch: Batch,
    execution: Execution,
    smoothing: f64,
    key: (u64, u64),
    cotangent: Cotangent,
) -> Result<TheoryComparison> {
    let tape = Tape::new();
    let cx = Context::train(&tape, key.0, key.1).executing(execution);
    let images = tensor(&mut batch)?;
    let (logits, loss) = record_loss(model, &cx, images, Targets::of(&batch), smoothing)?;
    let pass = keeping_for_theory(&tape, logits);
    let gradients = match cotangent {
        Cotangent::Loss => tape.run(pass, loss)?,
        Cotangent::Normal => {
            let shape = logits.shape();
            let start = Tensor::new(shape, normal(shape.len(), key.0, COTANGENT_STREAM))?;
            tape.run(pass.with_cotangent(start), logits)?
        }
    };
    TheoryComparison::on(&tape, logits, &gradients)
}

/// What a reader of the tables has to know.
pub const CAVEAT: &str = "\
Predicted: the general form, from the input's moments, the weights' mean squares and E[δ²] at the output, for
Gaussian z and δ independent of the weights, all samples pooled. Measured with the real loss: behind the mean over
positions its δ are alike at neighbouring positions, so convolutional layers differ by more than noise. Where an
activation makes samples drift apart, as normalized Swish and GELU do, the pooled form falls short with depth, the
more the narrower the network. `anact inspect --theory` takes these apart: normal cotangents, several seeds, and
the theories that follow each sample by itself.";

impl TheoryComparison {
    /// The comparison on a tape whose gradients are those of a pass by [`keeping_for_theory`] or of all nodes.
    pub(super) fn on(tape: &Tape<f32>, output: Var<'_, f32>, gradients: &Gradients<f32>) -> Result<Self> {
        Ok(Self { rows: compare(tape, output, gradients)? })
    }

    /// The layers' numbers on the way forward and on the way back, each as predicted | measured. Two tables, since
    /// one would be wider than most terminals.
    pub fn tables(&self) -> [Table; 2] {
        [&QUANTITIES[1..5], &QUANTITIES[5..]].map(|columns| self.table(columns))
    }

    fn table(&self, columns: &[Quantity]) -> Table {
        let mut table = Table::new().text("layer");
        for column in columns {
            table = table.number(column.heading);
        }
        for row in &self.rows {
            let cells = columns.iter().map(|c| pair((c.read)(&row.predicted), (c.read)(&row.measured)));
            table.row(std::iter::once(row.layer.clone()).chain(cells));
        }
        table
    }

    /// Appends the rows to a CSV table made by [`TheoryComparison::csv`]; `step` is the number of training steps taken
    /// before.
    ///
    /// # Errors
    /// Never for a table of that making.
    pub fn append_to(&self, csv: &mut Csv, run: &str, seed: u64, (when, step): (&str, u64)) -> Result<()> {
        for row in &self.rows {
            let head = [Cell::from(run), Cell::from(seed), Cell::from(when), Cell::from(step)];
            let pairs = QUANTITIES.iter().flat_map(|q| [(q.read)(&row.predicted), (q.read)(&row.measured)]);
            let theories = other_theories().flat_map(|t| [(t.delta)(row), (t.weight_gradient)(row)]);
            let values = pairs.chain(theories).chain(CAUSES.iter().map(|c| (c.read)(row)));
            let layer = [Cell::from(row.layer.as_str())];
            // As in the record's JSON, where a run that goes on reads them back, what is not finite is missing.
            let values = values.map(|value| Cell::from(value.filter(|x| x.is_finite())));
            csv.row(head.into_iter().chain(layer).chain(values))?;
        }
        Ok(())
    }

    /// An empty CSV table for comparisons.
    pub fn csv() -> Csv {
        let head = ["activation", "seed", "when", "step", "layer"].map(str::to_string);
        let pairs =
            QUANTITIES.iter().flat_map(|q| [format!("predicted_{}", q.name), format!("measured_{}", q.name)]);
        let theories =
            other_theories().flat_map(|t| [DELTA, WEIGHT_GRADIENT].map(|q| format!("{}_{}", t.name, q.name)));
        let causes = CAUSES.iter().map(|c| c.name.to_string());
        Csv::new(head.into_iter().chain(pairs).chain(theories).chain(causes))
    }
}

/// The theories but for the general form, which is the one that stands beside every measured quantity.
fn other_theories() -> impl Iterator<Item = &'static Theory> {
    THEORIES.iter().filter(|t| t.name != GENERAL_FORM.name)
}

/// `predicted | measured`, with a dot for what is not known; empty where there is neither.
pub fn pair(predicted: Option<f64>, measured: Option<f64>) -> String {
    let number = |x: Option<f64>| x.map_or_else(|| "·".to_string(), |x| sig(x, 3));
    match (predicted, measured) {
        (None, None) => String::new(),
        (predicted, measured) => format!("{} | {}", number(predicted), number(measured)),
    }
}
