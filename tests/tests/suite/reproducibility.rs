//! The same seed gives the same bits, again and on any number of threads.

use anact::{NormalizedSettings, activation};
use autograd::random::{Purpose, Stream};
use autograd::{Keep, Shape, Tape, Tensor};
use layers::models::{ModelEntry, ModelSettings};
use layers::optim::{Decayed, Sgd, SgdSettings, WeightDecay};
use layers::{Context, Init, weights};

/// What five steps leave behind.
#[derive(Debug, PartialEq)]
struct Outcome {
    /// The bits of every loss.
    losses: Vec<u32>,
    /// Every parameter and buffer.
    weights: Vec<u8>,
}

/// Large enough that maps, convolutions and sums are cut into several tasks, with remainders.
fn train(function: &str, seed: u64) -> Outcome {
    let settings = ModelSettings {
        input: [3, 26, 24],
        classes: 7,
        width: Some(5),
        depth: None,
        init: Init::HeNormal,
        seed,
    };
    let make = activation::<f32>(function, &NormalizedSettings::default()).unwrap();
    let mut model = ModelEntry::named("resnet8").unwrap().build(&settings, &*make).unwrap();
    let mut sgd = Sgd::new(SgdSettings {
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
        let logits = model.forward(&Context::train(&tape, seed, step), tape.constant(images)).unwrap();
        let loss = logits.cross_entropy(&labels, 0.0).unwrap();
        let gradients = tape.backward(loss, Keep::Leaves).unwrap();
        sgd.step(model.as_mut(), &gradients, 0.05).unwrap();
        losses.push(loss.value().item().unwrap().to_bits());
    }
    Outcome { losses, weights: weights::to_safetensors(model.as_mut()) }
}

fn on_threads(threads: usize, function: &str) -> Outcome {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| train(function, 11))
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

/// The comparison means something: another seed gives other bits, and the losses are not all the same.
#[test]
fn another_seed_gives_other_bits() {
    let (a, b) = (train("nswish", 11), train("nswish", 12));
    assert!(a.losses.windows(2).all(|pair| pair[0] != pair[1]));
    assert!(a.losses != b.losses && a.weights != b.weights);
}
