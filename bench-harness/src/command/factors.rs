//! `anact factors`: what normalizes each activation, by the Gaussian theory alone.

use anact::ForwardMoment::{Centered, Raw};
use anact::rivals::{Coefficients, coefficients, gaussian_moments};
use anact::{backward_factor, forward_factor};
use autograd::ops::activation::ACTIVATIONS;
use clap::Args;
use serde::Serialize;

use crate::error::Result;
use crate::table::{Table, sig};

/// Arguments of `anact factors`.
#[derive(Debug, Args)]
pub(super) struct Factors {
    /// Standard deviation of the activation's input
    #[arg(long, default_value_t = 1.0)]
    std: f64,
    /// Mean of the activation's input
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    mean: f64,
    /// Only these activations, separated by commas; rivals such as gp-tanh are allowed [default: every plain one]
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    activations: Vec<String>,
    /// Write a JSON array with one object for each activation
    #[arg(long)]
    json: bool,
}

/// What is known of one activation; `None` where it is not defined.
#[derive(Debug, Serialize)]
struct Row {
    activation: String,
    mean: f64,
    std: f64,
    rho: f64,
    rho_centered: f64,
    rho_prime: f64,
    slope: f64,
    lambda: Option<f64>,
    lambda_centered: Option<f64>,
    lambda_forward: Option<f64>,
    lambda_backward: Option<f64>,
    /// From here on at standard normal input, whatever `mean` and `std` are.
    gp: Option<Poincare>,
    sm: Option<f64>,
    uv: Option<f64>,
    dks: Option<Shaping>,
}

/// h = a·f + b.
#[derive(Debug, Serialize)]
struct Poincare {
    a: f64,
    b: f64,
}

/// h(x) = γ(f(αx + β) + δ).
#[derive(Debug, Serialize)]
struct Shaping {
    gamma: f64,
    alpha: f64,
    beta: f64,
    delta: f64,
}

impl Row {
    fn of(name: &str, mean: f64, std: f64) -> Result<Self> {
        let m = gaussian_moments(name, mean, std)?;
        // Undefined for this function; an unknown name has been refused above.
        let rival = |prefix: &str| -> Option<Coefficients> { coefficients(&format!("{prefix}-{name}")).ok() };
        Ok(Self {
            activation: name.to_string(),
            mean,
            std,
            rho: m.rho(),
            rho_centered: m.rho_centered(),
            rho_prime: m.rho_prime(),
            slope: m.slope(),
            lambda: m.lambda(Raw),
            lambda_centered: m.lambda(Centered),
            lambda_forward: forward_factor(m.rho()),
            lambda_backward: backward_factor(m.rho_prime()),
            gp: rival("gp").map(|k| Poincare { a: k.a, b: k.b }),
            sm: rival("sm").map(|k| k.a),
            uv: rival("uv").map(|k| k.a),
            dks: rival("dks").map(|k| Shaping { gamma: k.a, alpha: k.c, beta: k.d, delta: k.b / k.a }),
        })
    }
}

impl Factors {
    pub(super) fn run(self) -> Result<()> {
        let all = || ACTIVATIONS.iter().map(|a| a.name.to_string()).collect();
        let names = if self.activations.is_empty() { all() } else { self.activations };
        let rows =
            names.iter().map(|n| Row::of(n.trim(), self.mean, self.std)).collect::<Result<Vec<_>>>()?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&rows).expect("plain numbers and names"));
        } else {
            print!("{}", text(&rows, self.mean, self.std));
        }
        Ok(())
    }
}

fn text(rows: &[Row], mean: f64, std: f64) -> String {
    let headers = ["ρ", "ρ centred", "ρ′", "slope a", "λ", "λ centred", "λ_f", "λ_b"];
    let mut factors = numbers(&headers);
    let mut gains = numbers(&["gp a", "gp b", "sm", "uv"]);
    let mut shaping = numbers(&["γ", "α", "β", "δ"]);
    for row in rows {
        let name = &row.activation;
        let ratios = [row.rho, row.rho_centered, row.rho_prime, row.slope].map(Some);
        let lambdas = [row.lambda, row.lambda_centered, row.lambda_forward, row.lambda_backward];
        fill(&mut factors, name, ratios.into_iter().chain(lambdas));
        let (gp, dks) = (row.gp.as_ref(), row.dks.as_ref());
        fill(&mut gains, name, [gp.map(|k| k.a), gp.map(|k| k.b), row.sm, row.uv]);
        fill(&mut shaping, name, dks.map_or([None; 4], |k| [k.gamma, k.alpha, k.beta, k.delta].map(Some)));
    }
    format!(
        "For z ~ N({mean}, {std}²): ρ = E[f²]/s², centred Var[f]/s², ρ′ = E[f′²], slope a = E[z f f′]/E[f²],\n\
         λ = √(½(1/ρ + 1/ρ′)), also with the centred ρ; λ_f = 1/√ρ keeps forward moments alone, λ_b = 1/√ρ′ backward\n\
         ones.\n{factors}\n\
         Rivals, frozen for standard normal input: gp-X is a·f + b with E[h²] = E[h′²] = 1, sm-X is f/√E[f²],\n\
         uv-X is f/√Var[f].\n{gains}\n\
         dks-X is γ(f(αx + β) + δ) for 20 layers, dks(D)-X for D; where no such numbers were found there is a –.\n{shaping}"
    )
}

fn numbers(headers: &[&str]) -> Table {
    headers.iter().fold(Table::new().text("activation"), |table, header| table.number(*header))
}

fn fill(table: &mut Table, name: &str, cells: impl IntoIterator<Item = Option<f64>>) {
    let cells = cells.into_iter().map(|x| x.map_or_else(|| "–".into(), cell));
    table.row([name.to_string()].into_iter().chain(cells));
}

/// Five digits; what is a rounding of 0 beside gains of order 1 is 0.
fn cell(x: f64) -> String {
    sig(if x.abs() < 1e-14 { 0.0 } else { x }, 5)
}
