//! Arithmetic, matrix product, reductions, layout and losses against PyTorch in float64.

use std::collections::BTreeMap;
use std::ops::Range;

use autograd::{Keep, Result, Tape, Tensor, Var};
use serde_json::Value;

use crate::golden::{self, numbers, sizes, tensor};

/// How many rows of each op the file must hold, so that none is skipped unnoticed.
const ROWS: &[(&str, usize)] = &[
    ("add", 6),
    ("sub", 6),
    ("mul", 6),
    ("div", 6),
    ("pow", 6),
    ("exp", 2),
    ("ln", 2),
    ("sqrt", 2),
    ("matmul", 3),
    ("sum", 7),
    ("mean", 7),
    ("var", 14),
    ("permute", 4),
    ("concat", 4),
    ("slice", 4),
    ("pad", 4),
    ("softmax", 4),
    ("log_softmax", 4),
    ("cross_entropy", 10),
];

/// Relative to the largest entry of the output or gradient, for large logits too.
const TOLERANCE: f64 = 1e-13;

fn pairs(v: &Value) -> Vec<(usize, usize)> {
    v.as_array().expect("a list").iter().map(|pair| (sizes(pair)[0], sizes(pair)[1])).collect()
}

fn apply<'t>(op: &str, settings: &Value, x: &[Var<'t, f64>]) -> Result<Var<'t, f64>> {
    let axes = || sizes(&settings["axes"]);
    let keep = || settings["keepdim"].as_bool().unwrap();
    let axis = || settings["axis"].as_u64().unwrap() as usize;
    // The engine's softmax is along the last axis only.
    let last = || assert_eq!(axis() + 1, x[0].shape().rank());
    match op {
        "add" => x[0].try_add(x[1]),
        "sub" => x[0].try_sub(x[1]),
        "mul" => x[0].try_mul(x[1]),
        "div" => x[0].try_div(x[1]),
        "pow" => x[0].pow(x[1]),
        "exp" => Ok(x[0].exp()),
        "ln" => Ok(x[0].ln()),
        "sqrt" => Ok(x[0].sqrt()),
        "matmul" => x[0].matmul(x[1]),
        "sum" => x[0].sum(&axes(), keep()),
        "mean" => x[0].mean(&axes(), keep()),
        "var" => x[0].var(&axes(), keep(), settings["correction"].as_u64().unwrap() as usize),
        "permute" => x[0].permute(&axes()),
        "concat" => Var::concat(x, axis()),
        "slice" => {
            let ranges: Vec<Range<usize>> =
                pairs(&settings["ranges"]).into_iter().map(|(start, end)| start..end).collect();
            x[0].slice(&ranges)
        }
        "pad" => x[0].pad(&pairs(&settings["pads"]), settings["value"].as_f64().unwrap()),
        "softmax" => {
            last();
            x[0].softmax()
        }
        "log_softmax" => {
            last();
            x[0].log_softmax()
        }
        "cross_entropy" => {
            x[0].cross_entropy(&sizes(&settings["targets"]), settings["smoothing"].as_f64().unwrap())
        }
        _ => panic!("no rule for {op}"),
    }
}

fn assert_close(what: &str, got: &Tensor<f64>, want: &Tensor<f64>) {
    assert_eq!(got.shape(), want.shape(), "{what}");
    let size = want.data().iter().fold(0.0f64, |m, x| m.max(x.abs()));
    for (i, (got, want)) in got.data().iter().zip(want.data()).enumerate() {
        let error = (got - want).abs();
        assert!(error <= TOLERANCE * size, "{what}, element {i}: {got:e}, PyTorch has {want:e}");
    }
}

#[test]
fn ops_agree_with_pytorch() {
    let rows = golden::rows();
    let mut seen = BTreeMap::new();
    for row in &rows {
        let op = row["op"].as_str().unwrap();
        if !ROWS.iter().any(|(name, _)| *name == op) {
            continue;
        }
        *seen.entry(op).or_insert(0) += 1;
        let note = row["note"].as_str().unwrap_or_default();
        let what = format!("{op} {} {note}", row["settings"]);
        let tape = Tape::new();
        let inputs: Vec<_> =
            row["inputs"].as_array().unwrap().iter().map(|x| tape.variable(tensor(x))).collect();
        let y = apply(op, &row["settings"], &inputs).unwrap();
        assert_close(&what, &y.value(), &tensor(&row["output"]));
        let cotangent = Tensor::new(y.shape(), numbers(&row["cotangent"])).unwrap();
        let gradients = tape.backward_from(y, cotangent, Keep::Leaves).unwrap();
        let wanted = row["gradients"].as_array().unwrap();
        assert_eq!(wanted.len(), inputs.len(), "{what}");
        for (i, (&x, want)) in inputs.iter().zip(wanted).enumerate() {
            let what = format!("{what}, gradient of input {i}");
            assert_close(&what, &gradients.wrt(x).unwrap(), &tensor(want));
        }
    }
    assert_eq!(seen, ROWS.iter().copied().collect(), "the file's rows per op");
}
