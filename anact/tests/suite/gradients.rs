//! The node's gradients by both routes of the checker.
//!
//! Only what *is* a derivative can pass: Full with batch statistics, and given statistics. Detached with batch
//! statistics is on purpose not the derivative of its forward pass; it is compared with the composed twin, which
//! detaches explicitly, and a test here makes sure that the checker does see the difference.

use anact::{Applied, ForwardMoment, GradientMode, Granularity, Normalize, Plan, Settings};
use autograd::Elementwise;
use autograd::check::{self, Case};
use autograd::ops::activation::{ACTIVATIONS, Visitor, with_activation};

pub(crate) fn all_settings() -> impl Iterator<Item = Settings> {
    [ForwardMoment::Raw, ForwardMoment::Centered].into_iter().flat_map(|moment| {
        [GradientMode::Detached, GradientMode::Full].into_iter().flat_map(move |gradient| {
            [Granularity::Layer, Granularity::Channel].into_iter().map(move |granularity| Settings {
                moment,
                gradient,
                granularity,
            })
        })
    })
}

/// Few elements, so that every coordinate is checked; then enough for several blocks and random directions.
const SHAPES: [[usize; 3]; 2] = [[3, 2, 5], [3, 2, 701]];

struct Cases;
impl Visitor for Cases {
    type Output = Vec<Case>;
    fn visit<E: Elementwise>(self, e: E) -> Vec<Case> {
        let full = all_settings().filter(|s| s.gradient == GradientMode::Full);
        let mut cases = Vec::new();
        for (settings, shape) in full.flat_map(|s| SHAPES.map(|shape| (s, shape))) {
            let groups = groups(settings);
            let case = |name: &str, node: Normalize<E>| Case::op(name, node).clear_of(shape, E::KINKS);
            let node = || Normalize::new(e, Plan::batch(settings));
            cases.push(case("with α", node()).normal([groups]).single_tolerance(1e-4));
            cases.push(case("without α", node()).single_tolerance(1e-4));
            let given = (0..groups).map(|g| Applied { lambda: 1.3 - g as f64, mu: 0.2 }).collect();
            let detached = Settings { gradient: GradientMode::Detached, ..settings };
            cases.push(
                case("given", Normalize::new(e, Plan::given(detached, given).unwrap())).normal([groups]),
            );
        }
        cases
    }
}

fn groups(settings: Settings) -> usize {
    if settings.granularity == Granularity::Layer { 1 } else { 2 }
}

#[test]
fn every_derivative_is_right() {
    let (mut worst, mut checked) = (check::Report::default(), 0);
    for activation in ACTIVATIONS {
        for case in with_activation(activation.name, Cases).unwrap() {
            let report = check::run(&case).unwrap();
            assert!(report.failures.is_empty(), "{}:\n  {}", case.name(), report.failures.join("\n  "));
            worst.dual = worst.dual.max(report.dual);
            worst.difference = worst.difference.max(report.difference);
            worst.single = worst.single.max(report.single);
            checked += 1;
        }
    }
    assert_eq!(checked, 24 * ACTIVATIONS.len());
    println!(
        "{checked} cases; worst: dual {:.1e}, {:.2} of what finite differences are allowed, f32 {:.1e}",
        worst.dual, worst.difference, worst.single
    );
}

/// The detached gradient must not pass as the derivative, or the checker would be blind to the statistics.
#[test]
fn the_checker_tells_detached_from_full() {
    for settings in all_settings().filter(|s| s.gradient == GradientMode::Detached) {
        let node = Normalize::new(autograd::ops::activation::Swish::default(), Plan::batch(settings));
        let report = check::run(&Case::op("detached", node).normal([3, 2, 5])).unwrap();
        assert!(report.dual > 1e-3 && report.difference > 1.0, "{settings:?}: {report:?}");
    }
}

/// By hand: with f(z) = z and α = 0, ∂L/∂α = 0.3·Σ g·(z − μ) = 0.3·(1·(−1.5) + 2·0.5 − 4·2.5) whatever λ is, although
/// f − μ is taken from y = λ·(f − μ) where that has it.
#[test]
fn the_gradient_of_alpha_does_not_depend_on_lambda() {
    for lambda in [0.0, 1e-300, 1e-7, 1e-5, 0.7, -2.0, 1e100] {
        let tape = autograd::Tape::<f64>::new();
        let vector = |x: &[f64]| autograd::Tensor::vector(x.to_vec());
        let (z, alpha) = (tape.variable(vector(&[-1.0, 1.0, 3.0])), tape.variable(vector(&[0.0])));
        let plan = Plan::given(Settings::default(), vec![Applied { lambda, mu: 0.5 }]).unwrap();
        let y = Normalize::new(autograd::ops::activation::Identity, plan).apply(z, Some(alpha)).unwrap();
        let gradients = tape.backward_from(y, vector(&[1.0, 2.0, -4.0]), autograd::Keep::Leaves).unwrap();
        let got = gradients.wrt(alpha).unwrap().data()[0];
        assert!((got / (0.3 * -10.5) - 1.0).abs() < 1e-14, "λ = {lambda}: {got}");
    }
}
