use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::{Dual, Keep, Pass};

/// y = sum(relu(x·w)), x a constant: by hand, x·w = (−3, 2), relu = (0, 2), L = 2, ∂L/∂w = (0, 1)·x.
fn recorded() -> Snapshot {
    let tape = Tape::<f32>::new();
    let x = tape.constant(Tensor::new([2], vec![3.0, 1.0]).unwrap());
    let loss = {
        let _block = tape.scope("block");
        let w = tape.parameter("weight", &Tensor::new([2], vec![-1.0, 2.0]).unwrap()).unwrap();
        (x * w).map(crate::ops::activation::Relu)
    }
    .sum_all();
    let gradients = tape.backward(loss, Keep::All).unwrap();
    Snapshot::of(&tape, Some(&gradients)).unwrap().titled("t").with_fact("seed", 3).with_loss(loss).unwrap()
}

#[test]
fn a_snapshot_holds_what_is_on_the_tape() {
    let s = recorded();
    let paths: Vec<_> = s.nodes.iter().map(|n| n.path.as_str()).collect();
    assert_eq!(paths, ["constant", "block.weight", "block.mul", "block.relu", "sum"]);
    let kinds: Vec<_> = s.nodes.iter().map(|n| n.kind).collect();
    assert_eq!(kinds, [Kind::Constant, Kind::Parameter, Kind::Op, Kind::Op, Kind::Op]);
    assert_eq!((s.scalar.as_str(), &s.loss), ("f32", &Some(Loss { node: 4, value: Number(2.0) })));
    // Four vectors of two f32 and one number; nothing is saved.
    let want = Totals { nodes: 5, parameter_tensors: 1, parameters: 2, value_bytes: 36, saved_bytes: 0 };
    assert_eq!(s.totals, want);
    let product = &s.nodes[2];
    assert_eq!((product.inputs.as_slice(), product.scope.as_str(), product.bytes), (&[0, 1][..], "block", 8));
    assert_eq!(product.formula.as_deref(), Some("a · b"));
    let value = product.value.as_ref().unwrap();
    assert_eq!(value.elements, Some(vec![Number(-3.0), Number(2.0)]));
    // (−3, 2): mean −½, variance 6¼; 2 is 2¹ and 3 lies between 2¹ and 2².
    assert_eq!((value.mean, value.variance), (Some(Number(-0.5)), Some(Number(6.25))));
    assert_eq!(value.histogram, [(1, 2)]);
    let weight = s.nodes[1].gradient.as_ref().unwrap();
    assert_eq!(weight.elements, Some(vec![Number(0.0), Number(1.0)]));
    assert_eq!((weight.zeros, weight.second_moment), (1, Some(Number(0.5))));
    assert!(s.nodes[0].gradient.is_none() && !s.nodes[0].needs_gradient);
    // The product sends (0, 1)·x back to w and nothing to x, which needs no gradient.
    let sent = EdgeSummary {
        mean: Some(Number(0.5)),
        variance: Some(Number(0.25)),
        second_moment: Some(Number(0.5)),
    };
    assert_eq!(product.contributions, [None, Some(sent)]);
    assert_eq!(s.consumers(), [vec![2], vec![2], vec![3], vec![4], vec![]]);
}

#[test]
fn saved_buffers_say_whether_they_cost_anything() {
    let tape = Tape::<f64>::new();
    let x = tape.variable(Tensor::new([1, 3], vec![1.0, 2.0, 4.0]).unwrap());
    let loss = x.cross_entropy(&[1], 0.0).unwrap();
    let s = Snapshot::of(&tape, None).unwrap();
    let saved = &s.nodes[loss.id().index()].saved;
    assert_eq!(saved.len(), loss.saved().len());
    let own: u64 = saved.iter().filter(|t| !t.shared).map(|t| t.bytes).sum();
    assert_eq!(s.totals.saved_bytes, own);
    assert_eq!(saved[0].elements.as_ref().unwrap().len(), loss.saved()[0].len());
    assert!(s.nodes.iter().all(|n| n.gradient.is_none()));
    // A reshape shares its operand's buffer.
    let tape = Tape::<f64>::new();
    tape.variable(Tensor::zeros([4])).reshape([2, 2]).unwrap();
    assert_eq!(Snapshot::of(&tape, None).unwrap().totals.value_bytes, 32);
}

#[test]
fn freed_values_are_absent_and_frozen_parameters_need_no_gradient() {
    let tape = Tape::<f64>::new();
    let x = tape.variable(Tensor::vector(vec![1.0, 2.0]));
    let c = tape.frozen("c", &Tensor::vector(vec![3.0, 4.0])).unwrap();
    let loss = (x * c).detach().exp().sum_all();
    assert_eq!(Snapshot::of(&tape, None).unwrap().nodes[1].kind, Kind::Parameter);
    assert!(!Snapshot::of(&tape, None).unwrap().nodes[1].needs_gradient);
    let detached = &Snapshot::of(&tape, None).unwrap().nodes[3];
    assert_eq!((detached.op.as_str(), detached.formula.as_deref()), ("detach", Some("y = x; no gradient")));
    assert!(!loss.needs_gradient());

    let loss = x.exp().sum_all();
    let gradients = tape.run(Pass::new(Keep::All).releasing(), loss).unwrap();
    let s = Snapshot::of(&tape, Some(&gradients)).unwrap();
    let exp = s.nodes.iter().find(|n| n.path == "exp#2").unwrap();
    assert_eq!((&exp.value, exp.bytes, exp.shape.as_slice()), (&None, 0, &[2][..]));
    assert_eq!(exp.gradient.as_ref().unwrap().elements, Some(vec![Number(1.0); 2]));
    // Leaves stay: two vectors of two f64.
    assert_eq!(s.totals.value_bytes, 32);
    assert_eq!(Snapshot::from_json(&s.to_json()).unwrap(), s);
    assert!(s.to_html().is_ok() && s.to_dot().contains("exp"));
    // Nor are freed values compared.
    let diff = crate::inspect::diff(&tape, &tape, 0.0).unwrap();
    assert_eq!((diff.is_empty(), diff.values.nodes), (true, 2));
}

#[test]
fn json_comes_back_even_with_what_is_not_finite() {
    let tape = Tape::<f32>::new();
    let x = tape.variable(Tensor::vector(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.1]));
    let loss = x.sum_all();
    let gradients = tape.backward(loss, Keep::All).unwrap();
    let s = Snapshot::of(&tape, Some(&gradients)).unwrap().with_loss(loss).unwrap().titled("\"</script>\\");
    let json = s.to_json();
    let back = Snapshot::from_json(&json).unwrap();
    assert_eq!(back.to_json(), json);
    assert_eq!(back.title, s.title);
    let numbers = back.nodes[0].value.as_ref().unwrap().elements.as_ref().unwrap();
    assert!(numbers[0].0.is_nan() && numbers[1].0 == f64::INFINITY && numbers[2].0 == f64::NEG_INFINITY);
    assert_eq!(numbers[3].0, f64::from(0.1f32));
    assert_eq!(back.nodes[1].value.as_ref().unwrap().mean, None);
    let empty = Snapshot::of(&Tape::<f64>::new(), None).unwrap();
    assert_eq!(Snapshot::from_json(&empty.to_json()).unwrap(), empty);
}

#[test]
fn texts_that_are_no_snapshot_are_refused() {
    let json = recorded().to_json();
    let refused = |text: &str| Snapshot::from_json(text).unwrap_err().to_string();
    assert!(refused(&json.replace("tape/1", "tape/2")).contains("anact-tape/2"));
    assert!(refused(&json[..json.len() / 2]).contains("snapshot"));
    assert!(refused(&json.replace("\"inputs\":[0,1]", "\"inputs\":[0,9]")).contains("node 2"));
    assert!(refused(&json.replace("\"loss\":{\"node\":4", "\"loss\":{\"node\":5")).contains("node 5 of 5"));
    assert!(refused("").contains("to_json"));
}

#[test]
fn another_tape_s_gradients_are_refused() {
    let (a, b) = (Tape::<f64>::new(), Tape::<f64>::new());
    let (x, _) = (a.variable(Tensor::scalar(1.0)), b.variable(Tensor::scalar(1.0)));
    let gradients = a.backward(x, Keep::All).unwrap();
    assert_eq!(Snapshot::of(&b, Some(&gradients)), Err(Error::ForeignVar { op: "gradient" }));
}

#[test]
fn other_crates_ops_get_their_formulas_and_dual_numbers_their_name() {
    let tape = Tape::<Dual<f64>>::new();
    let x = tape.variable(Tensor::vector(vec![Dual { value: 1.0, tangent: 0.0 }]));
    x.map(crate::Derivative(crate::ops::activation::Tanh));
    let s = Snapshot::of(&tape, None).unwrap();
    assert_eq!((s.scalar.as_str(), &s.nodes[1].formula), ("Dual<f64>", &None));
    let s = s.with_formulas(|op, settings| Some(format!("{op}:{settings}")));
    assert_eq!(s.nodes[1].formula.as_deref(), Some("derivative:derivative"));
    assert_eq!(s.nodes[0].formula, None);
}

/// Every field of a JSON value as `nodes[].value.mean` with the types it takes.
fn fields(value: &Value, at: &str, found: &mut BTreeSet<(String, String)>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !at.is_empty() && !at.ends_with("[]") && kind != "null" {
        found.insert((at.to_string(), kind.to_string()));
    }
    match value {
        Value::Object(map) => {
            let dot = if at.is_empty() { "" } else { "." };
            map.iter().for_each(|(key, v)| fields(v, &format!("{at}{dot}{key}"), found));
        }
        Value::Array(list) => {
            list.iter().filter(|v| v.is_object()).for_each(|v| fields(v, &format!("{at}[]"), found));
        }
        _ => {}
    }
}

/// The tables of the document name exactly the fields there are, with the types they have.
#[test]
fn the_document_names_every_field() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/TAPE_JSON.md")).unwrap();
    assert!(text.contains(SCHEMA) && text.contains(&format!("at most {ELEMENTS} elements")));
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.split('|');
        let field = cells.next()?.trim().trim_end_matches('`').to_string();
        Some((field, cells.next()?.trim().to_string()))
    };
    // A number that may be `"NaN"` is documented as `float`, one that may be missing as `… or null`.
    let documented: BTreeSet<(String, String)> = text
        .lines()
        .filter_map(row)
        .map(|(field, kind)| {
            let kind =
                kind.trim_end_matches(" or null").replace("float", "number").replace("integer", "number");
            (field, kind)
        })
        .collect();
    let mut real = BTreeSet::new();
    fields(&serde_json::from_str(&recorded().to_json()).unwrap(), "", &mut real);
    let tape = Tape::<f64>::new();
    tape.variable(Tensor::new([1, 2], vec![1.0, 2.0]).unwrap()).cross_entropy(&[0], 0.0).unwrap();
    let with_saved = Snapshot::of(&tape, None).unwrap().to_json();
    fields(&serde_json::from_str(&with_saved).unwrap(), "", &mut real);
    assert_eq!(documented, real);
}

#[test]
fn only_a_node_of_the_snapshot_is_its_loss() {
    let (tape, other) = (Tape::<f64>::new(), Tape::<f64>::new());
    let x = tape.variable(Tensor::scalar(1.0));
    let snapshot = Snapshot::of(&tape, None).unwrap();
    assert_eq!(snapshot.clone().with_loss(x).unwrap().loss, Some(Loss { node: 0, value: Number(1.0) }));
    let foreign = other.variable(Tensor::scalar(1.0)).exp();
    assert!(matches!(snapshot.with_loss(foreign), Err(Error::ForeignVar { .. })));
    let loss = x.exp();
    tape.run(Pass::new(Keep::Leaves).releasing(), loss).unwrap();
    assert_eq!(Snapshot::of(&tape, None).unwrap().with_loss(loss), Err(Error::Released));
}
