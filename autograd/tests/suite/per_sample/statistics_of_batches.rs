//! Batch norm in training, with its statistics as given.

use autograd::ops::{BatchNorm, Conv2d};
use autograd::per_sample::{Query, SampleSemantics, for_each_sample, statistics};
use autograd::random::{Purpose, Stream};
use autograd::{Keep, Shape, Tape, Tensor};

use super::{TOLERANCE, apart, hold, largest};

fn normal(index: u64, shape: impl Into<Shape>) -> Tensor<f64> {
    let (mut stream, shape) = (Stream::new(8, Purpose::Probe, index), shape.into());
    Tensor::filled(shape, (0..shape.len()).map(|_| stream.normal()).collect())
}

/// The contributions to γ and β by their formulas, cₙ(γ) = Σ g·x̂ and cₙ(β) = Σ g over sample n's positions, with x̂ and
/// the batch's moments computed here; and every parameter's contributions add up to its gradient.
#[test]
fn contributions_to_a_batch_norm_are_those_of_the_closed_form() {
    let (n, c, h, w) = (5, 3, 4, 3);
    let eps = 0.01;
    let tape = Tape::new();
    let x = tape.constant(normal(0, [n, 2, h, w]));
    let weight = tape.parameter("weight", &normal(1, [c, 2, 3, 3])).unwrap();
    let gamma = tape.parameter("gamma", &normal(2, [c])).unwrap();
    let beta = tape.parameter("beta", &normal(3, [c])).unwrap();
    let z = x.conv2d(weight, None, Conv2d { padding: [1, 1], ..Conv2d::default() }).unwrap();
    let y = z.batch_norm(gamma, beta, BatchNorm { eps }).unwrap();
    let logits = y.activation("swish").unwrap().global_avg_pool().unwrap();
    let loss = logits.cross_entropy(&[0, 2, 1, 1, 0], 0.0).unwrap();

    let batch = [x];
    let query = Query::new(&batch, loss, SampleSemantics::BatchStatistics);
    let gradients = tape.backward(loss, Keep::All).unwrap();
    let (z, g) = (z.value(), gradients.wrt(y).unwrap());
    let at = |n: usize, c_: usize, p: usize| (n * c + c_) * h * w + p;
    let moment = |c_: usize, f: &dyn Fn(f64) -> f64| {
        let all = (0..n).flat_map(|n| (0..h * w).map(move |p| (n, p)));
        all.map(|(n, p)| f(z.data()[at(n, c_, p)])).sum::<f64>() / (n * h * w) as f64
    };
    let mean_and_deviation: Vec<[f64; 2]> = (0..c)
        .map(|c_| {
            let mean = moment(c_, &|z| z);
            [mean, (moment(c_, &|z| (z - mean) * (z - mean)) + eps).sqrt()]
        })
        .collect();
    let part = |n: usize, c_: usize, weight: &dyn Fn(f64) -> f64| {
        (0..h * w).map(|p| at(n, c_, p)).map(|i| g.data()[i] * weight(z.data()[i])).sum::<f64>()
    };
    let to_beta = |n, c_| part(n, c_, &|_| 1.0);
    let to_gamma =
        |n, c_: usize| part(n, c_, &|z| (z - mean_and_deviation[c_][0]) / mean_and_deviation[c_][1]);
    let all = |part: &dyn Fn(usize, usize) -> f64| -> Vec<Vec<f64>> {
        (0..n).map(|n| (0..c).map(|c_| part(n, c_)).collect()).collect()
    };
    let by_hand = [all(&to_beta), all(&to_gamma)];
    let mut sums = [0, 1, 2].map(|_| Vec::new());
    let mut errors = Vec::new();
    for_each_sample(&query, |n, parts| {
        let names: Vec<_> = parts.iter().map(|(name, _)| name.unwrap()).collect();
        assert_eq!(names, ["beta", "gamma", "weight"]);
        for (i, (_, c)) in parts.iter().enumerate() {
            if let Some(want) = by_hand.get(i) {
                errors.push(apart(c.data(), &want[n], largest(want.iter().flatten())));
            }
            sums[i].resize(c.len(), 0.0);
            sums[i].iter_mut().zip(c.data()).for_each(|(sum, c): (&mut f64, &f64)| *sum += c);
        }
    })
    .unwrap();
    for (sum, var) in sums.iter().zip([beta, gamma, weight]) {
        let whole = gradients.wrt(var).unwrap();
        // A weight before a batch norm has small sums of large parts.
        errors.push(apart(sum, whole.data(), largest(whole.data())));
    }
    let found = statistics(&query).unwrap();
    for (parameter, by_hand) in found.parameters.iter().zip(&by_hand) {
        let as_gradients: Vec<_> = by_hand.iter().map(|c| c.iter().map(|c| n as f64 * c).collect()).collect();
        errors.push(hold(parameter, &as_gradients));
    }
    assert!(largest(&errors) <= TOLERANCE, "worst relative error {:.2e}", largest(&errors));
}

/// A weight that reaches the samples through a statistic too: the row-wise parts leave nothing out.
#[test]
fn parts_through_composed_statistics_add_up() {
    let tape = Tape::new();
    let x = tape.constant(normal(0, [6, 3]));
    let of = |name: &str, i, shape: [usize; 2]| tape.parameter(name, &normal(i, shape)).unwrap();
    let (w, v, scale) = (of("w", 1, [4, 3]), of("v", 2, [4, 3]), of("scale", 3, [1, 4]));
    let y = x.matmul_transposed(w).unwrap();
    // One factor for the batch, learnt in part.
    let square = (y * y).mean(&[0], true).unwrap() + scale * scale;
    let z = x.matmul_transposed(v).unwrap() / square.sqrt() + y;
    let loss = z.cross_entropy(&[0, 1, 2, 3, 0, 1], 0.0).unwrap();
    let refused = statistics(&Query::new(&[x], loss, SampleSemantics::Independent)).unwrap_err().to_string();
    assert!(refused.contains("behind sqrt: it is no linear function of a sum over samples"), "{refused}");
    let found = statistics(&Query::new(&[x], loss, SampleSemantics::BatchStatistics)).unwrap();
    let whole = tape.backward(loss, Keep::Leaves).unwrap();
    for (name, var) in [("scale", scale), ("v", v), ("w", w)] {
        let mean = found.named(name).unwrap().contribution().mean().clone();
        let summed: Vec<f64> = mean.data().iter().map(|c| 6.0 * c).collect();
        let whole = whole.wrt(var).unwrap();
        let error = apart(&summed, whole.data(), largest(whole.data()));
        assert!(error <= TOLERANCE, "{name}: {error:.2e}");
    }
}
