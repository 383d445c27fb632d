//! Plans of many runs.

use std::collections::HashSet;

use bench_harness::plan::{MOST_RUNS, Plan};
use toml::{Table, Value};

use super::config::are_words;
use super::{accepted, committed, on_disk};

/// Runs that are carried out here; more are legal and take their time.
const MOST: usize = 64;

/// A plan is the same after it was written; its runs have folders of their own in the plan's folder.
pub fn plan(bytes: &[u8]) -> bool {
    let Some(plan) = accepted(on_disk("plan.toml", bytes, Plan::read), "plan.toml") else { return false };
    let again = Plan::parse(&plan.to_toml(), plan.path()).expect("what was written");
    // In which NaN is itself.
    assert_eq!(format!("{again:?}"), format!("{plan:?}"));
    let announced = announced(bytes);
    if announced.is_some_and(|count| (MOST..=MOST_RUNS).contains(&count)) {
        return true;
    }
    let Some(runs) = accepted(plan.runs(), "plan.toml") else { return false };
    assert_eq!(Some(runs.len()), announced);
    let mut folders = HashSet::new();
    for (place, run) in runs.iter().enumerate() {
        assert_eq!(run.index, place + 1);
        assert_eq!(run.folder.parent(), Some(&*plan.folder()), "a run outside of the plan's folder");
        assert!(is_name(&run.name) && run.folder.file_name() == Some(run.name.as_ref()), "{}", run.name);
        assert!(folders.insert(&run.folder), "{} twice", run.name);
        are_words(&run.options);
    }
    true
}

fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    name.chars().all(is_plain) && name != "." && name != ".." && (1..=255).contains(&name.len())
}

/// How many runs the text of a plan announces; `None` if they cannot be counted.
fn announced(bytes: &[u8]) -> Option<usize> {
    let table: Table = toml::from_str(std::str::from_utf8(bytes).ok()?).ok()?;
    let grids = match table.get("grid") {
        None => return Some(1),
        Some(Value::Array(grids)) => grids.clone(),
        Some(grid) => vec![grid.clone()],
    };
    if grids.is_empty() {
        return Some(1);
    }
    grids.iter().try_fold(0usize, |sum, grid| {
        let lists = grid.as_table()?.values();
        let product = lists.into_iter().try_fold(1usize, |n, list| n.checked_mul(list.as_array()?.len()))?;
        sum.checked_add(product)
    })
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let small = "name = \"a\"\nabout = \"b\"\noutput = \"c\"\n[options]\nlr = 0.1\ndata = \"d\"\n\
                 [[grid]]\nseed = [1, 2]\nactivation = [\"relu\", \"swish(1.702)\"]\n[[grid]]\nmodel = [\"mlp\"]\ndataset = [\"cifar10\"]\n";
    vec![small.as_bytes().to_vec(), committed("bench-harness/experiments/resnet-cifar10-small.toml")]
}
