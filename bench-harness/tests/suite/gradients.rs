//! `anact init` and `anact gradients` from outside: PyTorch's gradients, round trips, and every mistake a user can make.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::program::{refuses, succeeds};

/// An array as this test reads and writes it, by the format's definition.
#[derive(Debug, Clone, PartialEq)]
struct Array {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

type Arrays = BTreeMap<String, Array>;

impl Array {
    fn f64s(shape: &[usize], numbers: &[f64]) -> Self {
        let bytes = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self { dtype: Dtype::F64, shape: shape.to_vec(), bytes }
    }

    fn i64s(numbers: &[i64]) -> Self {
        let bytes = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self { dtype: Dtype::I64, shape: vec![numbers.len()], bytes }
    }

    fn numbers(&self) -> Vec<f64> {
        match self.dtype {
            Dtype::F32 => {
                self.bytes.as_chunks().0.iter().map(|&b| f64::from(f32::from_le_bytes(b))).collect()
            }
            Dtype::F64 => self.bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b)).collect(),
            Dtype::I64 => self.bytes.as_chunks().0.iter().map(|&b| i64::from_le_bytes(b) as f64).collect(),
            other => panic!("{other}"),
        }
    }
}

fn read(path: impl AsRef<Path>) -> Arrays {
    let bytes = fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let array =
        |v: TensorView<'_>| Array { dtype: v.dtype(), shape: v.shape().to_vec(), bytes: v.data().to_vec() };
    file.tensors().into_iter().map(|(name, view)| (name, array(view))).collect()
}

fn write(path: impl AsRef<Path>, arrays: &Arrays) {
    let views = arrays.iter().map(|(name, a)| {
        let view = TensorView::new(a.dtype, a.shape.clone(), &a.bytes).unwrap();
        (name, view)
    });
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// `samples` images without a pattern, and labels that go round.
fn batch(samples: usize, channels: usize) -> Arrays {
    let shape = [samples, channels, 5, 4];
    let count = shape.iter().product::<usize>();
    let numbers: Vec<f64> = (0..count).map(|i| (7.3 * (i * i + 1) as f64).sin()).collect();
    let labels: Vec<i64> = (0..samples as i64).map(|i| (i * 2) % 3).collect();
    Arrays::from([
        ("images".to_string(), Array::f64s(&shape, &numbers)),
        ("labels".to_string(), Array::i64s(&labels)),
    ])
}

/// The largest difference by `scale`; where that is zero, the numbers must be met exactly.
fn difference(got: &Array, want: &Array, scale: f64) -> f64 {
    assert_eq!(got.shape, want.shape);
    let pairs = got.numbers().into_iter().zip(want.numbers());
    let error = pairs.map(|(got, want)| (got - want).abs()).fold(0.0, nan_or_larger);
    if error == 0.0 { 0.0 } else { error / scale }
}

/// The largest entry.
fn size(array: &Array) -> f64 {
    array.numbers().into_iter().map(f64::abs).fold(0.0, nan_or_larger)
}

/// The larger number, and NaN once there is one.
fn nan_or_larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

const NETWORK: &str = "--model resnet8 --width 3 --classes 3";

/// A folder with `w`, the weights of a small network, and `b`, a batch.
fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    succeeds(folder.path(), &format!("init {NETWORK} --image 2,5,4 --dtype f64 --seed 4 --output w"));
    write(folder.path().join("b"), &batch(4, 2));
    folder
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/gradients")
}

/// Values of PyTorch in f64 by tests/peers/gradients/compare.py, whose README says what they are.
#[test]
fn loss_gradients_and_buffers_are_those_of_torch() {
    let out = tempfile::tempdir().unwrap();
    let mut worst = 0.0;
    for (folder, network, activation, mode, arrays) in [
        ("resnet18-width2", "resnet18 --width 2", "silu", "train", 2 + 62 + 60),
        ("resnet50-width1", "resnet50 --width 1", "silu", "train", 2 + 161 + 159),
        ("resnet50-width1", "resnet50 --width 1", "relu", "eval", 2 + 161),
        ("resnet18-imagenet-width1", "resnet18 --width 1 --stem imagenet", "silu", "train", 2 + 62 + 60),
        ("resnet20-pre-width1", "resnet20 --width 1 --preactivation", "silu", "train", 2 + 61 + 57),
        ("resnet50-pre-width1", "resnet50 --width 1 --preactivation", "silu", "train", 2 + 153 + 147),
        ("wrn-16-4-width2", "wrn-16-4 --width 2", "silu", "train", 2 + 44 + 39),
        ("vgg11-width1", "vgg11 --width 1", "silu", "train", 2 + 18),
        ("vgg16_bn-width1", "vgg16_bn --width 1", "silu", "eval", 2 + 54),
        ("allconv-width2", "allconv --width 2", "silu", "train", 2 + 18),
    ] {
        let model = folder;
        let folder = golden().join(folder);
        let file = |name: &str| folder.join(format!("{name}.safetensors"));
        let (weights, batch) = (file("weights"), file("batch"));
        let arguments = format!(
            "gradients --model {network} --classes 10 --activation {activation} --mode {mode} \
             --dtype f64 --weights {} --batch {} --output out",
            weights.display(),
            batch.display()
        );
        succeeds(out.path(), &arguments);
        let got = read(out.path().join("out"));
        let mut want = read(file(&format!("{activation}-{mode}")));
        assert_eq!(want.len(), arrays, "{model} {mode}");
        if mode == "eval" {
            let start = read(&weights);
            let buffers = start.iter().filter(|(name, _)| got.contains_key(&format!("buffer.{name}")));
            want.extend(buffers.map(|(name, a)| (format!("buffer.{name}"), a.clone())));
        }
        assert_eq!(got.keys().collect::<Vec<_>>(), want.keys().collect::<Vec<_>>());
        for (name, want) in &want {
            let difference = difference(&got[name], want, size(want));
            assert!(difference <= 1e-9, "{model} {activation} {mode}: {name} differs by {difference:e}");
            worst = nan_or_larger(worst, difference);
        }
    }
    println!("worst relative difference {worst:e}");
}

#[test]
fn a_new_network_goes_through_a_file() {
    let folder = prepared();
    let weights = read(folder.path().join("w"));
    assert_eq!(weights["conv1.weight"].shape, [3, 2, 3, 3]);
    assert_eq!(weights["fc.weight"].shape, [3, 12]);
    assert_eq!(weights["bn1.num_batches_tracked"], Array { shape: vec![], ..Array::i64s(&[0]) });
    let text = succeeds(
        folder.path(),
        &format!("gradients {NETWORK} --weights w --batch b --output out --dtype f64"),
    );
    let out = read(folder.path().join("out"));
    assert!(text.starts_with(&format!("loss {}\n", out["loss"].numbers()[0])), "{text}");
    assert_eq!((&out["loss"].shape[..], &out["logits"].shape[..]), (&[][..], &[4, 3][..]));
    // Every parameter and buffer, and nothing else.
    let is_buffer = |name: &str| ["running_mean", "running_var", "tracked"].iter().any(|b| name.ends_with(b));
    let prefixed =
        |name: &String| if is_buffer(name) { format!("buffer.{name}") } else { format!("grad.{name}") };
    let mut want: Vec<String> = weights.keys().map(prefixed).collect();
    want.extend(["loss".to_string(), "logits".to_string()]);
    want.sort();
    assert_eq!(out.keys().cloned().collect::<Vec<_>>(), want);
    assert_eq!(out["buffer.bn1.num_batches_tracked"].numbers(), [1.0]);
    // The bias of the last layer: its gradient is the mean of p − q, whose sum is 0.
    assert!(out["grad.fc.bias"].numbers().iter().sum::<f64>().abs() < 1e-15);

    // The same seed writes the same bytes, another one others; nothing temporary stays behind.
    let again = |seed, out| format!("init {NETWORK} --image 2,5,4 --dtype f64 --seed {seed} --output {out}");
    succeeds(folder.path(), &again(4, "w4"));
    succeeds(folder.path(), &again(5, "w5"));
    let bytes = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert_eq!(bytes("w"), bytes("w4"));
    assert_ne!(bytes("w"), bytes("w5"));
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["b", "out", "w", "w4", "w5"]);
}

/// Rounding to f32 is 6e-8; a step of this depth amplifies it by less than 1000. Gradients are judged by the largest
/// of all: that of a normalized activation's α is a sum of much larger numbers, which nearly cancel.
#[test]
fn single_precision_agrees_with_double() {
    let folder = prepared();
    for mode in ["train", "eval"] {
        for activation in ["silu", "nswish", "nprelu"] {
            let network = format!("{NETWORK} --activation {activation}");
            succeeds(folder.path(), &format!("init {network} --image 2,5,4 --output w32"));
            let run = |dtype: &str| {
                let files = format!("--weights w32 --batch b --output {dtype}");
                succeeds(
                    folder.path(),
                    &format!("gradients {network} --mode {mode} --dtype {dtype} {files}"),
                );
                read(folder.path().join(dtype))
            };
            let (single, double) = (run("f32"), run("f64"));
            assert_eq!(single.keys().collect::<Vec<_>>(), double.keys().collect::<Vec<_>>());
            let gradients = double.iter().filter(|(name, _)| name.starts_with("grad."));
            let largest = gradients.map(|(_, gradient)| size(gradient)).fold(0.0, nan_or_larger);
            for (name, want) in &double {
                let float = |dtype| if dtype == Dtype::F64 { Dtype::F32 } else { dtype };
                if !name.ends_with("running_statistics") {
                    assert_eq!(single[name].dtype, float(want.dtype), "{name}");
                }
                let scale = if name.starts_with("grad.") { largest } else { size(want) };
                let difference = difference(&single[name], want, scale);
                assert!(difference <= 6e-5, "{mode} {activation}: {name} differs by {difference:e}");
            }
        }
    }
}

#[test]
fn every_node_has_its_value_and_its_gradient() {
    let folder = prepared();
    for (mode, constants) in [("train", 0), ("eval", 2 * 9)] {
        let arguments =
            format!("gradients {NETWORK} --weights w --batch b --output out --dtype f64 --mode {mode}");
        succeeds(folder.path(), &arguments);
        let few = read(folder.path().join("out"));
        succeeds(folder.path(), &format!("{arguments} --all"));
        let all = read(folder.path().join("out"));
        // What there is without --all is the same with it.
        assert!(few.iter().all(|(name, array)| all[name] == *array));
        let value = |path: &str| &all[&format!("value.{path}")];
        let gradient = |path: &str| &all[&format!("grad_value.{path}")];
        assert_eq!(value("fc.add"), &all["logits"]);
        assert_eq!(value("cross_entropy"), &all["loss"]);
        assert_eq!(gradient("cross_entropy").numbers(), [1.0]);
        assert_eq!(gradient("fc.weight"), &all["grad.fc.weight"]);
        assert_eq!(value("images"), &read(folder.path().join("b"))["images"]);
        assert_eq!(value("fc.weight"), &read(folder.path().join("w"))["fc.weight"]);
        // ∂L/∂b = Σₙ ∂L/∂logitsₙ.
        let rows = gradient("fc.add").numbers();
        for (k, bias) in all["grad.fc.bias"].numbers().into_iter().enumerate() {
            let sum: f64 = rows.iter().skip(k).step_by(3).sum();
            assert!((sum - bias).abs() < 1e-15, "{sum} {bias}");
        }
        let paths: Vec<_> = all.keys().filter_map(|name| name.strip_prefix("value.")).collect();
        for path in ["layer1.0.conv1.conv2d", "layer2.0.add", "layer3.0.act2.relu", "avgpool.global_avg_pool"]
        {
            assert!(paths.contains(&path), "{path} not in {paths:?}");
        }
        let (with, without): (Vec<&str>, Vec<&str>) =
            paths.iter().copied().partition(|path| all.contains_key(&format!("grad_value.{path}")));
        assert_eq!(without.len(), constants, "{mode}: {without:?}");
        assert!(without.iter().all(|path| path.contains(".constant")), "{without:?}");
        for path in &with {
            assert_eq!(gradient(path).shape, value(path).shape, "{path}");
        }
        assert_eq!(all.len(), few.len() + paths.len() + with.len());
    }
}

/// L(w + h·v) − L(w − h·v) ≈ 2h·⟨∂L/∂w, v⟩, with losses that only the command has computed: the gradient of a normalized
/// activation through the batch's own statistics, which PyTorch has no name for.
#[test]
fn gradients_are_differences_of_losses() {
    let folder = prepared();
    let options = "--activation nsilu --statistics batch --gradient full --granularity channel";
    let network = format!("{NETWORK} {options} --dtype f64");
    succeeds(folder.path(), &format!("init {network} --image 2,5,4 --output w"));
    let run = |weights: &Arrays| {
        write(folder.path().join("w"), weights);
        succeeds(folder.path(), &format!("gradients {network} --weights w --batch b --output out"));
        read(folder.path().join("out"))
    };
    let start = read(folder.path().join("w"));
    assert_eq!(start["act1.alpha"].shape, [3]);
    let gradients = run(&start);
    let h = 1e-5;
    for name in ["conv1.weight", "layer2.0.downsample.0.weight", "layer1.0.act1.alpha", "layer3.0.bn2.weight"]
    {
        let direction: Vec<f64> =
            (0..start[name].numbers().len()).map(|i| (3.1 * (i + 1) as f64).sin()).collect();
        let loss = |h: f64| {
            let moved =
                start[name].numbers().iter().zip(&direction).map(|(w, v)| w + h * v).collect::<Vec<_>>();
            let mut weights = start.clone();
            weights.insert(name.to_string(), Array::f64s(&start[name].shape, &moved));
            run(&weights)["loss"].numbers()[0]
        };
        let want = (loss(h) - loss(-h)) / (2.0 * h);
        let gradient = gradients[&format!("grad.{name}")].numbers();
        let got: f64 = gradient.iter().zip(&direction).map(|(g, v)| g * v).sum();
        assert!((got - want).abs() <= 1e-8 + 1e-6 * want.abs(), "{name}: {got} {want}");
        assert!(want.abs() > 1e-4, "{name}: {want} says nothing");
    }
}

/// A training step and an evaluation of normalized activations, whose running statistics are buffers.
#[test]
fn statistics_of_normalized_activations_are_buffers() {
    let folder = prepared();
    let network = format!("{NETWORK} --activation nsilu");
    succeeds(folder.path(), &format!("init {network} --image 2,5,4 --dtype f64 --output n"));
    let run = |mode: &str| {
        succeeds(
            folder.path(),
            &format!("gradients {network} --weights n --batch b --output out --dtype f64 --mode {mode}"),
        );
        read(folder.path().join("out"))
    };
    let start = read(folder.path().join("n"));
    let (train, eval) = (run("train"), run("eval"));
    let name = "act1.running_statistics";
    assert_eq!(eval[&format!("buffer.{name}")], start[name]);
    assert_ne!(train[&format!("buffer.{name}")], start[name]);
    assert_eq!(train["grad.act1.alpha"].shape, [1]);
    // What a training step leaves is a state to go on from.
    let next: Arrays = start
        .iter()
        .map(|(name, a)| (name.clone(), train.get(&format!("buffer.{name}")).unwrap_or(a).clone()))
        .collect();
    write(folder.path().join("n"), &next);
    assert_eq!(run("eval")[&format!("buffer.{name}")], next[name]);
    fs::remove_file(folder.path().join("out")).unwrap();
    refuses(
        folder.path(),
        &format!("gradients {NETWORK} --weights n --batch b --output out"),
        &["n:", "unknown array `act1.alpha`"],
    );
}

#[test]
fn a_state_of_another_model_is_refused_with_everything_that_is_wrong() {
    let folder = prepared();
    let with = |options: &str, parts: &[&str]| {
        refuses(folder.path(), &format!("gradients {options} --weights w --batch b --output out"), parts);
    };
    with("--model resnet8 --width 4 --classes 3", &["w: for resnet8 with relu, 3 classes, width 4"]);
    with(
        "--model resnet8 --width 4 --classes 3",
        &["`conv1.weight` has shape [3, 2, 3, 3], want [4, 2, 3, 3]", "`bn1.bias` has shape [3], want [4]"],
    );
    with("--model resnet8 --width 3 --classes 7", &["`fc.weight` has shape [3, 12], want [7, 12]"]);
    with("--model resnet14 --width 3 --classes 3", &["missing `layer3.1.bn2.running_var` [12]"]);
    with(
        "--model mlp --width 3 --classes 3",
        &["missing `fc1.weight` [3, 40]", "unknown array `conv1.weight`"],
    );

    write(folder.path().join("b"), &batch(4, 1));
    with(NETWORK, &["images of shape [1, 5, 4]", "has shape [3, 2, 3, 3], want [3, 1, 3, 3]"]);
    write(folder.path().join("b"), &batch(4, 2));
    let mut weights = read(folder.path().join("w"));
    let bias = weights.remove("fc.bias").unwrap();
    weights.insert("fc.bais".into(), bias);
    write(folder.path().join("w"), &weights);
    with(NETWORK, &["missing `fc.bias` [3]", "unknown array `fc.bais`; did you mean fc.bias?"]);
    // Older state dicts do not count batches.
    let bias = weights.remove("fc.bais").unwrap();
    weights.insert("fc.bias".into(), bias);
    weights.retain(|name, _| !name.ends_with("num_batches_tracked"));
    write(folder.path().join("w"), &weights);
    succeeds(folder.path(), &format!("gradients {NETWORK} --weights w --batch b --output out"));
}

#[test]
fn wrong_batches_are_refused() {
    let folder = prepared();
    let with = |change: &dyn Fn(&mut Arrays), parts: &[&str]| {
        let mut arrays = batch(4, 2);
        change(&mut arrays);
        write(folder.path().join("bad"), &arrays);
        refuses(folder.path(), &format!("gradients {NETWORK} --weights w --batch bad --output out"), parts);
    };
    let set = |name: &'static str, array: Array| {
        move |arrays: &mut Arrays| {
            arrays.insert(name.to_string(), array.clone());
        }
    };
    with(&|a| drop(a.remove("images")), &["bad: no array `images`; it holds labels"]);
    with(&|a| drop(a.remove("labels")), &["bad: no array `labels`; it holds images"]);
    with(
        &set("labels", Array::i64s(&[0, 1, 3, 0])),
        &["`labels` holds 3 at position 2", "want 0 to 2 for --classes 3"],
    );
    with(&set("labels", Array::i64s(&[0, -1, 0, 0])), &["`labels` holds -1 at position 1"]);
    with(&set("labels", Array::i64s(&[0, 1, 2])), &["`labels` has shape [3], want [4]"]);
    let column = Array { shape: vec![4, 1], ..Array::i64s(&[0, 1, 2, 0]) };
    with(&set("labels", column), &["`labels` has shape [4, 1], want [4]"]);
    with(&set("labels", Array::f64s(&[4], &[0.0; 4])), &["`labels` is stored as F64, want I64"]);
    with(&set("images", Array::i64s(&[1, 2, 3])), &["`images` is stored as I64, want F64, F32"]);
    with(
        &set("images", Array::f64s(&[4, 2, 20], &[0.0; 160])),
        &["`images` has shape [4, 2, 20], want [N, C, H, W]"],
    );
    let none = |a: &mut Arrays| {
        a.insert("images".into(), Array::f64s(&[0, 2, 5, 4], &[]));
        a.insert("labels".into(), Array::i64s(&[]));
    };
    with(&none, &["bad: `images` has shape [0, 2, 5, 4], want [N, C, H, W], each at least 1"]);
    with(&set("images", Array::f64s(&[4, 2, 0, 4], &[])), &["want [N, C, H, W], each at least 1"]);
    with(
        &set("images", Array::f64s(&[1, 1, 1, 1], &[1e300])),
        &["`images` holds 1e300 at position 0", "f32"],
    );
}

/// Every beginning of the batch, and many of the weights, for which a process is started each.
#[test]
fn cut_and_missing_files_are_named() {
    let folder = prepared();
    let cut = |file: &str, arguments: &str, step: usize| {
        let whole = fs::read(folder.path().join(file)).unwrap();
        // All of the length and the first of the header, then here and there, and one byte short.
        let ends = (0..10).chain((10..whole.len()).step_by(step)).chain([whole.len() - 1]);
        for end in ends {
            fs::write(folder.path().join("cut"), &whole[..end]).unwrap();
            refuses(folder.path(), arguments, &["cut: ", "no whole safetensors file"]);
        }
    };
    cut("b", &format!("gradients {NETWORK} --weights w --batch cut --output out"), 97);
    cut("w", &format!("gradients {NETWORK} --weights cut --batch b --output out"), 3001);
    let with = |files: &str, parts: &[&str]| {
        refuses(folder.path(), &format!("gradients {NETWORK} {files}"), parts);
    };
    with("--weights none --batch b --output out", &["none: cannot be read"]);
    with("--weights w --batch none --output out", &["none: cannot be read"]);
    with("--weights . --batch b --output out", &[".: is no ordinary file"]);
    with("--weights w --batch b --output none/out", &["none/out"]);
    with("--weights w --batch b", &["--output"]);
    fs::write(folder.path().join("garbage"), [0xa5; 1000]).unwrap();
    with("--weights garbage --batch b --output out", &["garbage: ", "no whole safetensors file"]);
}

#[test]
fn wrong_settings_are_refused() {
    let folder = prepared();
    let out = "--output out";
    let init =
        |options: &str, parts: &[&str]| refuses(folder.path(), &format!("init {options} {out}"), parts);
    init("--model resnet21", &["unknown model", "resnet20"]);
    init("--model resnet8 --activation rleu", &["unknown activation", "relu"]);
    init("--model resnet8 --init he", &["initialisation", "he_normal"]);
    init("--model resnet8 --image 3,32", &["--image", "3,32,32"]);
    init("--model resnet8 --image 3,0,32", &["[3, 0, 32]"]);
    init("--model resnet8 --image 3,1000000,1000000", &["4,194,304"]);
    init("--model resnet8 --image 3,18446744073709551615,2", &["4,194,304"]);
    init("--model resnet8 --classes 0", &["0 classes", "65,536"]);
    init("--model resnet8 --classes 18446744073709551615", &["classes", "65,536"]);
    init("--model resnet8 --width 0", &["width 0"]);
    init(
        "--model resnet8 --stem imagenet",
        &["stem imagenet", "resnet18, resnet34, resnet50, resnet101 have it"],
    );
    init("--model resnet18 --stem large", &["--stem is large", "small or medium or imagenet"]);
    init("--model vgg11 --zero-gamma", &["vgg11: zero-gamma", "resnet8"]);
    init("--model wrn-16-4 --stochastic-depth 1", &["probability is 1", "below 1"]);
    init("--model vgg11 --head imagenet", &["32 by 32", "224 to 255"]);
    init("--model resnet8 --dtype f16", &["f16", "f32", "f64"]);
    init("", &["--model"]);
    refuses(folder.path(), "init --model resnet8 --width 2 --output none/out", &["none/out"]);
    let gradients = |options: &str, parts: &[&str]| {
        refuses(folder.path(), &format!("gradients {options} --weights w --batch b {out}"), parts);
    };
    let over = format!("gradients {NETWORK} --weights w --batch b --output ./w");
    refuses(folder.path(), &over, &["is --weights, which would be lost"]);
    gradients("--model resnet21", &["unknown model", "resnet20"]);
    gradients(&format!("{NETWORK} --activation nswish --gradient full"), &["statistics = batch"]);
    gradients(&format!("{NETWORK} --activation nswish --granularity row"), &["granularity is row"]);
    gradients("--model resnet8 --classes 0", &["0 classes"]);
    gradients(&format!("{NETWORK} --mode test"), &["test", "train", "eval"]);
}
