//! Every registered model: sizes and names as torchvision's, a gradient for every parameter under the name the walk
//! gives it, and buffers that move in training only.

use std::collections::BTreeMap;

use anact::{NormalizedSettings, activation};
use autograd::random::{Purpose, Stream};
use autograd::{Gradients, Keep, Scalar, Shape, Tape, Tensor};
use layers::models::{HEADS, ModelEntry, ModelSettings, STEMS, Variant};
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
    ModelSettings {
        input: [3, 32, 32],
        classes,
        width: None,
        depth: None,
        variant: Variant::default(),
        init: Init::HeUniform,
        seed: 1,
    }
}

fn golden() -> Vec<Value> {
    let text = include_str!("../../golden/models.json");
    let golden: Value = serde_json::from_str(text).expect("valid JSON");
    golden["models"].as_array().expect("a list of models").clone()
}

/// What a row of the golden file is called here and how it is built, if we have its network: those with option-A
/// shortcuts we have not.
fn ours(row: &Value) -> Option<(&str, ModelSettings)> {
    let name = row["model"].as_str().expect("a name");
    let name = match (name.strip_prefix("cifar_"), row["shortcut"].as_str()) {
        (Some(_), Some("A")) => return None,
        (name_of_cifar, _) => name_of_cifar.unwrap_or(name),
    };
    let stem = row["stem"].as_str().map(|name| STEMS.iter().find(|s| s.0 == name).expect("a stem").1);
    let head = row["head"].as_str().map(|name| HEADS.iter().find(|h| h.0 == name).expect("a head").1);
    let variant = Variant { stem, head, preactivation: row["preactivation"] == true, ..Variant::default() };
    let side = if row["head"] == "imagenet" { 224 } else { 32 };
    let classes = row["classes"].as_u64().expect("a count") as usize;
    Some((name, ModelSettings { input: [3, side, side], variant, ..full_size(classes) }))
}

/// Name, whether it is a parameter, and shape.
type Shaped = (String, bool, Vec<usize>);

/// The state of a network of usual width, without its 138 million weights: every length is a constant plus a multiple of
/// the width, so networks of width 1 and 2 say all of them.
fn shapes(name: &str, settings: &ModelSettings) -> Vec<Shaped> {
    let usual = ModelEntry::<f32>::named(name).expect("a network").width;
    let of_width = |width| {
        State::of(build::<f32>(name, &ModelSettings { width: Some(width), ..*settings }, "relu").as_mut())
            .rows
    };
    let pairs = of_width(1).into_iter().zip(of_width(2));
    let lengths = |a: &Row, b: &Row| -> Vec<usize> {
        a.shape.iter().zip(&b.shape).map(|(one, two)| one + (two - one) * (usual - 1)).collect()
    };
    pairs.map(|(a, b)| (a.name.clone(), a.is_parameter, lengths(&a, &b))).collect()
}

/// Counts by PyTorch, names, kinds, order and shapes by torchvision; see tests/golden/README.md.
#[test]
fn sizes_and_names_equal_those_of_torchvision() {
    let (mut counted, mut built, mut named) = (0, 0, 0);
    for row in golden() {
        let Some((name, settings)) = ours(&row) else { continue };
        let text = format!("{name}, {settings:?}");
        let state = shapes(name, &settings);
        let elements = |wanted: &dyn Fn(&Shaped) -> bool| {
            state.iter().filter(|r| wanted(r)).map(|r| r.2.iter().product::<usize>() as u64).sum::<u64>()
        };
        let parameters = row["parameters"].as_u64().expect("a count");
        assert_eq!(elements(&|r| r.1), parameters, "{text}");
        let is_statistic = |r: &Shaped| r.0.ends_with("running_mean") || r.0.ends_with("running_var");
        assert_eq!(Some(elements(&is_statistic)), row["batch_norm_statistics"].as_u64(), "{text}");
        counted += 1;
        if settings.classes == 10 && parameters < 12_000_000 {
            let rows = State::of(build::<f32>(name, &settings, "relu").as_mut()).rows;
            let whole: Vec<Shaped> = rows.into_iter().map(|r| (r.name, r.is_parameter, r.shape)).collect();
            assert_eq!(whole, state, "{text}");
            built += 1;
        }
        let Some(want) = row["state"].as_array() else { continue };
        assert_eq!(state.len(), want.len(), "{text}");
        for ((name, is_parameter, shape), want) in state.iter().zip(want) {
            let kind = if *is_parameter { "parameter" } else { "buffer" };
            let got = serde_json::json!({ "name": name, "kind": kind, "shape": shape });
            assert_eq!(&got, want, "{text}");
        }
        named += 1;
    }
    assert_eq!((counted, built, named), (45, 14, 5));
}

/// What torchvision's documentation says: the counts that everyone knows these networks by.
#[test]
fn published_counts_are_met() {
    let published = [
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("resnet101", 44_549_160),
        ("vgg11", 132_863_336),
        ("vgg16", 138_357_544),
        ("vgg11_bn", 132_868_840),
        ("vgg16_bn", 138_365_992),
    ];
    for (name, want) in published {
        let row = golden().into_iter().find(|r| r["model"] == name && r["classes"] == 1000).expect(name);
        assert_eq!(row["parameters"], want, "{name}");
    }
}

/// Departures from the usual form, of one network of each family that has them.
fn variants() -> Vec<(&'static str, Variant)> {
    let usual = Variant::default();
    let (imagenet, medium) = (Some(layers::models::Stem::ImageNet), Some(layers::models::Stem::Medium));
    let dropped = Variant { stochastic_depth: Some(0.3), ..usual };
    vec![
        ("resnet8", Variant { preactivation: true, ..usual }),
        ("resnet8", dropped),
        ("resnet18", Variant { stem: imagenet, ..usual }),
        ("resnet50", Variant { stem: medium, stochastic_depth: Some(0.2), ..usual }),
        ("resnet50", Variant { stem: imagenet, preactivation: true, ..usual }),
        ("resnet18", Variant { preactivation: true, stochastic_depth: Some(0.2), ..usual }),
        ("wrn-16-4", Variant { dropout: Some(0.3), ..dropped }),
        ("vgg11_bn", Variant { dropout: Some(0.2), ..usual }),
        ("allconv", Variant { dropout: Some(0.2), ..usual }),
    ]
}

/// Every model, small, with every kind of activation.
fn for_each_small_model(test: impl Fn(&str, &mut dyn Layer<f64>)) {
    let settings = ModelSettings {
        input: [3, 9, 10],
        classes: 5,
        width: Some(2),
        depth: None,
        variant: Variant::default(),
        init: Init::HeNormal,
        seed: 3,
    };
    let usual = ModelEntry::<f64>::ALL.iter().map(|entry| (entry.name, Variant::default()));
    for (name, variant) in usual.chain(variants()) {
        for function in ACTIVATIONS {
            let mut model = build(name, &ModelSettings { variant, ..settings }, function);
            test(&format!("{name}{variant} with {function}"), model.as_mut());
        }
    }
}

fn images() -> Tensor<f64> {
    let mut stream = Stream::new(5, Purpose::Probe, 0);
    let shape = Shape::from([3, 3, 9, 10]);
    Tensor::filled(shape, (0..shape.len()).map(|_| stream.normal()).collect())
}

fn is_zero(gradients: &Gradients<f64>, name: &str) -> bool {
    gradients.named(name).unwrap().data().iter().all(|g| *g == 0.0)
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
        // Random inputs leave a parameter without effect only behind dead units of ReLU. But an α that only batch norms see behind
        // convolutions has none but by their ε: where images are small and sums large, that is lost in rounding, and 0 by luck. With
        // given statistics it has its effect.
        if !text.ends_with("relu") {
            let without: Vec<_> = visited.keys().filter(|name| is_zero(&gradients, name)).collect();
            let scales = without.iter().all(|name| name.ends_with(".alpha"));
            assert!(scales, "{text}: no effect of {without:?}");
            if !without.is_empty() {
                let tape = Tape::new();
                let logits = model.forward(&Context::eval(&tape), tape.constant(images())).unwrap();
                let loss = logits.cross_entropy(&[4, 0, 2], 0.1).unwrap();
                let gradients = tape.backward(loss, Keep::Leaves).unwrap();
                for name in without {
                    assert!(!is_zero(&gradients, name), "{text}: no effect of {name} in either mode");
                }
            }
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
    ModelSettings {
        input: [1, 28, 28],
        classes: 10,
        width: None,
        depth,
        variant: Variant::default(),
        init: Init::LecunNormal,
        seed: 7,
    }
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

/// Stride 2 at the second and third stage: 9 by 10 positions become 5 by 5 and 3 by 3.
#[test]
fn the_plain_network_halves_its_images_twice() {
    let settings = ModelSettings { input: [3, 9, 10], width: Some(2), ..with_depth(Some(7)) };
    let mut model = build::<f64>("plain", &settings, "relu");
    let tape = Tape::new();
    model.forward(&Context::eval(&tape), tape.constant(images())).unwrap();
    let shapes: Vec<_> =
        tape.vars().filter(|v| v.op_name() == "conv2d").map(|v| v.shape().dims()[2..].to_vec()).collect();
    assert_eq!(shapes, [[9, 10], [9, 10], [5, 5], [5, 5], [3, 3], [3, 3]]);
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
