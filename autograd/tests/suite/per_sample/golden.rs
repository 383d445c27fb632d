//! Against per-sample gradients that PyTorch computed in float64 by `torch.func`.

use autograd::ops::Conv2d;
use autograd::ops::activation::Tanh;
use autograd::per_sample::{Query, SampleSemantics, for_each_sample, statistics};
use autograd::{Tape, Tensor};
use serde_json::Value;

use super::{apart, largest};
use crate::golden::{numbers, sizes, tensor};

#[test]
fn gradients_of_samples_are_those_of_torch_func() {
    let text = include_str!("../../../../tests/golden/per_sample.json");
    let golden: Value = serde_json::from_str(text).expect("valid JSON");
    let parameters = golden["parameters"].as_object().expect("an object");
    let value = |name: &str| tensor(&parameters[name]["value"]);
    let tape = Tape::new();
    let x = tape.constant(tensor(&golden["images"]));
    let of = |name: &str, value: &Tensor<f64>| tape.parameter(name, value).unwrap();
    let tensors: Vec<_> =
        ["conv.weight", "conv.bias", "fc.weight", "fc.bias"].map(|name| (name, value(name))).into();
    let [cw, cb, fw, fb]: [_; 4] =
        tensors.iter().map(|(name, value)| of(name, value)).collect::<Vec<_>>().try_into().unwrap();
    let conv = Conv2d { stride: [2, 2], padding: [1, 1], ..Conv2d::default() };
    let y = x.conv2d(cw, Some(cb), conv).unwrap().map(Tanh).flatten_from(1).unwrap();
    let logits = y.matmul_transposed(fw).unwrap() + fb;
    let loss = logits.cross_entropy(&sizes(&golden["labels"]), 0.0).unwrap();
    let batch = [x];
    let query = Query::new(&batch, loss, SampleSemantics::Independent);

    let mut errors = Vec::new();
    let mut seen = 0;
    for_each_sample(&query, |n, parts| {
        let count = x.shape().dims()[0] as f64;
        for (name, c) in parts {
            let want = numbers(&parameters[name.unwrap()]["per_sample"][n]);
            let got: Vec<f64> = c.data().iter().map(|c| count * c).collect();
            errors.push(apart(&got, &want, largest(&want)));
            seen += 1;
        }
    })
    .unwrap();
    assert_eq!(seen, 4 * x.shape().dims()[0]);
    let found = statistics(&query).unwrap();
    for (name, row) in parameters {
        let g = found.named(name).unwrap().per_sample();
        let (mean, variance, unbiased) =
            (numbers(&row["mean"]), numbers(&row["variance"]), numbers(&row["unbiased_variance"]));
        errors.push(apart(g.mean().data(), &mean, largest(&mean)));
        errors.push(apart(g.variance().data(), &variance, largest(&variance)));
        errors.push(apart(g.unbiased_variance().unwrap().data(), &unbiased, largest(&unbiased)));
    }
    assert!(largest(&errors) <= 1e-12, "worst relative error {:.2e}", largest(&errors));
}
