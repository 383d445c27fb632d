use super::*;
use crate::run::model::build_model;
use crate::run::{Options, Settings};
use datasets::augment::Mix;
use layers::optim::Decay;

const SIDE: usize = 4;

fn trainer() -> Trainer {
    let options = Options {
        model: Some("mlp".into()),
        width: Some(8),
        activation: Some("swish".into()),
        ..Options::default()
    };
    let settings = Settings::of(options).unwrap();
    let model = build_model(&settings, [1, SIDE, SIDE], 3).unwrap();
    let schedule = Schedule::new(0.1, 0, 10, Decay::Constant).unwrap();
    Trainer::new(model, Optimizer::new(settings.optimizer).unwrap(), schedule, 0.0, 0)
}

fn batch(places: std::ops::Range<usize>) -> Batch {
    let pixel = |n: usize, i: usize| ((n * 31 + i * 17) % 23) as f32 / 11.0 - 1.0;
    Batch {
        images: places.clone().flat_map(|n| (0..SIDE * SIDE).map(move |i| pixel(n, i))).collect(),
        shape: [places.len(), 1, SIDE, SIDE],
        labels: places.clone().map(|n| n % 3).collect(),
        indices: places.collect(),
        mix: None,
    }
}

const PLACE: Place = Place { epoch: 1, step: 1 };

/// A step over parts of unequal length is the step over all of them at once, but for rounding.
#[test]
fn parts_count_by_their_images() {
    let (mut at_once, mut by_parts) = (trainer(), trainer());
    let whole = at_once.step(&mut batch(0..13), PLACE).unwrap();
    let parts = by_parts.step_over(&mut [batch(0..8), batch(8..13)], PLACE).unwrap();
    assert_eq!((parts.samples, parts.correct), (13, whole.correct));
    assert!((parts.loss - whole.loss).abs() <= 1e-6 * whole.loss, "{} {}", parts.loss, whole.loss);
    let arrays = |trainer: &mut Trainer| weights::state(trainer.model()).parameters;
    for ((name, a), (_, b)) in arrays(&mut at_once).iter().zip(&arrays(&mut by_parts)) {
        let (Array::Tensor(a), Array::Tensor(b)) = (a, b) else { panic!("{name} is no tensor") };
        for (a, b) in a.data().iter().zip(b.data()) {
            assert!((a - b).abs() <= 1e-6, "{name}: {a} {b}");
        }
    }
}

/// Histograms are of the gradients that the step takes, in the steps that are looked at, and change no bit of it.
#[test]
fn histograms_hold_every_gradient_and_change_nothing() {
    let weights = |trainer: &mut Trainer| weights::to_safetensors(trainer.model());
    let (mut plain, mut drawn) = (trainer(), trainer().inspecting(Inspections::at(&[1])));
    drawn.take_histograms(true);
    let counts: Vec<usize> = (0..3)
        .map(|_| {
            plain.step(&mut batch(0..8), PLACE).unwrap();
            let step = drawn.step_over(&mut [batch(0..8)], PLACE).unwrap();
            assert!(weights(&mut plain) == weights(&mut drawn));
            assert_eq!(step.layers.is_some(), !step.histograms.is_empty());
            for (name, h) in &step.histograms {
                assert!(h.counts.iter().sum::<f64>() == h.count && h.min <= h.max, "{name}");
            }
            step.histograms.iter().map(|(_, h)| h.count as usize).sum()
        })
        .collect();
    let parameters = layers::parameter_count(drawn.model());
    assert_eq!(counts, [0, parameters, 0]);
}

/// With the weight ¼ of an image itself: a quarter of its own loss and three of its partner's.
#[test]
fn a_mixed_batch_counts_own_labels_by_their_weight() {
    let tape = Tape::new();
    let rows = vec![0.0f64, 2f64.ln(), 5f64.ln(), 0.0, 0.0, 0.0];
    let logits = tape.constant(Tensor::new([2, 3], rows).unwrap());
    let mix = Mix { partners: vec![2, 1], weight: 0.25 };
    let mixed = Batch { labels: vec![0, 0], mix: Some(mix), ..batch(0..2) };
    let (loss, correct) = Targets::of(&mixed).both(logits);
    // softmax is (1, 2, 5)/8 and (1, 1, 1)/3; the first class wins a tie.
    let want = (0.25 * 8f64.ln() + 0.75 * (8f64 / 5.0).ln() + 3f64.ln()) / 2.0;
    assert!((loss - want).abs() < 1e-15, "{loss} {want}");
    assert_eq!(correct, 0.75 + 0.25);
}
