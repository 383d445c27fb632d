//! The node and the Gaussian moments against values from outside.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anact::node::ADJUSTMENT;
use anact::theory::gaussian_moments;
use anact::{ForwardMoment, GradientMode, Granularity, NodeStatistics, Plan};
use autograd::check::worse;
use autograd::{Keep, Shape, Tape, Tensor};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::table::{Table, sig};

/// Largest legal relative error of the node.
const NODE_TOLERANCE: f64 = 1e-12;
/// Largest legal relative error of a moment.
const MOMENT_TOLERANCE: f64 = 1e-10;

/// One row of a node file.
#[derive(Debug, Deserialize)]
struct NodeRow {
    activation: String,
    gradient: GradientMode,
    forward_moment: ForwardMoment,
    shape: Vec<usize>,
    alpha: f64,
    z: Vec<f64>,
    cotangent: Vec<f64>,
    mu: f64,
    rho: f64,
    rho_prime: f64,
    lambda_: f64,
    y: Vec<f64>,
    grad_z: Vec<f64>,
    grad_alpha: f64,
}

/// One row of a moments file; numbers are decimal strings, since they have more digits than a float.
#[derive(Debug, Deserialize)]
struct MomentRow {
    activation: String,
    mean: Decimal,
    std: Decimal,
    #[serde(rename = "Ef")]
    f: Decimal,
    #[serde(rename = "Ef2")]
    f2: Decimal,
    #[serde(rename = "Edf2")]
    df2: Decimal,
    lambda_: Decimal,
    lambda_centered: Decimal,
}

/// A number written as a number or as a string.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "Value")]
struct Decimal(f64);

impl TryFrom<Value> for Decimal {
    type Error = String;
    fn try_from(value: Value) -> std::result::Result<Self, String> {
        let number = value.as_f64().or_else(|| value.as_str().and_then(|s| s.parse().ok()));
        number.map(Self).ok_or_else(|| format!("{value} is no number"))
    }
}

/// Worst errors by activation and quantity, in the order met.
struct Worst {
    columns: &'static [&'static str],
    rows: BTreeMap<String, (usize, Vec<f64>)>,
}

impl Worst {
    fn new(columns: &'static [&'static str]) -> Self {
        Self { columns, rows: BTreeMap::new() }
    }

    fn add(&mut self, activation: &str, errors: &[f64]) {
        let (count, worst) =
            self.rows.entry(activation.to_string()).or_insert_with(|| (0, vec![0.0; self.columns.len()]));
        *count += 1;
        for (worst, &e) in worst.iter_mut().zip(errors) {
            *worst = worse(*worst, e);
        }
    }

    /// What was compared with `path`, where errors up to `tolerance` are legal.
    fn finish(self, what: &'static str, path: &Path, tolerance: f64) -> Compared {
        Compared { what, path: path.to_path_buf(), tolerance, worst: self }
    }
}

/// A comparison with a file.
pub(super) struct Compared {
    what: &'static str,
    path: PathBuf,
    tolerance: f64,
    worst: Worst,
}

impl Compared {
    fn is_right(&self) -> bool {
        self.worst.rows.values().all(|(_, worst)| worst.iter().all(|w| *w <= self.tolerance))
    }

    /// # Errors
    /// An error above the tolerance.
    pub(super) fn verdict(&self) -> Result<()> {
        if self.is_right() {
            return Ok(());
        }
        Err(Error::CheckFailed(format!("{}: an error is above {:e}", self.what, self.tolerance)))
    }

    pub(super) fn text(&self) -> String {
        let mut table = Table::new().text("activation").number("rows");
        for column in self.worst.columns {
            table = table.number(*column);
        }
        for (name, (count, worst)) in &self.worst.rows {
            table.row([name.clone(), count.to_string()].into_iter().chain(worst.iter().map(|w| sig(*w, 2))));
        }
        let head = format!("{}, worst relative error over {}\n\n{table}", self.what, self.path.display());
        if self.is_right() { format!("{head}\nall within {:e}\n", self.tolerance) } else { head }
    }

    pub(super) fn json(&self) -> Value {
        let row = |(name, (count, worst)): (&String, &(usize, Vec<f64>))| {
            let errors: Map<String, Value> =
                self.worst.columns.iter().zip(worst).map(|(c, w)| ((*c).to_string(), json!(w))).collect();
            json!({ "activation": name, "rows": count, "worst_relative_errors": errors })
        };
        json!({
            "file": self.path.display().to_string(),
            "tolerance": self.tolerance,
            "right": self.is_right(),
            "activations": self.worst.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

/// |got − want| relative to the largest entry of `want`.
fn error(got: &[f64], want: &[f64]) -> f64 {
    if got.len() != want.len() {
        return f64::INFINITY;
    }
    let size = want.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let size = if size == 0.0 { 1.0 } else { size };
    got.iter().zip(want).map(|(g, w)| (g - w).abs() / size).fold(0.0, worse)
}

/// Compares the normalized node with a file.
pub(super) fn node(path: &Path) -> Result<Compared> {
    let mut worst = Worst::new(&["μ", "ρ", "ρ′", "λ", "y", "∂L/∂z", "∂L/∂α"]);
    for (i, row) in read::<NodeRow>(path)?.into_iter().enumerate() {
        let errors = node_errors(&row).map_err(|e| at(path, i, &e))?;
        worst.add(&row.activation, &errors);
    }
    Ok(worst.finish("Normalized node", path, NODE_TOLERANCE))
}

fn node_errors(row: &NodeRow) -> autograd::Result<[f64; 7]> {
    let settings = anact::Settings {
        moment: row.forward_moment,
        gradient: row.gradient,
        granularity: Granularity::Layer,
    };
    let tape = Tape::<f64>::new();
    let shape = Shape::new(&row.shape)?;
    let z = tape.variable(Tensor::new(shape, row.z.clone())?);
    let alpha = tape.variable(Tensor::full([1], row.alpha));
    let y = anact::normalize(&row.activation, Plan::batch(settings), z, Some(alpha))?;
    let gradients = tape.backward_from(y, Tensor::new(shape, row.cotangent.clone())?, Keep::Leaves)?;
    let statistics = NodeStatistics::of(y).and_then(|s| s.groups.first().copied());
    let Some((group, moments)) = statistics.and_then(|g| g.moments.map(|m| (g, m))) else {
        return Ok([f64::NAN; 7]);
    };
    let ratios = moments.ratios(row.forward_moment);
    let ratio = |read: fn(&anact::Ratios<f64>) -> f64| ratios.as_ref().map_or(f64::NAN, read);
    // μ and ∂L/∂α are sums whose terms may cancel; their errors are measured against the size of the terms.
    let terms = row.cotangent.iter().zip(&row.y).map(|(g, y)| (g * y).abs()).sum::<f64>();
    let kappa = row.lambda_ + ADJUSTMENT * row.alpha.tanh();
    let slope = ADJUSTMENT * (1.0 - row.alpha.tanh().powi(2));
    let by_alpha = gradients.wrt(alpha)?.item()?;
    Ok([
        (group.mu - row.mu).abs() / row.mu.abs().max(moments.m2.sqrt()),
        error(&[ratio(|r| r.forward)], &[row.rho]),
        error(&[ratio(|r| r.backward)], &[row.rho_prime]),
        error(&[group.lambda], &[row.lambda_]),
        error(y.value().data(), &row.y),
        error(gradients.wrt(z)?.data(), &row.grad_z),
        (by_alpha - row.grad_alpha).abs() / row.grad_alpha.abs().max((slope * terms / kappa).abs()),
    ])
}

/// Compares Gaussian moments with a file.
pub(super) fn moments(path: &Path) -> Result<Compared> {
    let mut worst = Worst::new(&["E[f]", "E[f²]", "E[f′²]", "λ", "λ centred"]);
    for (i, row) in read::<MomentRow>(path)?.into_iter().enumerate() {
        let got = gaussian_moments(&row.activation, row.mean.0, row.std.0).map_err(|e| at(path, i, &e))?;
        let lambda = |moment| got.lambda(moment).unwrap_or(f64::NAN);
        worst.add(
            &row.activation,
            &[
                // The mean of an odd function is 0; its error is measured against the function's size.
                (got.f - row.f.0).abs() / row.f.0.abs().max(row.f2.0.sqrt()),
                error(&[got.f2], &[row.f2.0]),
                error(&[got.df2], &[row.df2.0]),
                error(&[lambda(ForwardMoment::Raw)], &[row.lambda_.0]),
                error(&[lambda(ForwardMoment::Centered)], &[row.lambda_centered.0]),
            ],
        );
    }
    Ok(worst.finish("Gaussian moments", path, MOMENT_TOLERANCE))
}

/// Reads a JSON array of rows.
fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let refuse = |problem| Error::File { path: path.to_path_buf(), problem };
    let text = std::fs::read_to_string(path).map_err(|e| refuse(format!("cannot be read: {e}")))?;
    let rows: Vec<T> = serde_json::from_str(&text).map_err(|e| refuse(e.to_string()))?;
    if rows.is_empty() {
        return Err(refuse("holds no rows; want a JSON array of objects".into()));
    }
    Ok(rows)
}

fn at(path: &Path, row: usize, e: &autograd::Error) -> Error {
    Error::File { path: path.to_path_buf(), problem: format!("row {}: {e}", row + 1) }
}
