//! One small network against `torch.autograd.functional.hvp`; see tests/golden/README.md.

use std::collections::BTreeMap;

use autograd::higher::{HessianProduct, hvp};
use autograd::ops::CrossEntropy;
use autograd::{Scalar, Shape, Tensor};
use layers::{BuildModel, NetworkLoss, Walk};
use serde_json::Value;

use super::small_net::{SmallNet, Write};
use super::{error, flat};

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
}

fn tensor(value: &Value) -> Tensor<f64> {
    let dims: Vec<usize> = numbers(&value["shape"]).iter().map(|&d| d as usize).collect();
    Tensor::new(Shape::new(&dims).unwrap(), numbers(&value["data"])).unwrap()
}

fn tensors(value: &Value) -> Vec<Tensor<f64>> {
    value.as_array().expect("a list").iter().map(tensor).collect()
}

fn golden() -> Value {
    serde_json::from_str(include_str!("../../../golden/hvp.json")).expect("valid JSON")
}

/// The run of the file in the precision of `S`.
fn product<S: Scalar>(golden: &Value, is_training: bool) -> HessianProduct<S> {
    let names: Vec<String> =
        golden["names"].as_array().unwrap().iter().map(|n| n.as_str().unwrap().to_string()).collect();
    let mut state: BTreeMap<_, _> = names.iter().cloned().zip(tensors(&golden["parameters"])).collect();
    state.insert("bn1.running_mean".into(), tensor(&golden["running_mean"]));
    state.insert("bn1.running_var".into(), tensor(&golden["running_var"]));
    let mut model = SmallNet.build::<S>().unwrap();
    Walk::over(model.as_mut(), &mut Write(&state));

    let targets: Vec<usize> = numbers(&golden["targets"]).iter().map(|&t| t as usize).collect();
    let loss = CrossEntropy { targets: targets.into(), smoothing: golden["smoothing"].as_f64().unwrap() };
    let f = NetworkLoss::new(SmallNet, model.as_mut(), loss, &tensor(&golden["images"]).cast()).unwrap();
    let f = if is_training { f.in_training(0, 0) } else { f };
    assert_eq!(f.names().collect::<Vec<_>>(), names);
    let direction: Vec<Tensor<S>> = tensors(&golden["direction"]).iter().map(Tensor::cast).collect();
    hvp(&f, &f.parameters(), &direction).unwrap()
}

fn errors<S: Scalar>(got: &HessianProduct<S>, run: &Value) -> [f64; 3] {
    let joined = |key: &str| run[key].as_array().unwrap().iter().flat_map(numbers).collect::<Vec<_>>();
    let cast = |x: &[Tensor<S>]| flat(&x.iter().map(Tensor::cast).collect::<Vec<_>>());
    [
        error(&[got.value.to_f64()], &[run["value"].as_f64().unwrap()]),
        error(&cast(&got.gradient), &joined("gradient")),
        error(&cast(&got.product), &joined("product")),
    ]
}

#[test]
fn value_gradient_and_product_equal_those_of_pytorch() {
    let golden = golden();
    let runs = golden["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    for run in runs {
        let is_training = run["training"].as_bool().unwrap();
        let double = errors(&product::<f64>(&golden, is_training), run);
        assert!(double.iter().all(|e| *e <= 1e-12), "training {is_training}: relative errors {double:?}");
        let single = errors(&product::<f32>(&golden, is_training), run);
        assert!(single.iter().all(|e| *e <= 1e-4), "training {is_training}, f32: relative errors {single:?}");
    }
}
