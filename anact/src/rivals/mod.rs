//! The rivals of the normalized activation: other normalizations, all frozen at initialisation.
//!
//! Each is a·f(c·x + d) + b with numbers that follow from f for standard normal x, and is an activation like any other
//! under the name `PREFIX-NAME`: `gp-tanh`, `uv-swish(1.702)`, `dks(50)-softplus`. Where the normalized activation `nX`
//! adapts its λ and μ to every batch, these show what a constant does.
//!
//! A new rival is one file after the example of `unit_variance.rs` and one line in [`RIVALS`]: its name, listing,
//! `anact factors` and the tests over the registry come from that line.

mod affine;
mod backward;
mod cases;
mod dks;
mod fixed;
mod fixed_centered;
mod gaussian_poincare;
mod he;
mod second_moment;
mod tat;
mod unit_variance;

use autograd::ops::activation::{ActivationEntry, Visitor, with_activation};
use autograd::{Elementwise, Error, Parameter, Result};

use affine::Curve;
pub use affine::{Affine, Coefficients};
pub use cases::OPS;

/// The name of the op on a tape, whatever its function and numbers.
pub const NAME: &str = "affine";
/// Its formula.
const FORMULA: &str = "a·f(c·x + d) + b";

/// One way to normalize an activation function.
#[derive(Debug)]
pub struct RivalEntry {
    /// What stands before the function's name.
    pub prefix: &'static str,
    /// Other prefixes with the same meaning.
    pub aliases: &'static [&'static str],
    /// What it does, for listings.
    pub about: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// Its own parameter, written behind the prefix as in `dks(50)-tanh`.
    pub parameter: Option<Parameter>,
    /// Its numbers for a function, given its own parameter where that is not the default.
    pub(crate) build: fn(&dyn Curve, Option<f64>) -> Result<Coefficients>,
}

/// Every rival, in reading order.
pub const RIVALS: &[RivalEntry] = &[
    gaussian_poincare::ENTRY,
    second_moment::ENTRY,
    unit_variance::ENTRY,
    fixed::ENTRY,
    fixed_centered::ENTRY,
    backward::ENTRY,
    he::ENTRY,
    dks::ENTRY,
    tat::ENTRY,
];

/// A name taken apart.
#[derive(Debug, Clone, Copy)]
struct Name<'a> {
    rival: &'static RivalEntry,
    /// The rival's parameter, unless it is the default.
    parameter: Option<f64>,
    /// The function's name with its parameter.
    function: &'a str,
}

/// Splits at the first hyphen that is not in parentheses, where it is the sign of a parameter.
fn split(name: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    let at = name.find(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == '-' && depth == 0
    })?;
    Some((&name[..at], &name[at + 1..]))
}

fn find(prefix: &str) -> Option<&'static RivalEntry> {
    RIVALS.iter().find(|r| r.prefix == prefix || r.aliases.contains(&prefix))
}

fn is_activation(name: &str) -> bool {
    ActivationEntry::named(name).is_some()
}

/// Takes `name` apart; `None` if it has no prefix and so is no rival's name.
fn parse(name: &str) -> Option<Result<Name<'_>>> {
    let (prefix, function) = split(name)?;
    let (base, parameter) = match prefix.split_once('(') {
        None => (prefix, None),
        Some((base, rest)) => (base, Some(rest)),
    };
    let refuse = |what: String, legal: String| Some(Err(Error::Argument { op: "activation", what, legal }));
    let Some(rival) = find(base) else {
        if let Some(rival) = base.strip_prefix('n').and_then(find) {
            let legal = format!(
                "`n{function}` or `{}-{function}`: the node's λ and μ would undo the rival's scale and offset, since \
                 λ(a·f) = λ(f)/|a|",
                rival.prefix
            );
            return refuse(format!("`{name}` normalizes a rival"), legal);
        }
        let prefixes = || RIVALS.iter().flat_map(|r| [r.prefix].into_iter().chain(r.aliases.iter().copied()));
        // `hard-swish` wants an underscore, not another prefix.
        let is_misspelt = !is_activation(function) || is_activation(&name.replace('-', "_"));
        return Some(Err(if !is_misspelt {
            Error::unknown("prefix of an activation", base, prefixes())
        } else {
            let names = crate::factory::names();
            Error::unknown("activation", name, names.iter().map(String::as_str))
        }));
    };
    if function.strip_prefix('n').is_some_and(is_activation) || matches!(function, "prelu" | "nprelu") {
        return refuse(
            format!("`{function}` changes as it learns"),
            format!("the name of a fixed function after `{prefix}-`, as in `{prefix}-tanh`"),
        );
    }
    if split(function).is_some() {
        return refuse(format!("`{name}` has two prefixes"), format!("one, as in `{prefix}-tanh`"));
    }
    let parameter = match (parameter, rival.parameter) {
        (None, _) => None,
        (Some(_), None) => {
            return refuse(
                format!("`{prefix}` has a parameter"),
                format!("`{base}-{function}`: it takes none"),
            );
        }
        (Some(text), Some(p)) => {
            match text.strip_suffix(')').and_then(|n| n.trim().parse::<f64>().ok()).filter(|n| n.is_finite())
            {
                Some(v) if p.min <= v && v <= p.max => Some(v).filter(|v| *v != p.default),
                _ => {
                    let legal = format!("a number {} from {} to {}", p.name, p.min, p.max);
                    return refuse(format!("`{prefix}` given"), legal);
                }
            }
        }
    };
    Some(Ok(Name { rival, parameter, function }))
}

/// Whether `name` is meant as a rival's, right or wrong: it has a prefix.
pub fn is_rival(name: &str) -> bool {
    split(name).is_some()
}

/// Calls `visitor` with the activation called `name`: a rival as [`Affine`], or a registered function.
///
/// # Errors
/// An unknown prefix or name (with the near ones), a parameter out of range, or a rival that is not defined for the
/// function.
pub fn with_frozen<V: Visitor>(name: &str, visitor: V) -> Result<V::Output> {
    struct Freeze<'a, V>(Name<'a>, V);
    impl<V: Visitor> Visitor for Freeze<'_, V> {
        type Output = Result<V::Output>;
        fn visit<E: Elementwise>(self, function: E) -> Self::Output {
            let Name { rival, parameter, .. } = self.0;
            let coefficients = (rival.build)(&function, parameter)?;
            Ok(self.1.visit(Affine::of(function, coefficients, rival, parameter)))
        }
    }
    match parse(name) {
        None => with_activation(name, visitor),
        Some(parsed) => {
            let parsed = parsed?;
            with_activation(parsed.function, Freeze(parsed, visitor))?
        }
    }
}

/// The numbers of the rival `name`.
///
/// # Errors
/// As [`with_frozen`], and a name without a prefix.
pub fn coefficients(name: &str) -> Result<Coefficients> {
    struct Build<'a>(Name<'a>);
    impl Visitor for Build<'_> {
        type Output = Result<Coefficients>;
        fn visit<E: Elementwise>(self, function: E) -> Self::Output {
            (self.0.rival.build)(&function, self.0.parameter)
        }
    }
    let parsed = parse(name).unwrap_or_else(|| {
        let legal = "a name with a prefix, as in `gp-tanh`".into();
        Err(Error::Argument { op: "rival", what: format!("`{name}` given"), legal })
    })?;
    with_activation(parsed.function, Build(parsed))?
}

/// The formula of the rival with this label with its numbers, as in `1.467·f(x) + 0.3885, f(x) = tanh x`.
pub(crate) fn formula(label: &str) -> Option<String> {
    let function = parse(label)?.ok()?.function;
    let k = coefficients(label).ok()?;
    let entry = ActivationEntry::named(function)?;
    let signed = |x: f64| format!("{} {:.4}", if x < 0.0 { '−' } else { '+' }, x.abs());
    let input = if (k.c, k.d) == (1.0, 0.0) { "x".into() } else { format!("{:.4}·x {}", k.c, signed(k.d)) };
    let offset = if k.b == 0.0 { String::new() } else { format!(" {}", signed(k.b)) };
    let parameter = match (entry.parameter, k.parameter) {
        (Some(p), Some(chosen)) => format!(", {} = {chosen:.4}", p.name),
        _ => String::new(),
    };
    Some(format!("{:.4}·f({input}){offset}, f(x) = {}{parameter}", k.a, entry.formula))
}

/// `value` if it is a positive number; else an error that says of which function it is the moment `what`.
fn positive(rival: &'static str, f: &dyn Curve, what: &str, value: f64) -> Result<f64> {
    if value > 0.0 && value.is_finite() {
        return Ok(value);
    }
    Err(Error::Argument {
        op: rival,
        what: format!("{what} of {} is {value} for standard normal input", f.label()),
        legal: "a function that is not constant and has finite moments".into(),
    })
}

/// A depth as a whole number of layers.
fn whole_depth(rival: &'static str, depth: f64) -> Result<u32> {
    // The range of the parameter, checked before, fits.
    if depth.fract() == 0.0 {
        return Ok(depth as u32);
    }
    let legal = "a whole number of layers".into();
    Err(Error::Argument { op: rival, what: format!("depth D is {depth}"), legal })
}

#[cfg(test)]
mod tests;
