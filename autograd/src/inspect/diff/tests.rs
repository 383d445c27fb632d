use proptest::prelude::*;

use super::*;
use crate::ops::activation::{Relu, Swish};
use crate::{Dual, Keep, Tape, Tensor, Var};

/// Two dense layers with biases: the weights of each in row-major order.
fn net<'t, S: Scalar>(tape: &'t Tape<S>, weights: &[Vec<f64>; 2], relu: bool) -> Var<'t, S> {
    let tensor =
        |dims: [usize; 2], x: &[f64]| Tensor::new(dims, x.iter().map(|&x| S::from_f64(x)).collect()).unwrap();
    let mut x = tape.constant(tensor([2, 3], &[0.5, -1.0, 2.0, 1.5, 0.25, -0.75]));
    for (i, weights) in weights.iter().enumerate() {
        let layer = tape.scope(&format!("fc{}", i + 1));
        let w = tape.parameter("weight", &tensor([3, 3], weights)).unwrap();
        x = x.matmul(w).unwrap();
        drop(layer);
        let _act = tape.scope(&format!("act{}", i + 1));
        x = if relu { x.map(Relu) } else { x.map(Swish::default()) };
    }
    x.sum_all()
}

fn weights() -> [Vec<f64>; 2] {
    [
        vec![0.3, -0.2, 0.9, 1.1, -0.7, 0.4, 0.2, 0.6, -0.5],
        vec![0.1, 0.8, -0.3, 0.5, -0.9, 0.7, 0.4, -0.6, 0.2],
    ]
}

fn recorded(weights: &[Vec<f64>; 2], relu: bool) -> Tape<f64> {
    let tape = Tape::new();
    net(&tape, weights, relu);
    tape
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_planted_change_is_found_at_its_leaf(layer in 0usize..2, at in 0usize..9, by in 1e-6f64..10.0) {
        let (a, mut changed) = (recorded(&weights(), false), weights());
        changed[layer][at] += by;
        let b = recorded(&changed, false);
        prop_assert!(diff(&a, &a, 0.0).unwrap().is_empty());
        let found = diff(&a, &b, 1e-9).unwrap();
        let first = found.values.first.unwrap();
        prop_assert_eq!(&first.nodes[0].path, &format!("fc{}.weight", layer + 1));
        prop_assert_eq!(&first.index, &vec![at / 3, at % 3]);
        prop_assert_eq!(first.numbers, [weights()[layer][at], changed[layer][at]]);
        // By hand: relative to the largest entry of both tensors.
        let largest = weights()[layer].iter().chain(&changed[layer]).fold(0.0f64, |m, x| m.max(x.abs()));
        let want = (changed[layer][at] - weights()[layer][at]) / largest;
        prop_assert!((first.relative - want).abs() <= 1e-15 + 1e-12 * want, "{} {want}", first.relative);
        prop_assert!(found.structure.is_empty());
    }
}

#[test]
fn another_precision_differs_by_rounding_only() {
    let (a, b, c) = (recorded(&weights(), false), Tape::<f32>::new(), Tape::<Dual<f64>>::new());
    net(&b, &weights(), false);
    net(&c, &weights(), false);
    // Eight times the unit roundoff of f32 covers sums of three products and two activations.
    let bound = 8.0 * f64::from(f32::EPSILON);
    let found = diff(&a, &b, bound).unwrap();
    assert!(found.is_empty(), "{found}");
    assert!(diff(&a, &b, 0.0).unwrap().values.differing > 0);
    // Duals have loops of their own, which add up in another order.
    assert!(diff(&a, &c, 8.0 * f64::EPSILON).unwrap().is_empty());
}

#[test]
fn another_activation_is_a_structural_difference_and_comparison_goes_on() {
    let (a, b) = (recorded(&weights(), false), recorded(&weights(), true));
    let found = diff(&a, &b, 1e-6).unwrap();
    // Constant, two weights, two products, two activations, the sum; from the first activation on ops differ.
    assert_eq!(found.values.nodes, 8);
    assert_eq!(found.values.first.as_ref().unwrap().nodes[0].path, "act1.swish");
    assert_eq!(found.structure.len(), 2, "{found}");
    let text = found.to_string();
    assert!(text.contains("another op: #3 act1.swish (swish) | #3 act1.relu (relu)"), "{text}");
    assert!(text.starts_with("values: 4 of 8 nodes differ by more than ε = 1e-6\n  first    #3"), "{text}");
}

#[test]
fn nodes_on_one_side_and_other_shapes_are_reported() {
    let record = |extra: bool, length: usize| {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::full([length], 2.0));
        let scope = tape.scope("act");
        let y = if extra {
            let alpha = tape.parameter("weight", &Tensor::full([1], 1.0)).unwrap();
            x * alpha
        } else {
            x.exp()
        };
        drop(scope);
        let _ = y.sum_all();
        tape
    };
    let text = diff(&record(false, 3), &record(true, 3), 1e-9).unwrap().to_string();
    assert!(text.contains("another op: #1 act.exp (exp) | #2 act.mul (Mul)"), "{text}");
    assert!(text.contains("only in the second: #1 act.weight (leaf) [1]"), "{text}");
    // An op meets an op even where a new leaf has its shape.
    let text = diff(&record(false, 1), &record(true, 1), 1e-9).unwrap().to_string();
    assert!(text.contains("another op: #1 act.exp (exp) | #2 act.mul (Mul)"), "{text}");
    let found = diff(&record(true, 3), &record(true, 2), 1e-9).unwrap();
    // The leaf x and the product have other shapes; α and the sum are compared.
    let shapes = found.structure.iter().filter(|d| matches!(d, StructuralDifference::Shape(..))).count();
    assert_eq!((shapes, found.values.nodes, found.values.differing), (2, 2, 1), "{found}");
}

#[test]
fn what_is_not_finite_must_be_equally_so() {
    let of = |x: f64, y: f64| {
        let tape = |x| {
            let tape = Tape::<f64>::new();
            tape.variable(Tensor::vector(vec![1.0, x]));
            tape
        };
        let found = diff(&tape(x), &tape(y), 1e300).unwrap();
        found.values.first.map(|f| (f.index, f.relative))
    };
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    for (x, y) in [(nan, nan), (nan, -nan), (inf, inf), (-inf, -inf)] {
        assert_eq!(of(x, y), None, "{x} {y}");
    }
    for (x, y) in [(nan, 1.0), (1.0, nan), (nan, inf), (inf, -inf), (inf, 1.0)] {
        assert_eq!(of(x, y), Some((vec![1], inf)), "{x} {y}");
    }
    let extremes = |epsilon| {
        let tape = |x| {
            let tape = Tape::<f64>::new();
            tape.variable(Tensor::vector(vec![x]));
            tape
        };
        diff(&tape(f64::MAX), &tape(-f64::MAX), epsilon).unwrap().values.first.map(|f| f.relative)
    };
    assert_eq!((extremes(1.9), extremes(2.0)), (Some(2.0), None));
    for epsilon in [nan, -1.0] {
        let tape = Tape::<f64>::new();
        assert!(diff(&tape, &tape, epsilon).unwrap_err().to_string().contains("ε is"));
    }
    let nothing = Tape::<f64>::new();
    nothing.variable(Tensor::vector(vec![]));
    assert!(diff(&nothing, &nothing, 0.0).unwrap().is_empty());
}

/// The derivative of the loss by the second layer's activation is 1 whatever the weights, so gradients part behind it.
#[test]
fn gradients_are_compared_from_the_loss_on_back() {
    let mut changed = weights();
    changed[1][4] += 0.5;
    let (a, b) = (Tape::<f64>::new(), Tape::<f64>::new());
    let (la, lb) = (net(&a, &weights(), false), net(&b, &changed, false));
    let (ga, gb) = (a.backward(la, Keep::All).unwrap(), b.backward(lb, Keep::All).unwrap());
    let found = diff_with_gradients((&a, &ga), (&b, &gb), 1e-9).unwrap();
    let gradients = found.gradients.as_ref().unwrap();
    // The loss and act2 agree; of the eight nodes the constant has none.
    assert_eq!((gradients.nodes, gradients.differing), (7, 5), "{found}");
    assert_eq!(gradients.first.as_ref().unwrap().nodes[0].path, "fc2.matmul");
    let leaves = b.backward(lb, Keep::Leaves).unwrap();
    let found = diff_with_gradients((&a, &ga), (&b, &leaves), 1e-9).unwrap();
    let only = |d: &&StructuralDifference| matches!(d, StructuralDifference::GradientOnlyIn(Which::First, _));
    assert_eq!(found.structure.iter().filter(only).count(), 5, "{found}");
    assert!(diff_with_gradients((&a, &gb), (&b, &gb), 0.0).is_err());
}

/// Equal numbers, other wiring: y = x, and the exponential of one or of the other.
#[test]
fn other_inputs_are_another_structure() {
    let recorded = |of_y: bool| {
        let tape = Tape::<f64>::new();
        let x = tape.variable(Tensor::vector(vec![1.0, 2.0]));
        let y = x.scale(1.0);
        let _ = if of_y { y.exp() } else { x.exp() };
        tape
    };
    assert!(diff(&recorded(true), &recorded(true), 0.0).unwrap().is_empty());
    let found = diff(&recorded(true), &recorded(false), 0.0).unwrap();
    let [StructuralDifference::Inputs([a, b])] = &found.structure[..] else { panic!("{found}") };
    assert_eq!((a.path.as_str(), b.path.as_str()), ("exp", "exp"));
    assert!(found.to_string().contains("other inputs: #2 exp"), "{found}");
}
