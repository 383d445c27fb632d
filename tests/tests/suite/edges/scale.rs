//! Huge, tiny and subnormal numbers in f32, beside f64: nothing overflows or vanishes on the way to a number that has its
//! place in f32.

use std::collections::BTreeMap;

use autograd::Tensor;
use autograd::check::{Case, Evaluation};
use autograd::ops::Conv2d;

use super::{assert_exceptions, families, scattered, scattered32};

/// By how much the inputs of the cases, which are near 1, are scaled. The last makes them subnormal.
const SCALES: [f64; 3] = [1e30, 1e-30, 1e-40];

/// Largest error, relative to the largest entry that f32 can hold.
const TOLERANCE: f64 = 1e-4;

/// Largest error among small numbers: some roundings in the smallest place of f32.
const SMALLEST: f64 = 64.0 * f32::from_bits(1) as f64;

/// Whether the f32 numbers are what the f64 ones say, rounded; what is beyond f32 may be anything that shows it.
fn agrees(got: &Tensor<f32>, want: &Tensor<f64>) -> bool {
    let largest_f32 = f64::from(f32::MAX);
    let in_range = |x: f64| x.abs() <= largest_f32;
    let size = want.data().iter().map(|x| x.abs()).filter(|&x| in_range(x)).fold(0.0, f64::max);
    got.data().iter().zip(want.data()).all(|(&got, &want)| {
        if want.is_nan() {
            return got.is_nan();
        }
        if !in_range(want) {
            return !got.is_finite() || f64::from(got.abs()) > 0.999 * largest_f32;
        }
        (f64::from(got) - want).abs() <= TOLERANCE * size + SMALLEST
    })
}

/// Both evaluations at the same numbers.
fn both(case: &Case, inputs: &[Tensor<f32>]) -> (Evaluation<f32>, Evaluation<f64>) {
    let single = case.evaluate_f32(inputs, &scattered32);
    let inputs: Vec<Tensor<f64>> = inputs.iter().map(Tensor::cast).collect();
    let double = case.evaluate_f64(&inputs, &|shape| scattered(shape).cast::<f32>().cast());
    single.and_then(|s| Ok((s, double?))).unwrap_or_else(|e| panic!("{}: {e}", case.name()))
}

/// The inputs of which are scaled: all together, then each alone.
fn choices(inputs: usize) -> impl Iterator<Item = Vec<bool>> {
    let alone = (0..inputs).filter(move |_| inputs > 1).map(move |i| (0..inputs).map(|j| i == j).collect());
    std::iter::once(vec![true; inputs]).chain(alone)
}

#[test]
fn f32_is_f64_rounded_at_every_scale() {
    let mut found = BTreeMap::new();
    // With as many channels as the fast convolutions want; these transform
    // the weights, and subnormal ones have no digits to spare for that.
    let convolution = |exact| {
        let conv = Conv2d { padding: [1, 1], exact, ..Conv2d::default() };
        vec![Case::op("many channels", conv).normal([2, 16, 9, 10]).normal([16, 16, 3, 3])]
    };
    let convolutions =
        [("conv2d", convolution(true), &SCALES[..]), ("conv2d", convolution(false), &SCALES[..2])];
    let all = families().into_iter().map(|(name, cases)| (name, cases, &SCALES[..]));
    for (name, cases, scales) in all.chain(convolutions) {
        for (case, &scale) in cases.iter().flat_map(|case| scales.iter().map(move |scale| (case, scale))) {
            for choice in choices(case.inputs().len()) {
                let scaled = |(x, &is): (&Tensor<f64>, &bool)| {
                    let factor = if is { scale } else { 1.0 };
                    Tensor::filled(x.shape(), x.data().iter().map(|x| (factor * x) as f32).collect())
                };
                let inputs: Vec<_> = case.inputs().iter().zip(&choice).map(scaled).collect();
                let (single, double) = both(case, &inputs);
                let value = std::iter::once((&single.output, &double.output)).map(|pair| ("value", pair));
                let gradients = single.gradients.iter().zip(&double.gradients);
                for (what, (got, want)) in value.chain(gradients.map(|pair| ("gradient", pair))) {
                    if !agrees(got, want) {
                        let few = |x: &[f64]| format!("{:?}", &x[..x.len().min(4)]);
                        let (got, want) = (few(got.cast::<f64>().data()), few(want.data()));
                        let seen = format!("{}, scaled {choice:?}: {got} for {want}", case.name());
                        found.insert(format!("{name}, {scale:e}, {what}"), seen);
                    }
                }
            }
        }
    }
    assert_exceptions("scales_that_f32_cannot_take", &found);
}
