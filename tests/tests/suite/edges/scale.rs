//! Huge, tiny and subnormal numbers in f32, beside f64: nothing overflows or vanishes on the way to a number that has its
//! place in f32.

use autograd::Tensor;
use autograd::check::{Case, Evaluation};
use autograd::ops::Conv2d;

use super::{Departures, assert_exceptions, families, scattered, scattered32};

/// By how much the inputs of the cases, which are near 1, are scaled. The last makes them subnormal.
const SCALES: [f64; 3] = [1e30, 1e-30, 1e-40];

/// Largest error, relative to the largest entry that f32 can hold.
const TOLERANCE: f64 = 1e-4;

/// Largest error among small numbers: some roundings in the smallest place of f32.
const SMALLEST: f64 = 64.0 * f32::from_bits(1) as f64;

/// Whether the f32 numbers are what the f64 ones say, rounded: what is beyond f32 is ∞ with its sign, or, where it is beyond by less
/// than what is allowed, the largest f32 or near it. A NaN is right only where f64 has one.
fn agrees(got: &Tensor<f32>, want: &Tensor<f64>) -> bool {
    let largest_f32 = f64::from(f32::MAX);
    let size = want.data().iter().map(|x| x.abs()).filter(|&x| x <= largest_f32).fold(0.0, f64::max);
    got.data().iter().zip(want.data()).all(|(&got, &want)| {
        let got = f64::from(got);
        if want.is_nan() || got.is_nan() {
            return want.is_nan() && got.is_nan();
        }
        // So near the edge, rounding may lead over it.
        let edge = largest_f32 * (1.0 - TOLERANCE)..=largest_f32 * (1.0 + TOLERANCE);
        let at_edge = edge.contains(&want.abs());
        if got.is_infinite() {
            return got * want > 0.0 && (want.abs() > largest_f32 || at_edge);
        }
        if want.abs() > largest_f32 && !at_edge {
            return false;
        }
        (got - want).abs() <= TOLERANCE * size.max(want.abs()) + SMALLEST
    })
}

/// Both evaluations at the same numbers.
fn both(case: &Case, inputs: &[Tensor<f32>]) -> (Evaluation<f32>, Evaluation<f64>) {
    let single = case.evaluate_f32(inputs, &scattered32);
    let inputs: Vec<Tensor<f64>> = inputs.iter().map(Tensor::cast).collect();
    let double = case.evaluate_f64(&inputs, &|shape| scattered(shape).cast::<f32>().cast());
    single.and_then(|s| Ok((s, double?))).unwrap_or_else(|e| panic!("{}: {e}", case.name()))
}

/// The inputs of which are scaled, and what that is called: all together, then each alone.
fn choices(inputs: usize) -> impl Iterator<Item = (Vec<bool>, String)> {
    let alone = move |i: usize| ((0..inputs).map(|j| i == j).collect(), i.to_string());
    let alone = (0..inputs).filter(move |_| inputs > 1).map(alone);
    std::iter::once((vec![true; inputs], "all".to_string())).chain(alone)
}

/// The convolution with as many channels as the fast ones want; these transform the weights, and subnormal ones have no digits to
/// spare for that.
fn convolution(exact: bool) -> Vec<Case> {
    let conv = Conv2d { padding: [1, 1], exact, ..Conv2d::default() };
    vec![Case::op("many channels", conv).normal([2, 16, 9, 10]).normal([16, 16, 3, 3])]
}

#[test]
fn f32_is_f64_rounded_at_every_scale() {
    let mut found = Departures::default();
    let mut all = families();
    let fast = "conv2d by transforms";
    all.extend([("conv2d by sums", convolution(true)), (fast, convolution(false))]);
    for (name, cases) in &all {
        let scales = if *name == fast { &SCALES[..2] } else { &SCALES[..] };
        for (case, &scale) in cases.iter().flat_map(|case| scales.iter().map(move |scale| (case, scale))) {
            for (choice, scaled) in choices(case.inputs().len()) {
                let times = |(x, &is): (&Tensor<f64>, &bool)| {
                    let factor = if is { scale } else { 1.0 };
                    Tensor::filled(x.shape(), x.data().iter().map(|x| (factor * x) as f32).collect())
                };
                let inputs: Vec<_> = case.inputs().iter().zip(&choice).map(times).collect();
                let (single, double) = both(case, &inputs);
                let value = std::iter::once((&single.output, &double.output)).map(|pair| ("value", pair));
                let gradients = single.gradients.iter().zip(&double.gradients);
                for (what, (got, want)) in value.chain(gradients.map(|pair| ("gradient", pair))) {
                    if !agrees(got, want) {
                        let few = |x: &[f64]| format!("{:?}", &x[..x.len().min(4)]);
                        let (got, want) = (few(got.cast::<f64>().data()), few(want.data()));
                        let seen = format!("{}, scaled {scaled}: {got} for {want}", case.name());
                        found.note(name, &format!("{scale:e}, {what}"), case, &scaled, seen);
                    }
                }
            }
        }
    }
    assert_exceptions("scales_that_f32_cannot_take", &found.by_name(&all));
}

#[test]
fn what_is_beyond_f32_has_to_be_infinite_with_its_sign() {
    let holds = |got: f32, want: f64| agrees(&Tensor::scalar(got), &Tensor::scalar(want));
    let (infinity, largest) = (f32::INFINITY, f64::from(f32::MAX));
    assert!(holds(infinity, 1e39) && holds(-infinity, -1e300) && holds(infinity, f64::INFINITY));
    for got in [f32::NAN, -infinity, f32::MAX, 0.0, 1.0] {
        assert!(!holds(got, 1e39) && !holds(got, f64::INFINITY), "{got}");
    }
    assert!(holds(f32::NAN, f64::NAN) && !holds(infinity, f64::NAN) && !holds(f32::NAN, 1.0));
    // Rounding may lead over the edge, either way, but no further than it may lead elsewhere.
    assert!(holds(infinity, largest * (1.0 - 1e-5)) && holds(f32::MAX, largest * (1.0 + 1e-5)));
    assert!(!holds(infinity, largest * (1.0 - 1e-3)) && !holds(f32::MAX, largest * (1.0 + 1e-3)));
    assert!(!holds(-infinity, largest * (1.0 - 1e-5)));
}
