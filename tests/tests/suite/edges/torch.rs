//! NaN, infinities, huge, tiny and subnormal numbers beside PyTorch in f32; see tests/golden/README.md.

use std::collections::BTreeMap;
use std::sync::Arc;

use autograd::ops::{AvgPool2d, BatchNorm, ClipGradient, GradientLimit, MaxPool2d};
use autograd::{Error, Gradients, Keep, Result, Shape, Tape, Tensor, Var};
use layers::optim::{AdamSettings, AdamWSettings, Clipping, Optimizer, OptimizerSettings, SgdSettings};
use layers::{Context, Layer, Parameter, Role, Walk};
use serde_json::Value;

use super::assert_exceptions;

fn golden(kind: &str) -> Vec<Value> {
    let rows: Vec<Value> = serde_json::from_str(include_str!("../../../golden/edges.json")).unwrap();
    rows.into_iter().filter(|row| row["kind"] == kind).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// A few roundings in f32.
fn near(got: f32, want: f64) -> bool {
    let got = f64::from(got);
    // Where PyTorch has ∞ a finite number is not near it, though its distance is no more than a share of ∞.
    let rounding = want.is_finite() && (got - want).abs() <= 2e-6 * want.abs() + 3e-45;
    got == want || (got.is_nan() && want.is_nan()) || rounding
}

fn apply<'t>(name: &str, x: Var<'t, f32>) -> Var<'t, f32> {
    match name {
        "exp" => x.exp(),
        "ln" => x.ln(),
        "sqrt" => x.sqrt(),
        "neg" => -x,
        _ => x.activation(name).unwrap(),
    }
}

#[test]
fn functions_of_one_number() {
    let mut found = BTreeMap::new();
    let rows = golden("function");
    assert_eq!(rows.len(), 23);
    for row in &rows {
        let name = row["function"].as_str().unwrap();
        let tape = Tape::new();
        let x = tape.variable(Tensor::vector(numbers(&row["x"])).cast::<f32>());
        let y = apply(name, x);
        let slope =
            tape.backward_from(y, Tensor::full(x.shape(), 1.0), Keep::Leaves).unwrap().wrt(x).unwrap();
        for (what, got, want) in [("y", y.value(), &row["y"]), ("slope", slope, &row["slope"])] {
            let triples = numbers(&row["x"]).into_iter().zip(got.data()).zip(numbers(want));
            for ((x, &got), want) in triples.filter(|((_, got), want)| !near(**got, *want)) {
                found.insert(format!("{name}({x:e}), {what}"), format!("{got:e} for {want:e}"));
            }
        }
    }
    assert_exceptions("functions_that_are_not_as_pytorch_has_them", &found);
}

fn op<'t>(row: &Value, x: &[Var<'t, f32>]) -> Result<Var<'t, f32>> {
    let window = ([2, 2], [2, 2], [0, 0]);
    match row["op"].as_str().unwrap() {
        "softmax" => x[0].softmax(),
        "log_softmax" => x[0].log_softmax(),
        "cross_entropy" => x[0].cross_entropy(&[1], 0.0),
        "var" => x[0].var_all(0),
        "mean" => x[0].mean_all(),
        "sum" => Ok(x[0].sum_all()),
        "batch_norm" => x[0].batch_norm(x[1], x[2], BatchNorm::default()),
        "max_pool2d" => {
            let (kernel, stride, padding) = window;
            x[0].max_pool2d(MaxPool2d { kernel, stride, padding })
        }
        "avg_pool2d" => {
            let (kernel, stride, padding) = window;
            x[0].avg_pool2d(AvgPool2d { kernel, stride, padding, count_include_pad: true })
        }
        other => panic!("no op for {other}"),
    }
}

#[test]
fn ops() {
    let rows = golden("op");
    assert_eq!(rows.len(), 48);
    let mut wrong = Vec::new();
    for row in &rows {
        let tape = Tape::new();
        let of = |(numbers_of, dims): (&Value, &Value)| {
            let dims: Vec<usize> = numbers(dims).iter().map(|&d| d as usize).collect();
            let data = numbers(numbers_of).iter().map(|&x| x as f32).collect();
            tape.variable(Tensor::new(Shape::new(&dims).unwrap(), data).unwrap())
        };
        let pairs = row["inputs"].as_array().unwrap().iter().zip(row["shapes"].as_array().unwrap());
        let inputs: Vec<_> = pairs.map(of).collect();
        let y = op(row, &inputs).unwrap();
        let g = Tensor::filled(y.shape(), (1..=y.shape().len()).map(|i| i as f32).collect());
        let gradients = tape.backward_from(y, g, Keep::Leaves).unwrap();
        let got = inputs.iter().map(|&x| gradients.wrt(x).unwrap());
        let want = row["gradients"].as_array().unwrap().iter();
        for (k, (got, want)) in std::iter::once((y.value(), &row["output"])).chain(got.zip(want)).enumerate()
        {
            let want = numbers(want);
            // Gradients that cancel are compared with the largest.
            let size = want.iter().map(|x| x.abs()).filter(|x| x.is_finite()).fold(0.0, f64::max);
            let close = |got: f32, want: f64| near(got, want) || (f64::from(got) - want).abs() <= 2e-6 * size;
            if got.len() != want.len() || !got.data().iter().zip(&want).all(|(&a, &b)| close(a, b)) {
                wrong.push(format!("{} of {}, {k}: {got:?} for {want:?}", row["op"], row["inputs"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One parameter.
#[derive(Debug)]
struct One(Parameter<f32>);

impl One {
    fn of(n: usize) -> Self {
        Self(Parameter::new(Tensor::full([n], 0.5), Role::Bias))
    }
}

impl Layer<f32> for One {
    fn forward<'t>(&mut self, _cx: &Context<'t, f32>, x: Var<'t, f32>) -> Result<Var<'t, f32>> {
        Ok(x)
    }

    fn visit(&mut self, walk: &mut Walk<'_, f32>) {
        walk.parameter("p", &mut self.0);
    }
}

fn gradients(g: &Value) -> Gradients<f32> {
    let g = Tensor::vector(numbers(g)).cast();
    Gradients::of_named(BTreeMap::from([(Arc::from("p"), g)]))
}

#[test]
fn optimisers() {
    let rows = golden("optimizer");
    assert_eq!(rows.len(), 3);
    for row in &rows {
        let settings: OptimizerSettings = match row["optimizer"].as_str().unwrap() {
            "sgd" => SgdSettings { weight_decay: 0.0, ..<_>::default() }.into(),
            "adam" => AdamSettings::default().into(),
            "adamw" => AdamWSettings { weight_decay: 0.0, ..<_>::default() }.into(),
            other => panic!("no optimiser for {other}"),
        };
        let (mut model, mut optimizer) = (One::of(4), Optimizer::<f32>::new(settings).unwrap());
        let steps = row["gradients"].as_array().unwrap().iter().zip(row["course"].as_array().unwrap());
        for (g, want) in steps {
            optimizer.step(&mut model, &gradients(g), 0.1).unwrap();
            let (got, want) = (model.0.value.data(), numbers(want));
            assert!(got.iter().zip(&want).all(|(&a, &b)| near(a, b)), "{settings:?}: {got:?} for {want:?}");
        }
    }
}

/// The op gives PyTorch's numbers; the optimiser refuses a norm that is not finite and moves nothing.
#[test]
fn clipping() {
    let rows = golden("clipping");
    assert_eq!(rows.len(), 4);
    for row in &rows {
        let (g, want) = (&row["gradient"], numbers(&row["clipped"]));
        let n = want.len();
        let tape = Tape::<f32>::new();
        let x = tape.variable(Tensor::zeros([n]));
        let y = tape.apply(ClipGradient { limit: GradientLimit::Norm(1.0) }, &[x]).unwrap();
        let of_y = Tensor::vector(numbers(g)).cast();
        let clipped = tape.backward_from(y, of_y, Keep::Leaves).unwrap().wrt(x).unwrap();
        let pairs = || clipped.data().iter().zip(&want);
        assert!(pairs().all(|(&a, &b)| near(a, b)), "{clipped:?} for {want:?}");
        let plain = SgdSettings { momentum: 0.0, nesterov: false, weight_decay: 0.0, ..<_>::default() };
        let mut optimizer =
            Optimizer::<f32>::new(plain).and_then(|o| o.clipping(Clipping::Norm(1.0))).unwrap();
        let mut model = One::of(n);
        match optimizer.step(&mut model, &gradients(g), 1.0) {
            Ok(_) => {
                let mut moved = model.0.value.data().iter().zip(&want);
                assert!(
                    moved.all(|(&p, &g)| (f64::from(p) - (0.5 - g)).abs() < 1e-6),
                    "{model:?} for {want:?}"
                );
            }
            Err(error) => {
                assert!(matches!(error, Error::NotFinite { .. }) && want[0].is_nan(), "{error}");
                assert_eq!(model.0.value.data(), vec![0.5; n]);
            }
        }
    }
}
