//! Input from which no factor can be computed: a defined result, never NaN, and counted.

use anact::{Applied, Granularity, NodeStatistics, Normalize, Plan, Settings};
use anact::{ForwardMoment, GradientMode};
use autograd::ops::activation::{ACTIVATIONS, Relu, Swish, Visitor, with_activation};
use autograd::{Elementwise, Keep, Scalar, Tape, Tensor};
use proptest::prelude::*;

use crate::gradients::all_settings;

/// What comes out with a fallback of λ = 3, μ = 0.25 and cotangent 1: value, gradient, number of degenerate groups.
fn run<E: Elementwise, S: Scalar>(e: E, settings: Settings, z: &[f64]) -> (Vec<f64>, Vec<f64>, usize) {
    run_with::<E, S>(e, settings, z, &vec![1.0; z.len()])
}

/// The same with any cotangent: ones would hide whatever is multiplied by Σ g·(f − μ).
fn run_with<E: Elementwise, S: Scalar>(
    e: E,
    settings: Settings,
    z: &[f64],
    cotangent: &[f64],
) -> (Vec<f64>, Vec<f64>, usize) {
    let tape = Tape::<S>::new();
    let z = tape.variable(Tensor::vector(z.to_vec()).reshape([1, 1, z.len()]).unwrap().cast());
    let alpha = tape.variable(Tensor::zeros([1]));
    let fallback = vec![Applied { lambda: 3.0, mu: 0.25 }];
    let y = Normalize::new(e, Plan::batch_or(settings, fallback).unwrap()).apply(z, Some(alpha)).unwrap();
    let cotangent = Tensor::vector(cotangent.to_vec()).reshape(y.shape()).unwrap().cast();
    let gradients = tape.backward_from(y, cotangent, Keep::Leaves).unwrap();
    let numbers = |t: Tensor<S>| t.cast::<f64>().data().to_vec();
    assert!(numbers(gradients.wrt(alpha).unwrap()).len() == 1);
    (numbers(y.value()), numbers(gradients.wrt(z).unwrap()), NodeStatistics::of(y).unwrap().degenerate())
}

/// A degenerate group is the plain formula with the fallback's numbers, and its detached gradient.
#[test]
fn the_fallback_is_applied() {
    let rows: [(&str, &[f64]); 5] = [
        ("constant batch", &[0.7; 9]),
        ("one element", &[-1.3]),
        ("all dead", &[-1.0, -2.0, -0.5]),
        ("zeros", &[0.0; 4]),
        ("empty", &[]),
    ];
    for settings in all_settings() {
        for (what, z) in rows {
            let (y, slope, degenerate) = run::<_, f64>(Relu, settings, z);
            let f = |z: f64| 3.0 * (z.max(0.0) - 0.25);
            assert_eq!(y, z.iter().map(|&z| f(z)).collect::<Vec<_>>(), "{what} {settings:?}");
            let df = |z: f64| if z > 0.0 { 3.0 } else { 0.0 };
            assert_eq!(slope, z.iter().map(|&z| df(z)).collect::<Vec<_>>(), "{what} {settings:?}");
            assert_eq!(degenerate, 1, "{what} {settings:?}");
        }
    }
}

/// One NaN or ∞ spoils its own element only.
#[test]
fn an_element_that_is_not_finite_stays_alone() {
    for settings in all_settings() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let (y, slope, degenerate) = run::<_, f64>(Swish::default(), settings, &[1.0, bad, -2.0]);
            assert_eq!(degenerate, 1);
            assert!(y[0].is_finite() && y[2].is_finite(), "{y:?}");
            assert!(slope[0].is_finite() && slope[2].is_finite(), "{slope:?}");
        }
        // ReLU passes NaN and ∞ on.
        assert!(run::<_, f64>(Relu, settings, &[1.0, f64::NAN]).0[1].is_nan());
        assert_eq!(run::<_, f64>(Relu, settings, &[1.0, f64::INFINITY]).0[1], f64::INFINITY);
    }
}

/// 10³⁰ squared is beyond f32, where the batch counts as degenerate, and not beyond f64.
#[test]
fn huge_numbers_overflow_into_the_fallback() {
    for settings in all_settings() {
        let z = [1e30, -1e30, 2e30, 3e29];
        let (y, slope, degenerate) = run::<_, f64>(Relu, settings, &z);
        assert!(
            degenerate == 0 && y.iter().chain(&slope).all(|x| x.is_finite()),
            "{settings:?} {y:?} {slope:?}"
        );
        let (y, slope, degenerate) = run::<_, f32>(Relu, settings, &z);
        assert!(
            degenerate == 1 && y.iter().chain(&slope).all(|x| x.is_finite()),
            "{settings:?} {y:?} {slope:?}"
        );
    }
}

/// Without a fallback a degenerate group is the plain function; other channels are not touched by it.
#[test]
fn a_dead_channel_leaves_the_others_alone() {
    let z = Tensor::new([2, 2, 2], vec![1.0, -2.0, -1.0, -1.0, 0.5, 3.0, -1.0, -1.0]).unwrap();
    for gradient in [GradientMode::Detached, GradientMode::Full] {
        let settings = Settings { gradient, granularity: Granularity::Channel, moment: ForwardMoment::Raw };
        let tape = Tape::<f64>::new();
        let v = tape.variable(z.clone());
        let y = Normalize::new(Relu, Plan::batch(settings)).apply(v, None).unwrap();
        let g = tape.backward_from(y, Tensor::full([2, 2, 2], 1.0), Keep::Leaves).unwrap().wrt(v).unwrap();
        let statistics = NodeStatistics::of(y).unwrap();
        assert_eq!(statistics.groups.iter().map(|g| g.degenerate).collect::<Vec<_>>(), [false, true]);
        assert_eq!((statistics.groups[1].lambda, statistics.groups[1].mu), (1.0, 0.0));
        let second = |t: &Tensor<f64>| [t.data()[2], t.data()[3], t.data()[6], t.data()[7]];
        assert_eq!((second(&y.value()), second(&g)), ([0.0; 4], [0.0; 4]));
        assert!(statistics.groups[0].lambda != 1.0);
    }
}

proptest! {
    /// Any finite z, over the whole range of f32 and down to its smallest numbers.
    #[test]
    fn finite_input_never_yields_nan(
        z in prop::collection::vec((-1.0..1.0f64, -46.0..39.0f64), 0..40),
        exponent in prop::option::of(-46.0..39.0f64),
    ) {
        let size = |e: f64| 10f64.powf(exponent.unwrap_or(e));
        let z: Vec<f64> = z.iter().map(|&(x, e)| x * size(e)).filter(|x| (*x as f32).is_finite()).collect();
        let cotangent: Vec<f64> = (0..z.len()).map(|i| [1.0, -1.0, 0.5, -2.0][i % 4]).collect();
        for settings in all_settings() {
            for activation in ACTIVATIONS {
                let (y, slope) = with_activation(activation.name, Run { settings, z: &z, g: &cotangent }).unwrap();
                let numbers = y.iter().chain(&slope);
                prop_assert!(numbers.clone().all(|x| !x.is_nan()), "{} {:?} {:?} {:?}", activation.name, settings, y, slope);
            }
        }
    }
}

/// The node in f32 with an activation known by name.
struct Run<'a> {
    settings: Settings,
    z: &'a [f64],
    g: &'a [f64],
}

impl Visitor for Run<'_> {
    type Output = (Vec<f64>, Vec<f64>);
    fn visit<E: Elementwise>(self, e: E) -> Self::Output {
        let (y, slope, _) = run_with::<E, f32>(e, self.settings, self.z, self.g);
        (y, slope)
    }
}

/// ρ′ is 1.5e-30 here: its inverse to the power 3/2 leaves the range of f32, so the batch has to count as degenerate.
#[test]
fn a_saturated_batch_has_a_finite_full_gradient() {
    for settings in all_settings() {
        let visitor = Run { settings, z: &[-34.0, 34.0], g: &[-1.0, 1.0] };
        let (y, slope) = with_activation("sigmoid", visitor).unwrap();
        assert!(y.iter().chain(&slope).all(|x| x.is_finite()), "{settings:?} {y:?} {slope:?}");
    }
}
