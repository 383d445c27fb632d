//! Numbers and shapes at the edges, for everything that has cases in a registry: what a new op does there is held to the
//! same properties, or has to be written into a table of exceptions with its reason.
//!
//! `exceptions.toml` says where something does not hold, and why. The *family* is an op, an activation or a node of `anact` by its
//! registered name. `family` alone means every one of its cases, `family, case` that one and no other; behind either, in
//! brackets, the circumstances under which it was seen, and under no others. A `*` stands for anything, where many cases share a
//! reason. An exception that is none any more is an error too.

use std::collections::{BTreeMap, BTreeSet};

use anact::rivals;
use autograd::check::Case;
use autograd::inspect::matches;
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

/// By case, the circumstances under which it is not as the rule has it, and one example.
type Departing = BTreeMap<String, (BTreeSet<String>, String)>;

/// Where something is not as the rule has it, by family and what it is about.
#[derive(Default)]
struct Departures(BTreeMap<(&'static str, String), Departing>);

impl Departures {
    /// Notes one. `about` and `circumstance` may be empty.
    fn note(&mut self, family: &'static str, about: &str, case: &Case, circumstance: &str, example: String) {
        let cases = self.0.entry((family, about.to_string())).or_default();
        let (circumstances, _) = cases.entry(case.name().to_string()).or_insert((BTreeSet::new(), example));
        circumstances.insert(circumstance.to_string());
    }

    /// By the names of `exceptions.toml`: the family's alone where each of its cases departs under the same circumstances.
    fn by_name(self, families: &[Family]) -> BTreeMap<String, String> {
        let mut named = BTreeMap::new();
        for ((family, about), cases) in self.0 {
            let (_, all) = families.iter().find(|(name, _)| *name == family).expect("a family of these");
            let about = if about.is_empty() { about } else { format!(", {about}") };
            let within = |circumstances: &BTreeSet<String>| {
                let listed = circumstances.iter().cloned().collect::<Vec<_>>().join(" ");
                if listed.is_empty() { listed } else { format!(" [{listed}]") }
            };
            let all: BTreeSet<&str> = all.iter().map(Case::name).collect();
            let (first, example) = cases.values().next().expect("a departure has a case");
            if cases.len() == all.len() && cases.values().all(|(circumstances, _)| circumstances == first) {
                named.insert(format!("{family}{}{about}", within(first)), example.clone());
                continue;
            }
            for (case, (circumstances, example)) in &cases {
                named.insert(format!("{family}, {case}{}{about}", within(circumstances)), example.clone());
            }
        }
        named
    }
}

/// Fails unless `found`, by name with what was seen, is what the section of `exceptions.toml` lists, by name with the reason.
#[track_caller]
fn assert_exceptions(section: &str, found: &BTreeMap<String, String>) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/edges/exceptions.toml");
    let text = std::fs::read_to_string(path).expect("the table of exceptions");
    let tables: BTreeMap<String, BTreeMap<String, String>> =
        toml::from_str(&text).expect("sections of texts");
    let known = tables.get(section).unwrap_or_else(|| panic!("no section {section}"));
    let new = found.iter().filter(|(name, _)| !known.keys().any(|known| matches(known, name)));
    let new: Vec<_> = new.map(|(name, seen)| format!("\n\"{name}\" = \"{seen}\"")).collect();
    let gone: Vec<_> = known.keys().filter(|known| !found.keys().any(|name| matches(known, name))).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "[{section}] lacks {}\nand need not list {gone:?}",
        new.concat()
    );
}
