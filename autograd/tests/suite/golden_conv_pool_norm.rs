//! Convolution, pooling and batch normalization against values that PyTorch computed in float64.

use std::collections::BTreeMap;

use autograd::ops::{AvgPool2d, BatchNorm, BatchNormInference, Conv2d, MaxPool2d};
use autograd::{Keep, Tape, Tensor, Var};
use serde_json::Value;

use crate::golden::{self, numbers, sizes, tensor};

/// How many rows the file has of each op: a row that is not tested would go unnoticed otherwise.
const ROWS: [(&str, usize); 5] =
    [("avg_pool2d", 10), ("batch_norm", 7), ("conv2d", 16), ("global_avg_pool", 3), ("max_pool2d", 9)];

fn pair(settings: &Value, key: &str) -> [usize; 2] {
    sizes(&settings[key]).try_into().unwrap_or_else(|_| panic!("{key} is a pair"))
}

fn assert_near(what: &str, got: &Tensor<f64>, want: &Tensor<f64>) {
    assert_eq!(got.shape(), want.shape(), "{what}");
    let largest = want.data().iter().fold(0.0f64, |m, x| m.max(x.abs()));
    for (i, (a, b)) in got.data().iter().zip(want.data()).enumerate() {
        assert!((a - b).abs() <= 1e-12 * largest, "{what}: element {i} is {a:e}, want {b:e}");
    }
}

/// Applies the op of `row`.
fn apply<'t>(tape: &'t Tape<f64>, row: &Value, inputs: &[Var<'t, f64>]) -> autograd::Result<Var<'t, f64>> {
    let settings = &row["settings"];
    let of = |key| pair(settings, key);
    let flag = |key: &str| settings[key].as_bool().expect("true or false");
    match row["op"].as_str().expect("a name") {
        "conv2d" => {
            let groups = settings["groups"].as_u64().expect("a number") as usize;
            let conv = Conv2d {
                stride: of("stride"),
                padding: of("padding"),
                dilation: of("dilation"),
                groups,
                exact: false,
            };
            assert_eq!(inputs.len() == 3, flag("bias"));
            inputs[0].conv2d(inputs[1], inputs.get(2).copied(), conv)
        }
        "max_pool2d" => inputs[0].max_pool2d(MaxPool2d {
            kernel: of("kernel"),
            stride: of("stride"),
            padding: of("padding"),
        }),
        "avg_pool2d" => inputs[0].avg_pool2d(AvgPool2d {
            kernel: of("kernel"),
            stride: of("stride"),
            padding: of("padding"),
            count_include_pad: flag("count_include_pad"),
        }),
        "global_avg_pool" => inputs[0].global_avg_pool(),
        "batch_norm" => {
            let eps = settings["eps"].as_f64().expect("a number");
            let extra = |key: &str| Tensor::vector(numbers(&row["extra"][key]));
            if flag("training") {
                let y = inputs[0].batch_norm(inputs[1], inputs[2], BatchNorm { eps })?;
                assert_near("batch mean", &y.saved()[0], &extra("batch_mean"));
                assert_near("batch variance", &y.saved()[1], &extra("batch_var_biased"));
                Ok(y)
            } else {
                let (mean, var) = (tape.constant(extra("running_mean")), tape.constant(extra("running_var")));
                inputs[0].batch_norm_inference(inputs[1], inputs[2], mean, var, BatchNormInference { eps })
            }
        }
        other => unreachable!("{other} is not one of ROWS"),
    }
}

#[test]
fn values_and_gradients_are_those_of_pytorch() {
    let rows = golden::rows();
    let mut tested = BTreeMap::new();
    for row in &rows {
        let op = row["op"].as_str().expect("a name");
        if ROWS.iter().all(|(name, _)| *name != op) {
            continue;
        }
        let name = format!("{op} {} {}", row["settings"], row["note"]);
        let tape = Tape::new();
        let list = |key: &str| row[key].as_array().expect("a list");
        let inputs: Vec<_> = list("inputs").iter().map(|x| tape.variable(tensor(x))).collect();
        let y = apply(&tape, row, &inputs).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_near(&name, &y.value(), &tensor(&row["output"]));
        let cotangent = Tensor::new(y.shape(), numbers(&row["cotangent"])).unwrap();
        let gradients = tape.backward_from(y, cotangent, Keep::Leaves).unwrap();
        let expected = list("gradients");
        assert_eq!(expected.len(), inputs.len(), "{name}");
        for (i, (&input, want)) in inputs.iter().zip(expected).enumerate() {
            assert_near(&format!("{name}, gradient {i}"), &gradients.wrt(input).unwrap(), &tensor(want));
        }
        *tested.entry(op).or_insert(0) += 1;
    }
    assert_eq!(tested, BTreeMap::from(ROWS));
}
