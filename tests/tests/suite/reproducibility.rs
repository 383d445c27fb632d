//! The same seed gives the same bits, again and on any number of threads.

use anact::{GradientMode, Granularity, NormalizedSettings, StatisticsSource, activation};
use autograd::random::{Purpose, Stream};
use autograd::{Keep, Shape, Tape, Tensor};
use layers::models::{ModelEntry, ModelSettings, Variant};
use layers::optim::{Decayed, Optimizer, SgdSettings, WeightDecay};
use layers::{Context, Execution, Init, weights};

/// What five steps leave behind.
#[derive(Debug, PartialEq)]
struct Outcome {
    /// The bits of every loss.
    losses: Vec<u32>,
    /// Every parameter and buffer.
    weights: Vec<u8>,
}

/// Large enough that maps, convolutions and sums are cut into several tasks, with remainders.
fn train(function: &str, seed: u64, settings: &NormalizedSettings, fused: bool) -> Outcome {
    let make = activation::<f32>(function, settings).unwrap();
    let sizes = ModelSettings {
        input: [3, 26, 24],
        classes: 7,
        width: Some(5),
        depth: None,
        variant: Variant::default(),
        init: Init::HeNormal,
        seed,
    };
    let mut model = ModelEntry::named("resnet8").unwrap().build(&sizes, &*make).unwrap();
    let mut sgd = Optimizer::new(SgdSettings {
        momentum: 0.9,
        nesterov: true,
        weight_decay: 1e-4,
        kind: WeightDecay::Coupled,
        decayed: Decayed::Weights,
    })
    .unwrap();
    let mut losses = Vec::new();
    for step in 0..5 {
        let mut stream = Stream::new(seed, Purpose::Probe, step);
        let shape = Shape::from([9, 3, 26, 24]);
        let images = Tensor::filled(shape, (0..shape.len()).map(|_| stream.normal() as f32).collect());
        let labels: Vec<usize> = (0..9).map(|_| stream.below(7) as usize).collect();

        let tape = Tape::new();
        let cx = Context::train(&tape, seed, step).executing(Execution { fused, ..Execution::default() });
        let logits = model.forward(&cx, tape.constant(images)).unwrap();
        let loss = logits.cross_entropy(&labels, 0.0).unwrap();
        let gradients = tape.backward(loss, Keep::Leaves).unwrap();
        sgd.step(model.as_mut(), &gradients, 0.05).unwrap();
        losses.push(loss.value().item().unwrap().to_bits());
    }
    Outcome { losses, weights: weights::to_safetensors(model.as_mut()) }
}

fn on_threads(threads: usize, function: &str) -> Outcome {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| train(function, 11, &NormalizedSettings::default(), true))
}

#[test]
fn training_gives_the_same_bits_again_and_on_any_number_of_threads() {
    for function in ["nswish", "relu"] {
        let first = on_threads(1, function);
        let losses: Vec<f32> = first.losses.iter().map(|&bits| f32::from_bits(bits)).collect();
        assert!(losses.iter().all(|l| l.is_finite()), "{function}: {losses:?}");
        for threads in [1, 2, 3, 8] {
            let again = on_threads(threads, function);
            assert_eq!(again.losses, first.losses, "{function} on {threads} threads");
            assert!(again.weights == first.weights, "{function} on {threads} threads: other weights");
        }
    }
}

/// Plain, normalized and learnt activations and a rival; running and batch statistics.
#[test]
fn a_fused_step_has_the_bits_of_its_ops_one_by_one() {
    let running = NormalizedSettings::default();
    let batch = NormalizedSettings {
        statistics: StatisticsSource::Batch,
        gradient: GradientMode::Full,
        granularity: Granularity::Channel,
        ..running
    };
    let runs = [
        ("swish", &running),
        ("relu", &running),
        ("prelu", &running),
        ("gp-tanh", &running),
        ("nswish", &running),
        ("nprelu", &running),
        ("ntanh", &batch),
    ];
    for (function, settings) in runs {
        let (fused, apart) = (train(function, 11, settings, true), train(function, 11, settings, false));
        assert!(apart.losses.iter().all(|&bits| f32::from_bits(bits).is_finite()), "{function}");
        assert_eq!(fused.losses, apart.losses, "{function}");
        assert!(fused.weights == apart.weights, "{function}: other weights");
    }
}

/// The comparison means something: another seed gives other bits, and the losses are not all the same.
#[test]
fn another_seed_gives_other_bits() {
    let run = |seed| train("nswish", seed, &NormalizedSettings::default(), false);
    let (a, b) = (run(11), run(12));
    assert!(a.losses.windows(2).all(|pair| pair[0] != pair[1]));
    assert!(a.losses != b.losses && a.weights != b.weights);
}
