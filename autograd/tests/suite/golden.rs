//! Reading `tests/golden/ops.json`: values and gradients that PyTorch computed in float64.
//!
//! `tests/golden/README.md` says what a row holds and how it was made.

use autograd::{Shape, Tensor};
use serde_json::Value;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/ops.json");

/// Every row of the file.
pub(crate) fn rows() -> Vec<Value> {
    let text = std::fs::read_to_string(FILE).unwrap_or_else(|e| panic!("{FILE}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{FILE}: {e}"))
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
}

pub(crate) fn sizes(value: &Value) -> Vec<usize> {
    value.as_array().expect("a list").iter().map(|x| x.as_u64().expect("a size") as usize).collect()
}

pub(crate) fn tensor(value: &Value) -> Tensor<f64> {
    Tensor::new(Shape::new(&sizes(&value["shape"])).unwrap(), numbers(&value["data"])).unwrap()
}
