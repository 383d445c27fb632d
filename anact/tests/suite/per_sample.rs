//! Gradients sample by sample through normalized activations.

use anact::composed::{Parts, composed};
use anact::{Applied, GradientMode, Granularity, NodeStatistics, Normalize, Plan, Settings};
use autograd::ops::activation::Swish;
use autograd::per_sample::{Query, SampleSemantics, for_each_sample, statistics};
use autograd::{Keep, Result, Shape, Tape, Tensor, Var};

use crate::gradients::all_settings;
use crate::groups::normal;

const SAMPLES: usize = 5;
const LABELS: [usize; SAMPLES] = [0, 2, 1, 1, 0];
/// The largest legal error, relative to the largest entry.
const TOLERANCE: f64 = 1e-11;

fn row(x: &Tensor<f64>, n: usize) -> Tensor<f64> {
    let width = x.len() / x.dims()[0];
    let mut dims = x.dims().to_vec();
    dims[0] = 1;
    Tensor::new(Shape::new(&dims).unwrap(), x.data()[n * width..][..width].to_vec()).unwrap()
}

/// x (N, 3, 4) times a factor of each channel, normalized, averaged over positions: logits (N, 3). `node` is applied to z
/// and α.
fn net<'t>(
    x: Var<'t, f64>,
    labels: &[usize],
    groups: usize,
    node: &dyn Fn(Var<'t, f64>, Var<'t, f64>) -> Result<Var<'t, f64>>,
) -> Result<Var<'t, f64>> {
    let factor = x.tape().parameter("factor", &parameter("factor", groups))?;
    let alpha = x.tape().parameter("alpha", &parameter("alpha", groups))?;
    node(x * factor, alpha)?.mean(&[2], false)?.cross_entropy(labels, 0.0)
}

fn parameter(name: &str, groups: usize) -> Tensor<f64> {
    match name {
        "factor" => normal([3, 1], 31),
        _ => normal([groups], 32),
    }
}

fn groups(settings: Settings) -> usize {
    match settings.granularity {
        Granularity::Layer => 1,
        Granularity::Channel => 3,
    }
}

/// The largest difference relative to the largest number.
fn apart(got: &[f64], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let size = want.iter().fold(f64::MIN_POSITIVE, |m, x| m.max(x.abs()));
    got.iter().zip(want).fold(0.0, |m, (a, b)| autograd::check::worse(m, (a - b).abs() / size))
}

/// With the batch's statistics, detached gradients are those of each sample alone with the statistics frozen; full ones
/// are not, but still add up.
#[test]
fn detached_nodes_have_the_gradients_of_samples_under_frozen_statistics() {
    let (mut worst, mut nearest) = (0.0, f64::INFINITY);
    for settings in all_settings() {
        let plan = Plan::batch(settings);
        let (images, groups) = (normal([SAMPLES, 3, 4], 30), groups(settings));
        let tape = Tape::new();
        let batch = [tape.constant(images.clone())];
        let used = std::cell::RefCell::new(None);
        let loss = net(batch[0], &LABELS, groups, &|z, alpha| {
            let y = Normalize::new(Swish::default(), plan.clone()).apply(z, Some(alpha))?;
            *used.borrow_mut() = NodeStatistics::of(y);
            Ok(y)
        })
        .unwrap();
        let refused =
            statistics(&Query::new(&batch, loss, SampleSemantics::Independent)).unwrap_err().to_string();
        assert!(refused.contains("behind normalize: its λ and μ are those of the whole batch"), "{refused}");

        let used = used.borrow_mut().take().unwrap();
        let frozen = used.groups.iter().map(|g| Applied { lambda: g.lambda, mu: g.mu }).collect();
        let frozen = Plan::given(Settings { gradient: GradientMode::Detached, ..settings }, frozen).unwrap();
        let query = Query::new(&batch, loss, SampleSemantics::BatchStatistics);
        let whole = tape.backward(loss, Keep::Leaves).unwrap();
        let mut sums = [vec![0.0; groups], vec![0.0; 3]];
        for_each_sample(&query, |n, parts| {
            let alone = Tape::new();
            let x = alone.constant(row(&images, n));
            let node = |z, alpha| Normalize::new(Swish::default(), frozen.clone()).apply(z, Some(alpha));
            let loss = net(x, &LABELS[n..=n], groups, &node).unwrap();
            let gradients = alone.backward(loss, Keep::Leaves).unwrap();
            for ((name, c), sum) in parts.iter().zip(&mut sums) {
                sum.iter_mut().zip(c.data()).for_each(|(sum, c)| *sum += c);
                let c: Vec<f64> = c.data().iter().map(|c| SAMPLES as f64 * c).collect();
                let error = apart(&c, gradients.named(name.unwrap()).unwrap().data());
                // α comes after the statistics, so it never sees the difference.
                if settings.gradient == GradientMode::Detached || *name == Some("alpha") {
                    worst = autograd::check::worse(worst, error);
                } else {
                    nearest = nearest.min(error);
                }
            }
        })
        .unwrap();
        for (name, sum) in ["alpha", "factor"].into_iter().zip(&sums) {
            worst = autograd::check::worse(worst, apart(sum, whole.named(name).unwrap().data()));
        }
    }
    assert!(worst <= TOLERANCE, "worst relative error {worst:.2e}");
    assert!(nearest > 1e-4, "a full gradient is that of frozen statistics, to {nearest:.2e}");
}

/// Given numbers keep samples apart, unless they have taken in the batch.
#[test]
fn given_numbers_are_independent_unless_the_batch_moved_them() {
    let settings = Settings { granularity: Granularity::Channel, ..Settings::default() };
    let values =
        (0..3).map(|i| Applied { lambda: 1.5 - 0.2 * f64::from(i), mu: 0.1 * f64::from(i) }).collect();
    let given = Plan::given(settings, values).unwrap();
    for moved in [false, true] {
        let plan = if moved { given.clone().moved_by_batch() } else { given.clone() };
        for fused in [false, true] {
            let tape = Tape::new();
            let batch = [tape.constant(normal([SAMPLES, 3, 4], 30))];
            let loss = net(batch[0], &LABELS, 3, &|z, alpha| match fused {
                true => Normalize::new(Swish::default(), plan.clone()).apply(z, Some(alpha)),
                false => Ok(composed(Parts::of(Swish::default(), z), Some(alpha), &plan)?.output),
            })
            .unwrap();
            let ask = |semantics| statistics(&Query::new(&batch, loss, semantics));
            let as_given = ask(SampleSemantics::BatchStatistics).unwrap();
            match ask(SampleSemantics::Independent) {
                Ok(found) if !moved => {
                    for (a, b) in found.parameters.iter().zip(&as_given.parameters) {
                        assert_eq!(a.contribution(), b.contribution());
                    }
                }
                Err(error) if moved => assert!(error.to_string().contains("batch"), "{error}"),
                other => panic!("moved: {moved}, fused: {fused}: {other:?}"),
            }
        }
    }
}

/// The fused node and its composed twin, whose statistics, factor and slope are values on the tape, agree.
#[test]
fn the_composed_twin_gives_the_same_contributions_to_its_adjustment() {
    let mut worst = 0.0;
    for settings in all_settings() {
        let (plan, groups) = (Plan::batch(settings), groups(settings));
        let found = [true, false].map(|fused| {
            let tape = Tape::new();
            let batch = [tape.constant(normal([SAMPLES, 3, 4], 30))];
            let loss = net(batch[0], &LABELS, groups, &|z, alpha| match fused {
                true => Normalize::new(Swish::default(), plan.clone()).apply(z, Some(alpha)),
                false => Ok(composed(Parts::of(Swish::default(), z), Some(alpha), &plan)?.output),
            })
            .unwrap();
            assert!(statistics(&Query::new(&batch, loss, SampleSemantics::Independent)).is_err());
            statistics(&Query::new(&batch, loss, SampleSemantics::BatchStatistics)).unwrap()
        });
        for (a, b) in found[0].parameters.iter().zip(&found[1].parameters) {
            let (a, b) = (a.contribution(), b.contribution());
            worst = autograd::check::worse(worst, apart(a.mean().data(), b.mean().data()));
            worst = autograd::check::worse(worst, apart(a.variance().data(), b.variance().data()));
        }
    }
    assert!(worst <= TOLERANCE, "worst relative difference {worst:.2e}");
}

/// A slope that is learnt meets the samples in f, and in the statistics of the full gradient too.
#[test]
fn contributions_to_a_normalized_slope_add_up() {
    for settings in all_settings() {
        let tape = Tape::new();
        let batch = [tape.constant(normal([SAMPLES, 3, 4], 30))];
        let slope = tape.parameter("slope", &Tensor::full([1], 0.25)).unwrap();
        let plan = Plan::batch(settings);
        let loss = net(batch[0], &LABELS, groups(settings), &|z, alpha| {
            Ok(composed(Parts::prelu(z, slope)?, Some(alpha), &plan)?.output)
        })
        .unwrap();
        let found = statistics(&Query::new(&batch, loss, SampleSemantics::BatchStatistics)).unwrap();
        let whole = tape.backward(loss, Keep::Leaves).unwrap();
        for parameter in &found.parameters {
            let c = parameter.contribution();
            let sum: Vec<f64> = c.mean().data().iter().map(|c| SAMPLES as f64 * c).collect();
            let error = apart(&sum, whole.named(parameter.name().unwrap()).unwrap().data());
            assert!(error <= TOLERANCE, "{settings:?}, {parameter:?}: {error:.2e}");
        }
        assert!(found.named("slope").unwrap().contribution().total_variance() > 0.0);
    }
}
