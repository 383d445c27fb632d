//! Random graphs, checked by every route of [`autograd::check`]: shared inputs, values used several times,
//! broadcasting, and every registered op and activation.

use std::collections::BTreeSet;

use autograd::check::campaign::{
    Bug, Campaign, Draw, Geometry, Graph, Plan, ROUTES, ROWS, Row, Subject, Worst,
};
use autograd::check::{self, DUAL_TOLERANCE};
use autograd::ops::OPS;
use autograd::ops::activation::ACTIVATIONS;
use proptest::prelude::*;
use proptest::strategy::{Union, ValueTree};
use proptest::test_runner::{RngSeed, TestRunner};

/// The same graphs in every run: a failure is seen by everyone, and again after the repair.
const SEED: u64 = 0x5EED;
/// As many as take a few seconds; builds without optimisation are far slower.
const GRAPHS: u32 = if cfg!(debug_assertions) { 64 } else { 8192 };

/// One draw for a step.
fn draw() -> impl Strategy<Value = Draw> {
    let operand = || Union::new(Plan::OLDEST.map(|oldest| 0..=oldest));
    (0..ROWS, [operand(), operand()], any::<u32>()).prop_map(|(row, operands, choice)| Draw {
        row: Row::Table(row),
        operands,
        choice,
    })
}

/// Shapes of inputs, a seed for their numbers, and draws, as a campaign draws them; but these can be shrunk.
fn plans() -> impl Strategy<Value = Plan> {
    let shape = prop::collection::vec(Plan::LENGTHS, Plan::AXES);
    let shape = shape.prop_filter("too many elements", |d| d.iter().product::<usize>() <= Plan::MAX_INPUT);
    let (inputs, draws) =
        (prop::collection::vec(shape, Plan::INPUTS), prop::collection::vec(draw(), Plan::DRAWS));
    (inputs, 0..1000u64, draws).prop_map(|(inputs, seed, draws)| Plan { inputs, seed, draws })
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
    fn gradients_of_random_graphs_are_right(graph in plans().prop_map(Graph::read)) {
        let case = graph.case();
        let report = check::run(&case).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert!(report.failures.is_empty(), "{}", report.failures.join("\n"));
    }
}

/// No op and no activation is forgotten by campaigns, values are shared, and there are deep graphs.
#[test]
fn every_op_and_activation_occurs() {
    let campaign = Campaign { seed: 1, graphs: 600, geometries: 200, planted: None };
    let mut names = BTreeSet::new();
    let (mut shared, mut deep) = (0, 0);
    for subject in (0..campaign.len()).map(|i| campaign.subject(i)) {
        names.extend(subject.op_names());
        if let Subject::Graph(graph) = subject {
            shared += u64::from(graph.uses().iter().any(|&n| n > 1));
            deep += u64::from(graph.depth() >= 10);
        }
    }
    let known = OPS.iter().map(|o| o.name).chain(ACTIVATIONS.iter().map(|a| a.name));
    let missing: Vec<_> = known.filter(|n| !names.contains(n)).collect();
    assert!(
        missing.is_empty(),
        "nothing random has {missing:?}; add a row to campaign/table.rs or a kind to campaign/geometry.rs"
    );
    let count = campaign.graphs;
    assert!(shared > count * 3 / 4, "{shared} of {count} graphs use a value twice");
    assert!(deep > count / 4, "{deep} of {count} graphs have ten steps in a row");
}

/// x² whose gradient is right and does not move with x: first derivatives are accepted; second ones are rejected
/// wherever x² bears on the value.
#[test]
fn a_wrong_second_derivative_inside_a_graph_is_rejected() {
    let count = if cfg!(debug_assertions) { 100 } else { 400 };
    let mut rejected = 0;
    for (i, plan) in sequence(count).enumerate() {
        let report = check::run(&Graph::read(plan.planted(i)).with_bug(Bug::LostTangents).case()).unwrap();
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
    let count = if cfg!(debug_assertions) { 200 } else { 400 };
    for bug in [Bug::Factor, Bug::Sign, Bug::MissingUse, Bug::MissingElement] {
        let (mut weighty, mut rejected, mut by_dual, mut by_difference) = (0, 0, 0, 0);
        for (i, plan) in sequence(count).enumerate() {
            let right = Graph::read(plan.planted(i));
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

/// A campaign over ops that are right finds nothing, counts what it meets, and says the same on any number of threads.
#[test]
fn a_campaign_does_not_depend_on_threads() {
    let graphs = if cfg!(debug_assertions) { 40 } else { 400 };
    let campaign = Campaign { seed: 1, graphs, geometries: graphs / 4, planted: None };
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| campaign.run(|_| ()))
    };
    let outcome = on(1);
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    assert_eq!((outcome.graphs, outcome.geometries), (campaign.graphs, campaign.geometries));
    assert_eq!(outcome.steps, outcome.ops.values().sum::<u64>());
    assert_eq!(format!("{outcome:?}"), format!("{:?}", on(3)));
    // Where an error was worst it is found again.
    for (i, route) in ROUTES.iter().enumerate() {
        let worst = outcome.worst[i].expect("every route was gone");
        let again = campaign.only(worst.index).worst[i].expect("every route was gone");
        assert_eq!(again.error.to_bits(), worst.error.to_bits(), "{}", route.name);
    }
}

/// With the numbers that are drawn first for this one, the gradient of its only bias, a sum of 27, cancels: f32 is off by 1.8e-4
/// of it. They are drawn anew, and a campaign says so.
#[test]
fn numbers_whose_sums_cancel_are_drawn_anew_and_counted() {
    let (geometry, redrawn) = Geometry::drawn(2, 2535);
    assert!(redrawn > 0 && !geometry.cancels(), "{redrawn} times: {geometry:?}");
    let campaign = Campaign { seed: 2, graphs: 5, geometries: 2600, planted: None };
    let outcomes = [2, 5 + 2535, 5 + 2536].map(|index| campaign.only(index));
    assert!(outcomes.iter().all(|outcome| outcome.failures.is_empty()), "{outcomes:?}");
    let counted = outcomes.map(|outcome| outcome.redrawn);
    assert_eq!(counted, [0, redrawn, Geometry::drawn(2, 2536).1]);
}

/// The worst error of a route is said to come in with the op that makes it, also if it is NaN; an error of 0 with none.
#[test]
fn the_origin_of_an_error_is_the_op_that_makes_it() {
    let campaign = Campaign { seed: 2, graphs: 40, geometries: 0, planted: Some(Bug::Sign) };
    let outcome = campaign.run(|_| ());
    let worst = outcome.worst[0].expect("every route was gone");
    assert!(worst.error > 0.1, "{worst:?}");
    assert_eq!(campaign.origin(0, &worst).expect("an error").0, "planted square");
    assert_eq!(campaign.origin(0, &Worst { error: 0.0, ..worst }), None);
    let campaign = Campaign { planted: Some(Bug::NotANumber), ..campaign };
    let outcome = campaign.run(|_| ());
    for route in [0, 1, 4] {
        let worst = outcome.worst[route].expect("every route was gone");
        assert!(worst.error.is_nan(), "{worst:?}");
        let (op, line) = campaign.origin(route, &worst).expect("an error");
        assert_eq!(op, "planted square", "{}: {line}", ROUTES[route].name);
    }
}

/// A wrong op in every graph of a campaign: most graphs fail, each under its index, and the op is named.
#[test]
fn a_campaign_finds_a_planted_bug_and_names_it() {
    let graphs = if cfg!(debug_assertions) { 30 } else { 120 };
    for (name, bug, _) in Bug::ALL {
        let campaign = Campaign { seed: 2, graphs, geometries: 10, planted: Some(*bug) };
        let outcome = campaign.run(|_| ());
        let count = outcome.failures.len();
        assert!(4 * count > 3 * graphs as usize, "{name}: {count} of {graphs} graphs fail");
        for failure in &outcome.failures {
            let subject = campaign.subject(failure.index);
            assert!(matches!(subject, Subject::Graph(_)), "{name}: {failure:?}");
            let (op, line) = subject.culprit(|report| !report.failures.is_empty());
            assert_eq!(op, "planted square", "{name}: {failure:?}\n{line}\n{}", subject.listing());
        }
    }
}
