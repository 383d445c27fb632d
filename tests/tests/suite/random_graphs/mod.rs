//! Random graphs, checked by every route of [`autograd::check`]: shared inputs, values used several times,
//! broadcasting, and every registered op and activation.

mod graph;
mod planted;
mod step;
mod table;

use std::collections::BTreeSet;

use autograd::check::{self, DUAL_TOLERANCE};
use autograd::ops::OPS;
use autograd::ops::activation::ACTIVATIONS;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};

use graph::{Draw, Graph, Row};
use planted::Bug;
use table::TABLE;

/// The same graphs in every run: a failure is seen by everyone, and again after the repair.
const SEED: u64 = 0x5EED;
/// As many as take a few seconds; builds without optimisation are far slower.
const GRAPHS: u32 = if cfg!(debug_assertions) { 64 } else { 8192 };

/// Ops that random graphs leave out, with the reason.
const LEFT_OUT: &[(&str, &str)] = &[
    ("conv2d", "conv_geometries.rs draws its geometry"),
    ("max_pool2d", "conv_geometries.rs draws its geometry"),
    ("avg_pool2d", "conv_geometries.rs draws its geometry"),
    ("global_avg_pool", "conv_geometries.rs draws its geometry"),
    ("batch_norm", "conv_geometries.rs draws its geometry"),
    ("batch_norm_inference", "conv_geometries.rs draws its geometry"),
    ("batch_norm_map", "its twin, the chain of its ops, has conv_geometries.rs"),
];

/// One draw for a step. Operands are mostly recent values, so that graphs are deep, and sometimes old ones.
fn draw() -> impl Strategy<Value = Draw> {
    let operand = || prop_oneof![3 => 0..3usize, 1 => 0..40usize];
    (0..TABLE.len(), [operand(), operand()], any::<u32>()).prop_map(|(row, operands, choice)| Draw {
        row: Row::Table(row),
        operands,
        choice,
    })
}

/// What a graph is read from.
type Plan = (Vec<Vec<usize>>, u64, Vec<Draw>);

/// 1 to 4 inputs with 0 to 3 axes, a seed for their numbers, and 2 to 30 draws.
fn plans() -> impl Strategy<Value = Plan> {
    let shape = prop::collection::vec(1..=4usize, 0..=3);
    let shape = shape.prop_filter("too many elements", |d| d.iter().product::<usize>() <= 24);
    (prop::collection::vec(shape, 1..=4), 0..1000u64, prop::collection::vec(draw(), 2..=30))
}

fn graphs() -> impl Strategy<Value = Graph> {
    plans().prop_map(|(shapes, seed, draws)| Graph::read(shapes, seed, &draws))
}

/// The first `count` plans of the fixed sequence.
fn sequence(count: usize) -> impl Iterator<Item = Plan> {
    let config = ProptestConfig { rng_seed: RngSeed::Fixed(SEED), ..ProptestConfig::default() };
    let mut runner = TestRunner::new(config);
    (0..count).map(move |_| plans().new_tree(&mut runner).expect("plans are not rejected").current())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: GRAPHS, rng_seed: RngSeed::Fixed(SEED), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn gradients_of_random_graphs_are_right(graph in graphs()) {
        let case = graph.case();
        let report = check::run(&case).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert!(report.failures.is_empty(), "{}", report.failures.join("\n"));
    }
}

/// No op and no activation is forgotten, values are shared, and there are deep graphs.
#[test]
fn every_op_and_activation_occurs() {
    let mut names = BTreeSet::new();
    let (mut shared, mut deep) = (0, 0);
    let count = 600;
    for (shapes, seed, draws) in sequence(count) {
        let graph = Graph::read(shapes, seed, &draws);
        names.extend(graph.op_names());
        shared += usize::from(graph.uses().iter().any(|&n| n > 1));
        deep += usize::from(graph.depth() >= 10);
    }
    let stale: Vec<_> =
        LEFT_OUT.iter().filter(|(n, _)| names.contains(n) || OPS.iter().all(|o| o.name != *n)).collect();
    assert!(stale.is_empty(), "LEFT_OUT names what is covered or not there: {stale:?}");
    let known = OPS.iter().map(|o| o.name).chain(ACTIVATIONS.iter().map(|a| a.name));
    let left_out = |name: &str| LEFT_OUT.iter().any(|(n, _)| *n == name);
    let missing: Vec<_> = known.filter(|n| !names.contains(n) && !left_out(n)).collect();
    assert!(
        missing.is_empty(),
        "no random graph has {missing:?}; add rows to the table, or a reason to LEFT_OUT"
    );
    assert!(shared > count * 3 / 4, "{shared} of {count} graphs use a value twice");
    assert!(deep > count / 4, "{deep} of {count} graphs have ten steps in a row");
}

/// x² whose gradient is right and does not move with x: first derivatives are accepted; second ones are rejected
/// wherever x² bears on the value.
#[test]
fn a_wrong_second_derivative_inside_a_graph_is_rejected() {
    let count = if cfg!(debug_assertions) { 100 } else { 400 };
    let mut rejected = 0;
    for (i, (shapes, seed, mut draws)) in sequence(count).enumerate() {
        let planted = Draw { row: Row::Planted, operands: [i, 0], choice: 0 };
        draws.insert((7 * i + 3) % (draws.len() + 1), planted);
        let report =
            check::run(&Graph::read(shapes, seed, &draws).with_bug(Bug::LostTangents).case()).unwrap();
        assert!(report.dual <= DUAL_TOLERANCE && report.difference <= 1.0, "{report:?}");
        rejected += usize::from(!(report.second_difference <= 1.0));
    }
    // x² bears on the value in four of five graphs, see below.
    assert!(rejected > count * 3 / 4, "rejected {rejected} of {count}");
}

/// The test of the tester: x² with a wrong gradient is put at a random place of random graphs. Wherever that changes a
/// gradient by more than rounding, the graph is rejected; and with the right gradient, accepted.
#[test]
fn a_wrong_op_inside_a_graph_is_rejected() {
    let count = if cfg!(debug_assertions) { 100 } else { 400 };
    for bug in [Bug::Factor, Bug::Sign, Bug::MissingUse, Bug::MissingElement] {
        let (mut weighty, mut rejected, mut by_dual, mut by_difference) = (0, 0, 0, 0);
        for (i, (shapes, seed, mut draws)) in sequence(count).enumerate() {
            let planted = Draw { row: Row::Planted, operands: [i, 0], choice: 0 };
            draws.insert((7 * i + 3) % (draws.len() + 1), planted);
            let right = Graph::read(shapes, seed, &draws);
            let wrong = right.with_bug(bug);
            let control = check::run(&right.case()).unwrap();
            assert!(control.failures.is_empty(), "{right:?}{:?}", control.failures);
            // Whether it matters is told by backward passes alone: 100 times what rounding may do.
            if right.distance(&wrong) < 100.0 * DUAL_TOLERANCE {
                continue;
            }
            weighty += 1;
            let report = check::run(&wrong.case()).unwrap();
            rejected += usize::from(!report.failures.is_empty());
            by_dual += usize::from(!(report.dual <= DUAL_TOLERANCE));
            by_difference += usize::from(!(report.difference <= 1.0));
        }
        let text = format!(
            "{bug:?}: matters in {weighty} of {count} graphs; rejected {rejected}, by dual numbers {by_dual}, by differences {by_difference}"
        );
        println!("{text}");
        assert!(weighty > count * 3 / 4, "{text}");
        assert!(100 * rejected >= 99 * weighty && 100 * by_dual >= 99 * weighty, "{text}");
        // Differences cannot see what is below their absolute tolerance.
        assert!(100 * by_difference >= 90 * weighty, "{text}");
    }
}
