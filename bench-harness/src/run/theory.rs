//! The theory's numbers beside those of a real network, layer by layer.

use anact::theory::{LayerRow, Quantities, compare};
use autograd::{Keep, Tape};
use datasets::Batch;
use layers::{Context, Layer};
use serde::Serialize;

use super::evaluation::tensor;
use super::step::record_loss;
use crate::error::Result;
use crate::record::{Cell, Csv};
use crate::table::{Table, sig};

/// One batch through a network, predicted and measured.
#[derive(Debug, Clone, Serialize)]
pub struct TheoryComparison {
    /// Layers from input to output.
    pub rows: Vec<LayerRow>,
}

/// Runs `batch` forward and backward with every gradient kept, and compares with the theory. The model's running
/// statistics move as in a training step, so give it a model that is not needed any more.
///
/// # Errors
/// Shapes that do not fit.
pub fn compare_with_theory(
    model: &mut dyn Layer<f32>,
    mut batch: Batch,
    smoothing: f64,
    seed: u64,
) -> Result<TheoryComparison> {
    let tape = Tape::new();
    let cx = Context::train(&tape, seed, 0);
    let (logits, loss) = record_loss(model, &cx, tensor(&mut batch)?, &batch.labels, smoothing)?;
    let gradients = tape.backward(loss, Keep::All)?;
    Ok(TheoryComparison { rows: compare(&tape, logits, &gradients)? })
}

/// What a reader of the tables has to know.
pub const CAVEAT: &str = "Predicted from the input's moments, the weights' mean squares and E[δ²] at the output, for Gaussian z and \
     independent δ. Measured with the real loss: behind the mean over positions its δ are alike at neighbouring \
     positions, so convolutional layers differ from the prediction by more than noise.";

/// A column of the table: its heading, its name in files, and how to read it.
type Column = (&'static str, &'static str, fn(&Quantities) -> Option<f64>);

/// What a layer does on the way forward. κ = λ + 0.3·tanh α is the factor as applied; it is λ before training.
const FORWARD: &[Column] = &[
    ("Var[z]", "variance_z", |q| q.variance_z),
    ("ρ", "rho", |q| q.rho),
    ("ρ′", "rho_prime", |q| q.rho_prime),
    ("λ", "lambda", |q| q.kappa),
];

/// What the factor makes of it, and what reaches the layer on the way back.
const BACKWARD: &[Column] = &[
    ("λ²ρ", "lambda2_rho", |q| q.scaled_rho),
    ("λ²ρ′", "lambda2_rho_prime", |q| q.scaled_rho_prime),
    ("E[δ²]", "delta2", |q| q.delta),
    ("E[(∂L/∂w)²]", "weight_gradient2", |q| q.weight_gradient),
];

/// All columns, as files have them.
fn columns() -> impl Iterator<Item = &'static Column> {
    FORWARD.iter().chain(BACKWARD)
}

impl TheoryComparison {
    /// The layers' numbers on the way forward and on the way back, each as predicted | measured. Two tables, since
    /// one would be wider than most terminals.
    pub fn tables(&self) -> [Table; 2] {
        [FORWARD, BACKWARD].map(|columns| self.table(columns))
    }

    fn table(&self, columns: &[Column]) -> Table {
        let mut table = Table::new().text("layer");
        for (heading, ..) in columns {
            table = table.number(*heading);
        }
        let number = |x: Option<f64>| x.map_or_else(|| "·".to_string(), |x| sig(x, 3));
        for row in &self.rows {
            let cells =
                columns.iter().map(|(_, _, read)| match (read(&row.predicted), read(&row.measured)) {
                    (None, None) => String::new(),
                    (predicted, measured) => format!("{} | {}", number(predicted), number(measured)),
                });
            table.row(std::iter::once(row.layer.clone()).chain(cells));
        }
        table
    }

    /// Appends the rows to a CSV table made by [`TheoryComparison::csv`].
    ///
    /// # Errors
    /// Never for a table of that making.
    pub fn append_to(&self, csv: &mut Csv, run: &str, seed: u64, moment: &str) -> Result<()> {
        for row in &self.rows {
            let values = columns().flat_map(|(_, _, read)| [read(&row.predicted), read(&row.measured)]);
            let head =
                [Cell::from(run), Cell::from(seed), Cell::from(moment), Cell::from(row.layer.as_str())];
            csv.row(head.into_iter().chain(values.map(Cell::from)))?;
        }
        Ok(())
    }

    /// An empty CSV table for comparisons.
    pub fn csv() -> Csv {
        let head = ["activation", "seed", "when", "layer"].map(str::to_string);
        let pairs =
            columns().flat_map(|(_, name, _)| [format!("predicted_{name}"), format!("measured_{name}")]);
        Csv::new(head.into_iter().chain(pairs))
    }
}
