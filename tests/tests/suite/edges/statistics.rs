//! What is told of f32 numbers whose squares have no place in f32: moments, the variance of gradients over samples, and the
//! normalized node's numbers.

use anact::{ForwardMoment, Granularity, measure};
use autograd::inspect::Statistics;
use autograd::ops::activation::Relu;
use autograd::per_sample::{Query, SampleSemantics, statistics};
use autograd::{Tape, Tensor};

/// Spread 1e30, 1e-30 and subnormal: around 0, around 3, and one far from the others.
fn numbers(scale: f64) -> Vec<f32> {
    (0..300).map(|i| (scale * (f64::from(i * 7919 % 301) * 0.01 - 1.5)) as f32).collect()
}

/// Mean and population variance by their definition in f64.
fn moments(x: &[f32]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    (mean, x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n)
}

const SCALES: [f64; 3] = [1e30, 1e-30, 1e-40];

#[test]
fn moments_of_tensors_are_f64s() {
    for scale in SCALES {
        let x = numbers(scale);
        let (mean, variance) = moments(&x);
        let told = Statistics::of(&Tensor::vector(x.clone()));
        let close = |got: Option<f64>, want: f64| (got.unwrap() / want - 1.0).abs() < 1e-12;
        assert!(close(told.mean(), mean) && close(told.variance(), variance), "{scale:e}: {told:?}");
        let subnormal = x.iter().filter(|x| x.is_subnormal()).count() as u64;
        assert_eq!((told.denormals, told.non_finite), (subnormal, 0));
    }
}

/// Σₙ xₙ·w: the gradient of sample n by w is xₙ.
#[test]
fn gradients_over_samples_have_a_variance_of_any_size() {
    for scale in SCALES {
        let x = numbers(scale);
        let tape = Tape::<f32>::new();
        let batch = [tape.constant(Tensor::new([x.len(), 1], x.clone()).unwrap())];
        let w = tape.parameter("w", &Tensor::full([1, 1], 1.0)).unwrap();
        let loss = batch[0].matmul(w).unwrap().sum_all();
        let told = statistics(&Query::new(&batch, loss, SampleSemantics::Independent)).unwrap();
        let told = told.named("w").unwrap().per_sample();
        let (mean, variance) = moments(&x);
        let (got, size) = (told.variance().data()[0], variance.sqrt());
        assert!((got / variance - 1.0).abs() < 1e-6, "{scale:e}: {got:e} {variance:e}");
        assert!((told.mean().data()[0] - mean).abs() < 1e-6 * size, "{scale:e}: {told:?}");
    }
}

/// At 1e±30 Var\[z\] is ∞ or 0 in f32, which the node counts as degenerate; at 1e±18 it is a number, and λ that of f64.
#[test]
fn a_batch_has_a_factor_where_its_variance_is_a_number() {
    for (scale, has) in [(1e30, false), (1e18, true), (1.0, true), (1e-18, true), (1e-30, false)] {
        let x = numbers(scale);
        let told = measure(&Relu, &Tensor::vector(x.clone()), Granularity::Layer).unwrap()[0];
        let exact: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        let exact = measure(&Relu, &Tensor::vector(exact), Granularity::Layer).unwrap()[0];
        for moment in [ForwardMoment::Raw, ForwardMoment::Centered] {
            let want = exact.ratios(moment).unwrap().factor().unwrap();
            match told.ratios(moment).and_then(|r| r.factor()) {
                Some(got) => assert!(has && (f64::from(got) / want - 1.0).abs() < 1e-5, "{scale:e}"),
                None => assert!(!has, "{scale:e}"),
            }
        }
    }
}
