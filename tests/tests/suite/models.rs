//! Every registered model: sizes and names as torchvision's, a gradient for every parameter under the name the walk
//! gives it, and buffers that move in training only.

use std::collections::BTreeMap;

use anact::{NormalizedSettings, activation};
use autograd::random::{Purpose, Stream};
use autograd::{Keep, Scalar, Shape, Tape, Tensor};
use layers::models::{ModelEntry, ModelSettings};
use layers::{BufferMut, Context, Init, Layer, Parameter, Visitor, Walk};
use serde_json::Value;

/// Activations with no state, with a learnt slope, and with running statistics.
const ACTIVATIONS: &[&str] = &["relu", "prelu", "nswish", "nprelu", "gp-tanh"];

/// What a walk comes by, in order.
#[derive(Debug, Default)]
struct State {
    rows: Vec<Row>,
}

/// One parameter or buffer.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    name: String,
    is_parameter: bool,
    shape: Vec<usize>,
    numbers: Vec<f64>,
}

impl State {
    fn of<S: Scalar>(model: &mut dyn Layer<S>) -> Self {
        let mut state = Self::default();
        Walk::over(model, &mut state);
        state
    }

    fn elements(&self, wanted: impl Fn(&Row) -> bool) -> usize {
        self.rows.iter().filter(|r| wanted(r)).map(|r| r.numbers.len()).sum()
    }

    fn parameters(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|r| r.is_parameter)
    }

    fn push(&mut self, name: &str, is_parameter: bool, shape: &[usize], numbers: Vec<f64>) {
        self.rows.push(Row { name: name.to_string(), is_parameter, shape: shape.to_vec(), numbers });
    }
}

impl<S: Scalar> Visitor<S> for State {
    fn parameter(&mut self, name: &str, parameter: &mut Parameter<S>) {
        let value = &parameter.value;
        self.push(name, true, value.dims(), value.data().iter().map(|x| x.to_f64()).collect());
    }

    fn buffer(&mut self, name: &str, buffer: BufferMut<'_, S>) {
        let (shape, numbers) = match buffer {
            BufferMut::Tensor(t) => (t.dims().to_vec(), t.data().iter().map(|x| x.to_f64()).collect()),
            BufferMut::Values(v) => (vec![v.len()], v.clone()),
            BufferMut::Count(n) => (vec![], vec![*n as f64]),
        };
        self.push(name, false, &shape, numbers);
    }
}

fn build<S: Scalar>(name: &str, settings: &ModelSettings, function: &str) -> Box<dyn Layer<S>> {
    let make = activation::<S>(function, &NormalizedSettings::default()).expect("a registered activation");
    ModelEntry::named(name)
        .and_then(|entry| entry.build(settings, &*make))
        .unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Usual width and a seed; uniform weights are the quickest to draw.
fn full_size(classes: usize) -> ModelSettings {
    ModelSettings { input: [3, 32, 32], classes, width: None, depth: None, init: Init::HeUniform, seed: 1 }
}

fn golden() -> Vec<Value> {
    let text = include_str!("../../golden/models.json");
    let golden: Value = serde_json::from_str(text).expect("valid JSON");
    golden["models"].as_array().expect("a list of models").clone()
}

/// Our name of a row of the golden file, if we have its network: option-B shortcuts, and the small stem.
fn our_name(row: &Value) -> Option<&str> {
    let name = row["model"].as_str().expect("a name");
    match (row["shortcut"].as_str(), row["stem"].as_str()) {
        (Some("B"), None) => name.strip_prefix("cifar_"),
        (None, Some("small")) => Some(name),
        _ => None,
    }
}

/// Counts by PyTorch, names, kinds, order and shapes by torchvision; see tests/golden/README.md.
#[test]
fn sizes_and_names_equal_those_of_torchvision() {
    let (mut counted, mut named) = (0, 0);
    for row in golden() {
        let Some(name) = our_name(&row) else { continue };
        let classes = row["classes"].as_u64().expect("a count") as usize;
        let mut model = build::<f32>(name, &full_size(classes), "relu");
        let state = State::of(model.as_mut());
        let text = format!("{name}, {classes} classes");
        assert_eq!(Some(state.elements(|r| r.is_parameter) as u64), row["parameters"].as_u64(), "{text}");
        let is_statistic = |r: &Row| r.name.ends_with("running_mean") || r.name.ends_with("running_var");
        assert_eq!(
            Some(state.elements(is_statistic) as u64),
            row["batch_norm_statistics"].as_u64(),
            "{text}"
        );
        counted += 1;
        let Some(want) = row["state"].as_array() else { continue };
        assert_eq!(state.rows.len(), want.len(), "{text}");
        for (got, want) in state.rows.iter().zip(want) {
            let kind = if got.is_parameter { "parameter" } else { "buffer" };
            let got = serde_json::json!({ "name": got.name, "kind": kind, "shape": got.shape });
            assert_eq!(&got, want, "{text}");
        }
        named += 1;
    }
    assert_eq!((counted, named), (16, 2));
}

/// Every model, small, with every kind of activation.
fn for_each_small_model(test: impl Fn(&str, &mut dyn Layer<f64>)) {
    let settings = ModelSettings {
        input: [3, 9, 8],
        classes: 5,
        width: Some(2),
        depth: None,
        init: Init::HeNormal,
        seed: 3,
    };
    for entry in ModelEntry::<f64>::ALL {
        for function in ACTIVATIONS {
            test(&format!("{} with {function}", entry.name), build(entry.name, &settings, function).as_mut());
        }
    }
}

fn images() -> Tensor<f64> {
    let mut stream = Stream::new(5, Purpose::Probe, 0);
    let shape = Shape::from([3, 3, 9, 8]);
    Tensor::filled(shape, (0..shape.len()).map(|_| stream.normal()).collect())
}

#[test]
fn every_parameter_is_a_leaf_of_its_name_with_a_gradient() {
    for_each_small_model(|text, model| {
        let tape = Tape::new();
        let input = tape.constant(images());
        let logits = model.forward(&Context::train(&tape, 1, 0), input).unwrap();
        assert_eq!(logits.shape().dims(), [3, 5], "{text}");
        let gradients = tape.backward(logits.cross_entropy(&[4, 0, 2], 0.1).unwrap(), Keep::Leaves).unwrap();

        let state = State::of(model);
        let visited: BTreeMap<_, _> = state.parameters().map(|r| (r.name.clone(), r.shape.clone())).collect();
        assert_eq!(visited.len(), state.parameters().count(), "{text}: a name is visited twice");
        let shape = |v: autograd::Var<'_, f64>| v.shape().dims().to_vec();
        let leaves: BTreeMap<_, _> =
            tape.parameters().into_iter().map(|(name, v)| (name, shape(v))).collect();
        assert_eq!(leaves, visited, "{text}");

        let unnamed = tape.vars().filter(|v| v.is_leaf() && v.needs_gradient() && v.name().is_none());
        assert_eq!(unnamed.count(), 0, "{text}: a leaf that learns has no name");
        for (name, shape) in &visited {
            let gradient = gradients.named(name).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(gradient.dims(), shape, "{text}: {name}");
            assert!(gradient.data().iter().all(|g| g.is_finite()), "{text}: {name}");
        }
        // Random inputs leave a parameter without effect only behind dead units of ReLU.
        if !text.ends_with("relu") {
            let zero = |name: &&String| gradients.named(name).unwrap().data().iter().all(|g| *g == 0.0);
            let without: Vec<_> = visited.keys().filter(zero).collect();
            assert!(without.is_empty(), "{text}: no effect of {without:?}");
        }
    });
}

#[test]
fn buffers_move_in_training_only_and_parameters_in_neither_mode() {
    for_each_small_model(|text, model| {
        let start = State::of(model).rows;
        let run = |model: &mut dyn Layer<f64>, is_training: bool| {
            let tape = Tape::new();
            let cx = if is_training { Context::train(&tape, 1, 0) } else { Context::eval(&tape) };
            model.forward(&cx, tape.constant(images())).unwrap().value()
        };
        let first = run(model, false);
        assert_eq!(State::of(model).rows, start, "{text}: evaluation moved something");

        run(model, true);
        let trained = State::of(model).rows;
        for (before, after) in start.iter().zip(&trained) {
            assert_eq!(before.name, after.name, "{text}");
            assert_eq!(before == after, before.is_parameter, "{text}: {}", before.name);
        }
        let second = run(model, false);
        assert_eq!(State::of(model).rows, trained, "{text}: evaluation moved something");
        assert_eq!(run(model, false), second, "{text}: evaluation is not repeatable");
        let has_buffers = start.iter().any(|r| !r.is_parameter);
        assert_eq!(first != second, has_buffers, "{text}: evaluation does not use what was tracked");
    });
}

/// The names and shapes of a network's weights.
fn weights_of(name: &str, settings: &ModelSettings) -> Vec<(String, Vec<usize>)> {
    let state = State::of(build::<f64>(name, settings, "relu").as_mut());
    state
        .parameters()
        .filter(|r| r.name.ends_with("weight"))
        .map(|r| (r.name.clone(), r.shape.clone()))
        .collect()
}

fn with_depth(depth: Option<usize>) -> ModelSettings {
    ModelSettings { input: [1, 28, 28], classes: 10, width: None, depth, init: Init::LecunNormal, seed: 7 }
}

/// By hand: 784·512 + 512 + 512·512 + 512 + 512·10 + 10, and for depth 20 of width 128
/// 784·128 + 128 + 19·(128² + 128) + 128·10 + 10.
#[test]
fn the_depth_of_the_dense_network_counts_hidden_layers() {
    let count = |settings: &ModelSettings| {
        State::of(build::<f64>("mlp", settings, "relu").as_mut()).elements(|r| r.is_parameter)
    };
    assert_eq!(count(&with_depth(None)), 669_706);
    assert_eq!(count(&ModelSettings { width: Some(128), ..with_depth(Some(20)) }), 415_498);
    let names: Vec<_> = weights_of("mlp", &with_depth(Some(1))).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["fc1.weight", "fc2.weight"]);
}

/// The usual depth is 2, and a deeper network begins with the same weights.
#[test]
fn a_deeper_network_draws_the_same_first_weights() {
    let state = |depth| State::of(build::<f64>("mlp", &with_depth(depth), "relu").as_mut()).rows;
    assert_eq!(state(None), state(Some(2)));
    assert_eq!(state(Some(3))[..4], state(None)[..4]);
    assert_ne!(state(Some(3))[4].shape, state(None)[4].shape);
}

/// By hand, width 16 on one channel: 9·16 + 16, 9·(9·16² + 16), 9·16·32 + 32, 9·(9·32² + 32), 9·32·64 + 64,
/// 8·(9·64² + 64), 64·10 + 10: 10 + 10 + 9 convolutions.
#[test]
fn the_plain_network_has_thirty_layers_in_three_stages() {
    let state = State::of(build::<f64>("plain", &with_depth(None), "relu").as_mut());
    assert_eq!(state.elements(|r| r.is_parameter), 423_482);
    let weights = weights_of("plain", &with_depth(None));
    assert_eq!(weights.len(), 30);
    let outputs: Vec<usize> = weights.iter().map(|(_, shape)| shape[0]).collect();
    assert_eq!(outputs, [vec![16; 10], vec![32; 10], vec![64; 9], vec![10]].concat());
    assert_eq!((weights[0].0.as_str(), weights[28].0.as_str()), ("conv1.weight", "conv29.weight"));
    let small = weights_of("plain", &ModelSettings { width: Some(2), ..with_depth(Some(4)) });
    let shapes: Vec<_> = small.into_iter().map(|(_, shape)| shape).collect();
    assert_eq!(shapes, [vec![2, 1, 3, 3], vec![4, 2, 3, 3], vec![8, 4, 3, 3], vec![10, 8]]);
}

/// Stride 2 at the second and third stage: 9 by 8 positions become 5 by 4 and 3 by 2.
#[test]
fn the_plain_network_halves_its_images_twice() {
    let settings = ModelSettings { input: [3, 9, 8], width: Some(2), ..with_depth(Some(7)) };
    let mut model = build::<f64>("plain", &settings, "relu");
    let tape = Tape::new();
    model.forward(&Context::eval(&tape), tape.constant(images())).unwrap();
    let shapes: Vec<_> =
        tape.vars().filter(|v| v.op_name() == "conv2d").map(|v| v.shape().dims()[2..].to_vec()).collect();
    assert_eq!(shapes, [[9, 8], [9, 8], [5, 4], [5, 4], [3, 2], [3, 2]]);
}

#[test]
fn depths_that_do_not_fit_are_refused() {
    let refused = |name: &str, depth: usize| {
        let make = activation::<f32>("relu", &NormalizedSettings::default()).unwrap();
        let entry = ModelEntry::<f32>::named(name).unwrap();
        entry.build(&with_depth(Some(depth)), &*make).map(|_| ()).unwrap_err().to_string()
    };
    for entry in ModelEntry::<f32>::ALL.iter().filter(|m| m.depth.is_none()) {
        let text = refused(entry.name, 20);
        assert!(
            text.contains(entry.name) && text.contains("depth 20") && text.contains("mlp and plain"),
            "{text}"
        );
    }
    assert!(refused("mlp", 0).contains("from 1"));
    assert!(refused("mlp", 65_537).contains("65,536"));
    assert!(refused("plain", 3).contains("at least 4"));
}
