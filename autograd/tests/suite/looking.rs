//! Watching, probes, hooks, missing gradients and anomalies on small tapes.

use std::cell::RefCell;

use autograd::inspect::{Probe, Side, Snapshot, Statistics};
use autograd::{Dual, Error, Keep, Pass, Tape, Tensor, Var};
use proptest::prelude::*;

fn vector(x: &[f64]) -> Tensor<f64> {
    Tensor::vector(x.to_vec())
}

/// The net of pytorch #60456: a fork whose two branches are added. With out = b₁ + b₂ and both branches the identity
/// times a number, ∂L/∂in is the sum of two contributions.
fn fork(tape: &Tape<f64>) -> [Var<'_, f64>; 4] {
    let x = tape.variable(vector(&[1.0, -2.0, 0.5]));
    let branch = |name: &str, a: f64| {
        let _scope = tape.scope(name);
        x.scale(a)
    };
    let (b1, b2) = (branch("branch1", 1.0), branch("branch2", 3.0));
    [x, b1, b2, b1 + b2]
}

#[test]
fn a_fork_s_gradient_is_the_sum_of_its_edges() {
    let tape = Tape::new();
    let [x, b1, b2, out] = fork(&tape);
    let g = tape.backward_from(out, vector(&[1.0, 2.0, -1.0]), Keep::All).unwrap();
    // An addition copies the gradient to both branches.
    assert_eq!(g.wrt(b1).unwrap().data(), [1.0, 2.0, -1.0]);
    assert_eq!(g.edge_gradient(out, 0).unwrap(), g.wrt(b1).unwrap());
    assert_eq!(g.edge_gradient(out, 1).unwrap(), g.wrt(b2).unwrap());
    // At the fork the contributions of the branches add up.
    assert_eq!(g.edge_gradient(b1, 0).unwrap().data(), [1.0, 2.0, -1.0]);
    assert_eq!(g.edge_gradient(b2, 0).unwrap().data(), [3.0, 6.0, -3.0]);
    assert_eq!(g.wrt(x).unwrap().data(), [4.0, 8.0, -4.0]);
}

/// x·x has two edges from the same input, one per position.
#[test]
fn each_use_of_a_value_is_an_edge_of_its_own() {
    let tape = Tape::new();
    let (x, c) = (tape.variable(vector(&[3.0])), tape.constant(vector(&[2.0])));
    let square = x * x;
    let y = square * c;
    let g = tape.backward(y, Keep::All).unwrap();
    for position in [0, 1] {
        assert_eq!(g.edge_gradient(square, position).unwrap().data(), [6.0]);
    }
    let text = |consumer, position| g.edge_gradient(consumer, position).unwrap_err().to_string();
    assert!(text(square, 2).contains("no input at this position"));
    assert!(text(y, 1).contains("needs no gradient"));
}

#[test]
fn watching_keeps_what_is_watched_and_nothing_else() {
    let tape = Tape::new();
    let [x, b1, b2, out] = fork(&tape);
    let pass = Pass::new(Keep::Watched).with_cotangent(vector(&[1.0; 3])).watch("branch1.*").watch_node(x);
    let g = tape.run(pass, out).unwrap();
    assert!(g.wrt(b1).is_ok() && g.wrt(x).is_ok());
    assert!(g.edge_gradient(b2, 0).is_ok(), "an edge into a watched node is kept");
    assert!(g.wrt(b2).unwrap_err().to_string().contains("not watched"));
    assert!(g.edge_gradient(out, 1).unwrap_err().to_string().contains("not watched"));
    let lean = tape.run(Pass::new(Keep::Leaves).with_cotangent(vector(&[1.0; 3])), out).unwrap();
    assert!(lean.edge_gradient(b1, 0).unwrap_err().to_string().contains("Keep::All"));
    assert_eq!(lean.wrt(x).unwrap(), g.wrt(x).unwrap());
}

/// Leaves' gradients are kept anyway, and without releasing so are all values.
#[test]
fn watching_to_no_end_is_an_error() {
    let tape = Tape::new();
    let [x, .., out] = fork(&tape);
    let pass = || Pass::new(Keep::Leaves).with_cotangent(vector(&[1.0; 3]));
    let want = "backward: nodes are watched by a pass with Keep::Leaves that releases nothing, which does nothing for \
                them; want Keep::Watched, which keeps their gradients, or Pass::releasing, which spares their values";
    assert_eq!(tape.run(pass().watch("branch1.*"), out).unwrap_err().to_string(), want);
    assert_eq!(tape.run(pass().watch_node(x), out).unwrap_err().to_string(), want);
    assert!(tape.run(pass().watch("branch1.*").releasing(), out).is_ok());
}

/// A new tape at the old place has other values, although the same address.
#[test]
fn gradients_know_their_tape_wherever_it_is_moved() {
    let record = || {
        let tape = Tape::new();
        let [.., out] = fork(&tape);
        let gradients = tape.backward_from(out, vector(&[1.0, 2.0, -1.0]), Keep::All).unwrap();
        (tape, gradients)
    };
    let mut place = Box::new(record());
    let (tape, gradients) = std::mem::replace(&mut *place, record());
    let x = tape.vars().next().unwrap();
    assert_eq!(gradients.wrt(x).unwrap().data(), [4.0, 8.0, -4.0]);
    let elsewhere = place.0.vars().next().unwrap();
    assert_eq!(gradients.wrt(elsewhere).unwrap_err(), Error::ForeignVar { op: "gradient" });
    assert!(Snapshot::of(&tape, Some(&gradients)).is_ok());
    assert!(Snapshot::of(&place.0, Some(&gradients)).is_err());
    assert!(Snapshot::of(&Tape::new(), Some(&gradients)).is_err(), "an empty tape is another, too");
}

#[test]
fn a_pattern_that_names_nothing_is_an_error_with_near_names() {
    let tape = Tape::new();
    let [.., out] = fork(&tape);
    let pass = || Pass::new(Keep::Watched).with_cotangent(vector(&[1.0; 3]));
    let text = tape.run(pass().watch("brunch1"), out).unwrap_err().to_string();
    assert!(text.contains("`brunch1`") && text.contains("branch1"), "{text}");
    let mut probe = Probe::new();
    assert!(tape.run(pass().probe("layer*", &mut probe), out).is_err());
    assert!(tape.run(pass().on_value("x", |_| ()), out).is_err());
}

/// Values come oldest first before the pass, gradients newest first, each complete.
#[test]
fn hooks_see_everything_in_order() {
    let tape = Tape::new();
    let [.., out] = fork(&tape);
    let seen = RefCell::new(Vec::new());
    let note = |what: &'static str| {
        let seen = &seen;
        move |s: &autograd::inspect::Seen<'_, f64>| {
            // Looking at the tape from within a hook is allowed.
            seen.borrow_mut().push(format!("{what} {} {:?}", s.path, s.tensor.data()));
        }
    };
    let pass = Pass::new(Keep::Leaves)
        .with_cotangent(vector(&[1.0, 0.0, 0.0]))
        .on_gradient("*", note("g"))
        .on_value("branch?", note("v"));
    tape.run(pass, out).unwrap();
    let want = [
        "v branch1.scale [1.0, -2.0, 0.5]",
        "v branch2.scale [3.0, -6.0, 1.5]",
        "g add [1.0, 0.0, 0.0]",
        "g branch2.scale [1.0, 0.0, 0.0]",
        "g branch1.scale [1.0, 0.0, 0.0]",
        "g variable [4.0, 0.0, 0.0]",
    ];
    assert_eq!(*seen.borrow(), want);
}

#[test]
fn a_parameter_without_gradient_is_an_error_unless_frozen() {
    let (w, idle) = (vector(&[2.0]), vector(&[1.0]));
    let tape = Tape::new();
    let used = tape.parameter("used", &w).unwrap();
    tape.parameter("idle", &idle).unwrap();
    let cut = {
        let _scope = tape.scope("head");
        tape.parameter("cut", &idle.clone()).unwrap().exp().detach()
    };
    let loss = (used * cut).sum_all();
    let text = tape.backward(loss, Keep::All).unwrap_err().to_string();
    let want = "backward: no gradient for head.cut (its path ends at head.detach, which has no derivative), \
                idle (on no path to the loss); declare them frozen, or allow it with `Pass::allowing_missing`";
    assert_eq!(text, want);
    assert!(tape.run(Pass::new(Keep::Leaves).allowing_missing(), loss).is_ok());

    let tape = Tape::new();
    let (used, still) = (tape.parameter("used", &w).unwrap(), tape.frozen("still", &idle).unwrap());
    let g = tape.backward(used * still, Keep::Leaves).unwrap();
    assert_eq!(g.named("used").unwrap().data(), [1.0]);
    assert!(g.named("still").unwrap_err().to_string().contains("frozen"));
    assert!(tape.parameter("still", &idle).is_err(), "one name is either learnt or frozen");
}

#[test]
fn the_first_number_that_is_not_finite_is_found_on_the_forward_side() {
    let tape = Tape::new();
    let x = tape.variable(vector(&[1.0, -4.0, 0.0]));
    let y = {
        let _scope = tape.scope("layer1");
        x.ln()
    };
    let loss = y.exp().sum_all();
    let found = tape.first_anomaly().unwrap().unwrap();
    assert_eq!((found.path.as_str(), found.index, found.count), ("layer1.ln", 1, 2));
    assert_eq!(found.operands[0].statistics, Statistics::of(&x.value()));
    let text = tape.run(Pass::new(Keep::Leaves).finding_anomalies(), loss).unwrap_err().to_string();
    assert!(text.contains("the value of layer1.ln") && text.contains("NaN at 1, 2 in all"), "{text}");
    assert!(text.contains("variable [3]: from -4.000000e0 to 1.000000e0"), "{text}");
}

/// √0 is fine, its derivative is not.
#[test]
fn the_first_number_that_is_not_finite_is_found_on_the_backward_side() {
    let tape = Tape::new();
    let x = tape.variable(vector(&[4.0, 0.0]));
    let loss = x.sqrt().sum_all();
    assert_eq!(tape.first_anomaly(), Ok(None));
    let Error::Anomaly(found) = tape.run(Pass::new(Keep::Leaves).finding_anomalies(), loss).unwrap_err()
    else {
        panic!("an anomaly is wanted");
    };
    assert_eq!((found.path.as_str(), &found.side), ("sqrt", &Side::Gradient { position: 0 }));
    assert_eq!((found.index, found.number), (1, f64::INFINITY));
    // Without being told, the pass returns the infinite gradient.
    assert_eq!(tape.backward(loss, Keep::Leaves).unwrap().wrt(x).unwrap().data(), [0.25, f64::INFINITY]);
}

/// Both contributions are finite, their sum is not.
#[test]
fn a_sum_of_contributions_that_overflows_is_found() {
    let tape = Tape::new();
    let x = tape.variable(vector(&[1.0]));
    let y = x.scale(1.0);
    let loss = (y.scale(1.5e308) + y.scale(1.5e308)).scale(1.0);
    let tape_error = tape.run(Pass::new(Keep::Leaves).finding_anomalies(), loss);
    // The values overflow as well, and come first.
    assert!(matches!(tape_error, Err(Error::Anomaly(a)) if a.side == Side::Value));
    let tape = Tape::new();
    let x = tape.variable(vector(&[0.0]));
    let y = x.scale(1.0);
    let loss = y.scale(1.5e308) + y.scale(1.5e308);
    let Error::Anomaly(found) = tape.run(Pass::new(Keep::Leaves).finding_anomalies(), loss).unwrap_err()
    else {
        panic!("an anomaly is wanted");
    };
    assert_eq!((found.path.as_str(), &found.side), ("scale", &Side::Upstream));
}

/// A leaf's gradient is complete like any other, and so is looked at.
#[test]
fn a_gradient_of_a_leaf_that_overflows_is_found() {
    let tape = Tape::<f64>::new();
    let w = tape.variable(vector(&[0.0]));
    let loss = w.scale(1.5e308) + w.scale(1.5e308);
    let Error::Anomaly(found) = tape.run(Pass::new(Keep::Leaves).finding_anomalies(), loss).unwrap_err()
    else {
        panic!("an anomaly is wanted");
    };
    assert_eq!((found.path.as_str(), &found.side), ("variable", &Side::Upstream));
    let pass = Pass::new(Keep::Leaves).with_cotangent(vector(&[f64::NAN])).finding_anomalies();
    assert!(matches!(tape.run(pass, w), Err(Error::Anomaly(_))));
}

/// Of √x at 0 + ε the value is 0 and the tangent infinite.
#[test]
fn a_tangent_that_is_not_finite_is_told_as_one() {
    let tape = Tape::<Dual<f64>>::new();
    let x = tape.variable(Tensor::vector(vec![Dual::new(0.0, 1.0)]));
    let _ = x.sqrt();
    let text = tape.first_anomaly().unwrap().unwrap().to_string();
    assert!(text.contains("not finite: 0 with a tangent that is not, at 0, 1 in all"), "{text}");
}

/// Everything is there after the error: it came before the pass.
#[test]
fn a_missing_gradient_is_told_before_anything_is_freed() {
    let tape = Tape::<f64>::new();
    let (w, idle) = (vector(&[2.0]), vector(&[1.0]));
    let used = tape.parameter("used", &w).unwrap();
    tape.parameter("idle", &idle).unwrap();
    let loss = used.exp();
    let passed = RefCell::new(0);
    let pass = Pass::new(Keep::Leaves).releasing().on_gradient("*", |_| *passed.borrow_mut() += 1);
    assert!(matches!(tape.run(pass, loss), Err(Error::MissingGradients { .. })));
    assert_eq!((*passed.borrow(), loss.is_released()), (0, false));
}

#[test]
fn freed_values_are_an_error_wherever_they_are_wanted() {
    let tape = Tape::<f64>::new();
    let x = tape.variable(vector(&[2.0]));
    let y = x.exp();
    let loss = y.exp();
    // One who looks on frees the values under the pass's hands.
    let hook = |_: &autograd::inspect::Seen<'_, f64>| {
        tape.run(Pass::new(Keep::Leaves).releasing(), loss).map(|_| ()).unwrap_or_default();
    };
    let error = tape.run(Pass::new(Keep::Leaves).on_gradient("exp#2", hook), loss).unwrap_err();
    assert_eq!(error, Error::Released);
    assert_eq!(y.try_add(x).unwrap_err(), Error::Released);
}

#[test]
fn a_node_of_another_tape_cannot_be_watched() {
    let (tape, other) = (Tape::<f64>::new(), Tape::<f64>::new());
    let loss = tape.variable(vector(&[2.0])).exp();
    let foreign = other.variable(vector(&[2.0]));
    let error = tape.run(Pass::new(Keep::Watched).watch_node(foreign), loss).unwrap_err();
    assert_eq!(error, Error::ForeignVar { op: "watch" });
}

/// A small network with forks, of random sizes and numbers.
fn network<'t>(tape: &'t Tape<f64>, x: &[f64], steps: &[u8]) -> Var<'t, f64> {
    let mut values = vec![tape.variable(vector(x))];
    for (i, step) in steps.iter().enumerate() {
        let _scope = tape.scope(&format!("layer{i}"));
        let (a, b) = (values[*step as usize % values.len()], values[values.len() - 1]);
        values.push(match step % 4 {
            0 => a * b,
            1 => a + b,
            2 => b.scale(0.5),
            _ => (a - b).exp(),
        });
    }
    values.iter().fold(tape.constant(Tensor::scalar(0.0)), |sum, v| sum + v.mean_all().unwrap())
}

/// Every digit, so that two texts are equal if all numbers are, and NaN, which a chain of exponentials may lead to, equals
/// itself.
fn written(x: &impl std::fmt::Debug) -> String {
    format!("{x:?}")
}

proptest! {
    /// The contributions of all uses, added in the order of the reverse loop, are the gradient to the last bit; and
    /// streamed statistics are those of the stored tensors, over one step and over two.
    #[test]
    fn edges_add_up_and_probes_agree_with_what_is_stored(
        x in prop::collection::vec(-1.0f64..1.0, 1..40),
        steps in prop::collection::vec(any::<u8>(), 1..12),
    ) {
        let tape = Tape::new();
        let loss = network(&tape, &x, &steps);
        let mut probe = Probe::new();
        let g = tape.run(Pass::new(Keep::All).probe("*", &mut probe), loss).unwrap();
        let paths = tape.paths();
        for var in tape.vars().filter(|v| v.needs_gradient()) {
            let mut sum: Option<Vec<f64>> = None;
            for consumer in tape.vars().collect::<Vec<_>>().into_iter().rev() {
                for (position, input) in consumer.inputs().iter().enumerate() {
                    if input.id() == var.id() {
                        let edge = g.edge_gradient(consumer, position).unwrap();
                        sum = Some(match sum {
                            None => edge.data().to_vec(),
                            Some(s) => s.iter().zip(edge.data()).map(|(a, b)| a + b).collect(),
                        });
                    }
                }
            }
            if let Some(sum) = sum {
                let gradient = g.wrt(var).unwrap();
prop_assert_eq!(written(&gradient.data()), written(&&sum[..]));
            }
            let row = &probe.rows()[&paths[var.id().index()]];
            prop_assert_eq!(written(&row.value), written(&Statistics::of(&var.value())));
            prop_assert_eq!(written(&row.gradient), written(&Statistics::of(&g.wrt(var).unwrap())));
        }
        let once = probe.clone();
        tape.run(Pass::new(Keep::Leaves).probe("*", &mut probe), loss).unwrap();
        for (path, row) in probe.rows() {
            let mut twice = once.rows()[path].gradient.clone();
            twice.merge(&once.rows()[path].gradient);
            prop_assert_eq!(written(&row.gradient), written(&twice));
        }
    }
}
