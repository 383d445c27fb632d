//! Departures from the usual form of networks: who has which, what they change and what not, and that however a step is
//! carried out, its random layers draw the same.

use anact::{NormalizedSettings, activation};
use autograd::random::{Purpose, Stream};
use autograd::{Keep, Shape, Tape, Tensor};
use layers::models::{CHOICES, Choice, Head, ModelEntry, ModelSettings, Stem, Variant};
use layers::optim::{Decayed, Optimizer, SgdSettings, WeightDecay};
use layers::{BufferMut, Context, Execution, Init, Layer, Parameter, Visitor, Walk, weights};

const IMAGES: [usize; 4] = [6, 3, 12, 10];
const CLASSES: usize = 5;
const SEED: u64 = 11;

fn settings(width: usize, variant: Variant) -> ModelSettings {
    let [_, channels, height, side] = IMAGES;
    let input = [channels, height, side];
    ModelSettings {
        input,
        classes: CLASSES,
        width: Some(width),
        depth: None,
        variant,
        init: Init::HeNormal,
        seed: SEED,
    }
}

fn build(name: &str, function: &str, settings: &ModelSettings) -> autograd::Result<Box<dyn Layer<f32>>> {
    let make = activation::<f32>(function, &NormalizedSettings::default())?;
    ModelEntry::named(name)?.build(settings, &*make)
}

fn images(index: u64) -> Tensor<f32> {
    let mut stream = Stream::new(SEED, Purpose::Probe, index);
    let shape = Shape::from(IMAGES);
    Tensor::filled(shape, (0..shape.len()).map(|_| stream.normal() as f32).collect())
}

/// What three steps leave behind, by its bits.
fn train(model: &mut dyn Layer<f32>, execution: Execution) -> (Vec<u32>, Vec<u8>) {
    let mut sgd = Optimizer::new(SgdSettings {
        momentum: 0.9,
        nesterov: true,
        weight_decay: 1e-4,
        kind: WeightDecay::Coupled,
        decayed: Decayed::Weights,
    })
    .unwrap();
    let mut losses = Vec::new();
    for step in 0..3 {
        let tape = Tape::new();
        let cx = Context::train(&tape, SEED, step).executing(execution);
        let logits = model.forward(&cx, tape.constant(images(step))).unwrap();
        let loss = logits.cross_entropy(&[4, 0, 2, 2, 1, 3], 0.1).unwrap();
        let gradients = tape.backward(loss, Keep::Leaves).unwrap();
        losses.push(loss.value().item().unwrap().to_bits());
        drop(tape);
        sgd.step(model, &gradients, 0.02).unwrap();
    }
    (losses, weights::to_safetensors(model))
}

fn probability(p: f64) -> Variant {
    Variant { stochastic_depth: Some(p), ..Variant::default() }
}

/// Fused or not, with blocks computed once more or not: the same losses and the same weights, with both ways to compute
/// convolutions, on one thread and on three.
#[test]
fn however_a_step_is_carried_out_it_has_the_same_bits() {
    let usual = Variant::default();
    let runs = [
        ("resnet8", "nswish", probability(0.5)),
        ("resnet8", "swish", Variant { preactivation: true, ..probability(0.5) }),
        ("resnet18", "nrelu", Variant { stem: Some(Stem::ImageNet), zero_gamma: true, ..probability(0.3) }),
        ("resnet50", "nswish", Variant { stem: Some(Stem::Medium), preactivation: true, ..probability(0.3) }),
        ("wrn-16-4", "nswish", Variant { dropout: Some(0.3), ..probability(0.5) }),
        ("vgg11", "prelu", Variant { dropout: Some(0.3), ..usual }),
        ("vgg16_bn", "nswish", Variant { dropout: Some(0.3), ..usual }),
        ("allconv", "nswish", Variant { dropout: Some(0.5), ..usual }),
    ];
    for (name, function, variant) in runs {
        for exact in [false, true] {
            let run = |threads, fused, checkpoint_blocks| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let mut model = build(name, function, &settings(3, variant)).unwrap();
                let execution = Execution { exact, fused, checkpoint_blocks };
                pool.install(|| train(model.as_mut(), execution))
            };
            let want = run(1, false, false);
            assert!(want.0.iter().all(|&bits| f32::from_bits(bits).is_finite()), "{name}{variant}");
            for (threads, fused, checkpointed) in
                [(1, true, false), (1, false, true), (1, true, true), (3, true, true), (3, false, false)]
            {
                let text =
                    format!("{name}{variant}: {threads} threads, fused {fused}, checkpointed {checkpointed}");
                assert!(run(threads, fused, checkpointed) == want, "{text}: other bits");
            }
        }
    }
}

/// The masks matter: without them a step has other bits, and evaluation has the same.
#[test]
fn what_is_random_acts_in_training_only() {
    for (name, variant) in [
        ("resnet8", probability(0.5)),
        ("wrn-16-4", probability(0.5)),
        ("wrn-16-4", Variant { dropout: Some(0.4), ..Variant::default() }),
        ("vgg11", Variant { dropout: Some(0.4), ..Variant::default() }),
        ("allconv", Variant { dropout: Some(0.4), ..Variant::default() }),
    ] {
        let run = |variant, is_training| {
            let mut model = build(name, "swish", &settings(3, variant)).unwrap();
            let tape = Tape::new();
            let cx = if is_training { Context::train(&tape, SEED, 0) } else { Context::eval(&tape) };
            model.forward(&cx, tape.constant(images(0))).unwrap().value()
        };
        assert_ne!(run(variant, true), run(Variant::default(), true), "{name}{variant}");
        assert_eq!(run(variant, false), run(Variant::default(), false), "{name}{variant}");
    }
}

/// The probability of every block, read off the tape: P·l/L, with the sites' numbers in the order of the blocks.
#[test]
fn the_blocks_of_a_network_are_dropped_by_the_linear_rule() {
    let mut model = build("wrn-16-4", "relu", &settings(2, probability(0.6))).unwrap();
    let tape = Tape::new();
    model.forward(&Context::train(&tape, 1, 0), tape.constant(images(0))).unwrap();
    let kept = tape.vars().filter(|v| v.op_name() == "stochastic_depth").map(|v| {
        let factors = v.saved()[0].clone();
        (v.path(), factors.data().iter().copied().fold(0.0, f32::max))
    });
    for (place, (path, factor)) in (1..).zip(kept.collect::<Vec<_>>()) {
        let want = 1.0 / (1.0 - 0.6 * f64::from(place) / 6.0);
        // All six samples may be dropped.
        assert!(factor == 0.0 || (f64::from(factor) - want).abs() < 1e-6, "{path}: {factor}, want {want}");
        assert!(path.starts_with(&format!("layer{}.{}.", (place + 1) / 2, (place + 1) % 2)), "{path}");
    }
    let count = tape.vars().filter(|v| v.op_name() == "stochastic_depth").count();
    assert_eq!(count, 6);
}

/// The names of all parameters that are 0 throughout.
#[derive(Default)]
struct Zeros(Vec<String>);

impl Visitor<f32> for Zeros {
    fn parameter(&mut self, name: &str, parameter: &mut Parameter<f32>) {
        if name.ends_with("weight") && parameter.value.data().iter().all(|&x| x == 0.0) {
            self.0.push(name.to_string());
        }
    }

    fn buffer(&mut self, _name: &str, _buffer: BufferMut<'_, f32>) {}
}

fn zeros(model: &mut dyn Layer<f32>) -> Vec<String> {
    let mut zeros = Zeros::default();
    Walk::over(model, &mut zeros);
    zeros.0
}

#[test]
fn zero_gamma_is_that_of_the_last_norm_of_every_branch() {
    let variant = Variant { zero_gamma: true, ..Variant::default() };
    for (name, norm, depths) in [("resnet14", "bn2", vec![2; 3]), ("resnet50", "bn3", vec![3, 4, 6, 3])] {
        let mut model = build(name, "relu", &settings(2, variant)).unwrap();
        let want: Vec<String> = (1..)
            .zip(&depths)
            .flat_map(|(stage, &depth)| (0..depth).map(move |b| format!("layer{stage}.{b}.{norm}.weight")))
            .collect();
        assert_eq!(zeros(model.as_mut()), want, "{name}");
        assert_eq!(zeros(build(name, "relu", &settings(2, Variant::default())).unwrap().as_mut()), [""; 0]);

        // Where the shortcut is the identity, such a block starts as its activation.
        let tape = Tape::new();
        model.forward(&Context::train(&tape, 1, 0), tape.constant(images(0))).unwrap();
        let inner = tape.find("layer1.1.add").unwrap()[0];
        assert_eq!(inner.value(), inner.inputs()[1].value(), "{name}");
    }
}

/// By hand for 64×64: what the stems leave to the first stage.
#[test]
fn stems_shrink_images_by_their_strides() {
    for (stem, side) in
        [(None, 64), (Some(Stem::Small), 64), (Some(Stem::Medium), 32), (Some(Stem::ImageNet), 16)]
    {
        let variant = Variant { stem, ..Variant::default() };
        let sized = ModelSettings { input: [3, 64, 64], ..settings(1, variant) };
        let mut model = build("resnet18", "relu", &sized).unwrap();
        let tape = Tape::new();
        model.forward(&Context::eval(&tape), tape.constant(Tensor::full([1, 3, 64, 64], 0.5))).unwrap();
        let first = tape.find("layer1.0.conv1.conv2d").unwrap()[0];
        assert_eq!(first.shape().dims()[2..], [side, side], "{stem:?}");
    }
}

fn refusal(name: &str, variant: Variant) -> String {
    build(name, "relu", &settings(2, variant)).map(|_| ()).unwrap_err().to_string()
}

/// Every departure, with every network that has it not.
#[test]
fn departures_that_a_network_does_not_have_are_refused() {
    let usual = Variant::default();
    let given = |choice| match choice {
        Choice::Stem => Variant { stem: Some(Stem::ImageNet), ..usual },
        Choice::Head => Variant { head: Some(Head::Small), ..usual },
        Choice::Preactivation => Variant { preactivation: true, ..usual },
        Choice::ZeroGamma => Variant { zero_gamma: true, ..usual },
        Choice::StochasticDepth => Variant { stochastic_depth: Some(0.0), ..usual },
        Choice::Dropout => Variant { dropout: Some(0.0), ..usual },
    };
    let mut refused = 0;
    for &(choice, what, _) in CHOICES {
        let models = choice.models();
        assert!(!models.is_empty(), "{what}");
        for entry in ModelEntry::<f32>::ALL {
            if models.contains(&entry.name) {
                build(entry.name, "relu", &settings(1, given(choice))).unwrap();
                continue;
            }
            let text = refusal(entry.name, given(choice));
            let starts = text.starts_with(&format!("{}: {what}", entry.name));
            assert!(starts && text.ends_with(&format!("{} have it", models.join(", "))), "{text}");
            refused += 1;
        }
    }
    let allowed: usize = CHOICES.iter().map(|(choice, ..)| choice.models().len()).sum();
    assert_eq!(refused, CHOICES.len() * ModelEntry::<f32>::ALL.len() - allowed);
}

#[test]
fn numbers_and_sizes_that_do_not_fit_are_refused() {
    let usual = Variant::default();
    for p in [1.0, -0.5, f64::NAN, f64::INFINITY] {
        let text = refusal("resnet8", probability(p));
        assert_eq!(text, format!("stochastic_depth: probability is {p}; want a number from 0 to below 1"));
        let text = refusal("allconv", Variant { dropout: Some(p), ..usual });
        assert_eq!(text, format!("dropout: probability is {p}; want a number from 0 to below 1"));
    }
    let text = refusal("resnet8", Variant { preactivation: true, zero_gamma: true, ..usual });
    assert!(text.contains("zero-gamma with preactivation") && text.contains("one of them"), "{text}");
    let text = refusal("vgg11", Variant { head: Some(Head::ImageNet), ..usual });
    assert!(text.contains("12 by 10") && text.contains("from 224 to 255"), "{text}");
    let narrow = ModelSettings { input: [3, 9, 8], ..settings(2, usual) };
    let text = build("allconv", "relu", &narrow).map(|_| ()).unwrap_err().to_string();
    assert!(text.contains("9 by 8") && text.contains("at least 9 by 9"), "{text}");
}

/// The imagenet head with dropout ½ in training, none in evaluation, on the images it is for.
#[test]
fn the_imagenet_head_is_three_dense_layers_with_dropout() {
    let variant = Variant { head: Some(Head::ImageNet), ..Variant::default() };
    let sized = ModelSettings { input: [3, 224, 240], ..settings(1, variant) };
    let mut model = build("vgg11", "relu", &sized).unwrap();
    let tape = Tape::new();
    let x = tape.constant(Tensor::full([1, 3, 224, 240], 0.5));
    let logits = model.forward(&Context::train(&tape, 1, 0), x).unwrap();
    assert_eq!(logits.shape().dims(), [1, CLASSES]);
    let dropped: Vec<_> =
        tape.vars().filter(|v| v.op_name() == "dropout").map(autograd::Var::scope).collect();
    assert_eq!(dropped, ["classifier.2", "classifier.5"]);
}
