//! Numbers and shapes at the edges, for everything that has cases in a registry: what a new op does there is held to the
//! same properties, or has to be written into a table of exceptions with its reason.
//!
//! `exceptions.toml` says of which *families* something does not hold, and why: of an op, an activation or a node of `anact`
//! by its registered name. An exception that is none any more is an error too.

use std::collections::{BTreeMap, BTreeSet};

use anact::rivals;
use autograd::check::Case;
use autograd::ops::activation::ACTIVATIONS;
use autograd::ops::{GRADIENT_OPS, OPS};
use autograd::{Shape, Tensor};

mod constant;
mod labels;
mod nan;
mod networks;
mod scale;
mod shapes;
mod statistics;
mod threads;
mod torch;

/// A name, and its cases.
type Family = (&'static str, Vec<Case>);

/// Every op, activation and node that a registry knows.
fn families() -> Vec<Family> {
    let ops = OPS.iter().chain(GRADIENT_OPS).chain(anact::NODES).chain(rivals::OPS);
    let ops = ops.map(|o| (o.name, (o.cases)()));
    let activations = ACTIVATIONS.iter().map(|a| (a.name, (a.cases)()));
    ops.chain(activations).map(|(name, cases)| (name, cases.into_iter().filter(is_small).collect())).collect()
}

/// Some cases are there for their size.
fn is_small(case: &Case) -> bool {
    case.inputs().iter().map(Tensor::len).sum::<usize>() <= 200
}

/// A cotangent without a pattern and without 0.
fn scattered32(shape: Shape) -> Tensor<f32> {
    scattered(shape).cast()
}

fn scattered(shape: Shape) -> Tensor<f64> {
    Tensor::filled(shape, (0..shape.len()).map(|i| 0.2 + (7.3 * (i * i + 1) as f64).sin().abs()).collect())
}

/// First, middle and last of `n`.
fn some_of(n: usize) -> impl Iterator<Item = usize> {
    [0, n / 2, n.saturating_sub(1)].into_iter().filter(move |&i| i < n).collect::<BTreeSet<_>>().into_iter()
}

/// Fails unless `found`, by name with what was seen, is what the section of `exceptions.toml` lists, by name with the reason.
#[track_caller]
fn assert_exceptions(section: &str, found: &BTreeMap<String, String>) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/edges/exceptions.toml");
    let text = std::fs::read_to_string(path).expect("the table of exceptions");
    let tables: BTreeMap<String, BTreeMap<String, String>> =
        toml::from_str(&text).expect("sections of texts");
    let known = tables.get(section).unwrap_or_else(|| panic!("no section {section}"));
    let new = found.iter().filter(|(name, _)| !known.contains_key(*name));
    let new: Vec<_> = new.map(|(name, seen)| format!("\n\"{name}\" = \"{seen}\"")).collect();
    let gone: Vec<_> = known.keys().filter(|name| !found.contains_key(*name)).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "[{section}] lacks {}\nand need not list {gone:?}",
        new.concat()
    );
}
