//! `anact moments`: an activation under a normal distribution.

use anact::theory::{GaussianMoments, Route, gaussian_moments, has_closed_form};
use anact::{FORWARD_MOMENTS, ForwardMoment, backward_factor, forward_factor};
use autograd::ops::activation::ACTIVATIONS;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use super::output::Output;
use crate::error::Result;
use crate::table::{Table, sig};

/// Significant digits in tables.
const DIGITS: usize = 6;

/// Arguments of `anact moments`.
#[derive(Debug, Args)]
pub(super) struct Moments {
    /// The activation, with its parameter in parentheses if need be, or a rival such as gp-tanh; without one, all are listed with their route
    #[arg(long)]
    activation: Option<String>,
    /// m of z ~ N(m, s²)
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true, requires = "activation")]
    mean: f64,
    /// s of z ~ N(m, s²)
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true, requires = "activation")]
    std: f64,
    /// Only this λ [default: both]
    #[arg(long, value_parser = forward_moments(), requires = "activation")]
    moment: Option<ForwardMoment>,
    #[command(flatten)]
    printed: Output,
}

/// Forward moments by the names they have everywhere.
fn forward_moments() -> impl TypedValueParser<Value = ForwardMoment> {
    PossibleValuesParser::new(FORWARD_MOMENTS.iter().map(|(name, _)| *name)).map(|chosen| {
        FORWARD_MOMENTS.iter().find(|(name, _)| *name == chosen).expect("one of these was asked for").1
    })
}

/// One λ with what belongs to it; `None` where a ratio is not a positive number.
#[derive(Debug, Serialize)]
struct Factor {
    rho: f64,
    lambda: Option<f64>,
    /// 1/√ρ.
    forward_factor: Option<f64>,
    lambda_by_mean: Option<f64>,
    lambda_by_std: Option<f64>,
}

impl Factor {
    fn of(g: &GaussianMoments, moment: ForwardMoment) -> Self {
        let (rho, slopes) = (g.ratios(moment).forward, g.lambda_gradient(moment));
        Self {
            rho,
            lambda: g.lambda(moment),
            forward_factor: forward_factor(rho),
            lambda_by_mean: slopes.map(|x| x.0),
            lambda_by_std: slopes.map(|x| x.1),
        }
    }
}

/// Everything that is printed.
#[derive(Debug, Serialize)]
struct Report {
    activation: String,
    mean: f64,
    std: f64,
    f: f64,
    f2: f64,
    f_var: f64,
    df: f64,
    df2: f64,
    z_f_df: f64,
    f_d2f: f64,
    z2_df2: f64,
    f2_df2: f64,
    rho_prime: f64,
    /// 1/√ρ′.
    backward_factor: Option<f64>,
    slope: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<Factor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    centered: Option<Factor>,
    route: Route,
    error: f64,
}

impl Moments {
    pub(super) fn run(self) -> Result<()> {
        let Some(activation) = self.activation else { return list(self.printed.is_json()) };
        let g = gaussian_moments(&activation, self.mean, self.std)?;
        let wants = |moment| self.moment.is_none_or(|only| only == moment);
        let report = Report {
            activation,
            mean: g.mean,
            std: g.std,
            f: g.f,
            f2: g.f2,
            f_var: g.f_var,
            df: g.df,
            df2: g.df2,
            z_f_df: g.z_f_df,
            f_d2f: g.f_d2f,
            z2_df2: g.z2_df2,
            f2_df2: g.f2_df2,
            rho_prime: g.rho_prime(),
            backward_factor: backward_factor(g.rho_prime()),
            slope: g.slope(),
            raw: wants(ForwardMoment::Raw).then(|| Factor::of(&g, ForwardMoment::Raw)),
            centered: wants(ForwardMoment::Centered).then(|| Factor::of(&g, ForwardMoment::Centered)),
            route: g.route,
            error: g.error,
        };
        if self.printed.is_json() {
            println!("{}", serde_json::to_string(&report).expect("numbers and names are JSON"));
        } else {
            print(&report);
        }
        Ok(())
    }
}

fn print(r: &Report) {
    let mut table = Table::new().text("moment").number("value");
    for (name, value) in [
        ("E[f]", r.f),
        ("E[f²]", r.f2),
        ("Var[f]", r.f_var),
        ("E[f′]", r.df),
        ("E[f′²] = ρ′", r.df2),
        ("E[z f f′]", r.z_f_df),
        ("E[f f″]", r.f_d2f),
        ("E[z² f′²]", r.z2_df2),
        ("E[f² f′²]", r.f2_df2),
        ("a = E[z f f′]/E[f²]", r.slope),
    ] {
        table.row([name.to_string(), sig(value, DIGITS)]);
    }
    println!("{} of z ~ N(m, s²), m = {}, s = {}\n\n{table}", r.activation, r.mean, r.std);
    let number = |x: Option<f64>| x.map_or_else(|| "–".to_string(), |x| sig(x, DIGITS));
    let both = [("raw", &r.raw), ("centred", &r.centered)];
    let shown: Vec<_> = both.iter().filter_map(|(name, factor)| Some((*name, factor.as_ref()?))).collect();
    let mut table = Table::new().text("factor");
    for (name, _) in &shown {
        table = table.number(*name);
    }
    type Read<'r> = &'r dyn Fn(&Factor) -> Option<f64>;
    let rows: [(&str, Read<'_>); 6] = [
        ("ρ", &|f| Some(f.rho)),
        ("1/√ρ", &|f| f.forward_factor),
        ("1/√ρ′", &|_| r.backward_factor),
        ("λ", &|f| f.lambda),
        ("∂λ/∂m", &|f| f.lambda_by_mean),
        ("∂λ/∂s", &|f| f.lambda_by_std),
    ];
    for (name, read) in rows {
        table.row(std::iter::once(name.to_string()).chain(shown.iter().map(|(_, f)| number(read(f)))));
    }
    println!("{table}");
    let route = match r.route {
        Route::ClosedForm => "in closed form",
        Route::Quadrature => "by quadrature",
    };
    println!("{route}; estimated relative error {:.1e}", r.error);
}

/// Which activations have closed forms.
fn list(json: bool) -> Result<()> {
    let mut rows = Vec::new();
    for a in ACTIVATIONS {
        rows.push((a.name, has_closed_form(a.name)?));
    }
    if json {
        let object: serde_json::Map<String, serde_json::Value> =
            rows.into_iter().map(|(name, closed)| (name.to_string(), closed.into())).collect();
        println!("{}", serde_json::json!({ "closed_form": object }));
        return Ok(());
    }
    let mut table = Table::new().text("activation").text("moments");
    for (name, closed) in rows {
        table.row([name, if closed { "closed form" } else { "quadrature" }]);
    }
    println!(
        "Moments under a normal distribution; for one of them: anact moments --activation swish\n\n{table}"
    );
    Ok(())
}
