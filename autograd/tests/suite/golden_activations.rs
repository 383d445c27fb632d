//! The activations and PReLU against PyTorch in float64.

use std::collections::BTreeMap;

use autograd::ops::activation::{Visitor, with_activation};
use autograd::{Elementwise, Keep, Result, Tape, Tensor, Var};
use serde_json::Value;

use crate::golden::{self, numbers, tensor};

/// Rows of the file that are tested here. A change of the file must change this number.
const ROWS: usize = 26;

/// The registered name of a row's function, with its parameter.
fn name(row: &Value) -> String {
    let op = row["op"].as_str().unwrap();
    let settings = row["settings"].as_object().unwrap();
    match op {
        // Only the classical clip is an activation here.
        "hard_tanh" => {
            assert_eq!((settings["min"].as_f64(), settings["max"].as_f64()), (Some(-1.0), Some(1.0)));
            op.to_string()
        }
        _ => match settings.values().collect::<Vec<_>>()[..] {
            [] => op.to_string(),
            [parameter] => format!("{op}({parameter})"),
            _ => panic!("{op}: unexpected settings {settings:?}"),
        },
    }
}

fn assert_near(got: f64, want: f64, what: &str) {
    let error = (got - want).abs();
    assert!(error <= 1e-14 || error <= 1e-13 * want.abs(), "{what}: {got:e}, PyTorch has {want:e}");
}

/// f′ at a kink as the engine documents it.
fn at_kink(row: &Value, x: f64) -> f64 {
    let setting = |key: &str| row["settings"][key].as_f64().unwrap();
    match (row["op"].as_str().unwrap(), x) {
        // The left one.
        ("relu", 0.0) => 0.0,
        ("leaky_relu", 0.0) => setting("slope"),
        ("elu", 0.0) => setting("alpha"),
        // λα in 30 digits by mpmath.
        ("selu", 0.0) => 1.7580993408473766,
        // Outside a clip.
        ("relu6", 0.0 | 6.0) | ("hard_tanh", -1.0 | 1.0) | ("hard_sigmoid", -3.0 | 3.0) => 0.0,
        ("hard_swish", -3.0) => 0.0,
        ("hard_swish", 3.0) => 1.0,
        (op, x) => panic!("no convention is written down for {op} at {x}"),
    }
}

struct Kinks;
impl Visitor for Kinks {
    type Output = &'static [f64];
    fn visit<E: Elementwise>(self, _activation: E) -> &'static [f64] {
        E::KINKS
    }
}

/// Runs `function` on a row's inputs and holds value and gradients to the row's.
fn check(row: &Value, function: impl for<'t> Fn(&[Var<'t, f64>]) -> Result<Var<'t, f64>>) {
    let what = name(row);
    let tape = Tape::<f64>::new();
    let inputs: Vec<_> = row["inputs"].as_array().unwrap().iter().map(|x| tape.variable(tensor(x))).collect();
    let y = function(&inputs).unwrap();
    let output = tensor(&row["output"]);
    assert_eq!(y.shape(), output.shape(), "{what}");
    for ((i, &got), &want) in y.value().data().iter().enumerate().zip(output.data()) {
        assert_near(got, want, &format!("{what}, value {i}"));
    }

    let cotangent = numbers(&row["cotangent"]);
    let upstream = Tensor::new(output.shape(), cotangent.clone()).unwrap();
    let gradients = tape.backward_from(y, upstream, Keep::Leaves).unwrap();
    let kinks = numbers(&row["kinks"]);
    let expected = row["gradients"].as_array().unwrap();
    assert_eq!(expected.len(), inputs.len(), "{what}");
    for (k, (&input, want)) in inputs.iter().zip(expected).enumerate() {
        let (got, want) = (gradients.wrt(input).unwrap(), tensor(want));
        assert_eq!(got.shape(), want.shape(), "{what}");
        for (i, (&got, &want)) in got.data().iter().zip(want.data()).enumerate() {
            let x = input.value().data()[i];
            let is_kink = k == 0 && kinks.contains(&x);
            let want = if is_kink { cotangent[i] * at_kink(row, x) } else { want };
            assert_near(got, want, &format!("{what}, gradient {i} of input {k} at x = {x}"));
        }
    }
}

#[test]
fn values_and_gradients_are_those_of_pytorch() {
    // Rows of functions of one number name their kinks, and only those do.
    let rows: Vec<Value> = golden::rows().into_iter().filter(|row| !row["kinks"].is_null()).collect();
    let mut found = BTreeMap::<String, usize>::new();
    for row in &rows {
        let op = row["op"].as_str().unwrap().to_string();
        if op == "prelu" {
            check(row, |inputs| inputs[0].prelu(inputs[1]));
        } else {
            check(row, |inputs| inputs[0].activation(&name(row)));
            // What PyTorch's derivative jumps at is known as a kink here.
            let known = with_activation(&name(row), Kinks).unwrap();
            assert!(numbers(&row["kinks"]).iter().all(|k| known.contains(k)), "{op}: kinks {known:?}");
        }
        *found.entry(op).or_default() += 1;
    }
    assert_eq!(found.values().sum::<usize>(), ROWS, "{found:?}");
}
