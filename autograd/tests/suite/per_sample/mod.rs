//! Gradients sample by sample, against backward passes on each sample alone.

mod golden;
mod net;
mod refusals;
mod statistics_of_batches;

use autograd::per_sample::{
    ParameterStatistics, PerSampleStatistics, Query, Reduction, SampleSemantics, for_each_sample, statistics,
};
use autograd::{Keep, Pass, Shape, Tape, Tensor};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use net::{Loss, Net, Run, State, alone, nets};

/// The largest legal error, relative to the largest entry.
const TOLERANCE: f64 = 1e-11;
/// As many as take seconds.
const NETS: u32 = if cfg!(debug_assertions) { 256 } else { 1024 };

fn largest<'a>(x: impl IntoIterator<Item = &'a f64>) -> f64 {
    x.into_iter().fold(0.0, |m, x| autograd::check::worse(m, x.abs()))
}

/// The largest difference, relative to `size`.
fn apart(got: &[f64], want: &[f64], size: f64) -> f64 {
    assert_eq!(got.len(), want.len());
    let difference: Vec<f64> = got.iter().zip(want).map(|(a, b)| a - b).collect();
    largest(&difference) / if size == 0.0 { 1.0 } else { size }
}

/// Mean, population variance and mean square of equally long vectors, in two passes.
fn moments(vectors: &[Vec<f64>]) -> [Vec<f64>; 3] {
    let n = vectors.len() as f64;
    let over = |i: usize, f: &dyn Fn(f64) -> f64| vectors.iter().map(|v| f(v[i])).sum::<f64>() / n;
    let length = vectors[0].len();
    let mean: Vec<f64> = (0..length).map(|i| over(i, &|x| x)).collect();
    let variance = (0..length).map(|i| over(i, &|x| (x - mean[i]) * (x - mean[i]))).collect();
    let square = (0..length).map(|i| over(i, &|x| x * x)).collect();
    [mean, variance, square]
}

/// Holds one parameter's statistics to the gradients of the samples alone; returns the worst error.
fn hold(found: &ParameterStatistics, gradients: &[Vec<f64>]) -> f64 {
    let [mean, variance, square] = moments(gradients);
    let g = found.per_sample();
    let size = largest(&square);
    let errors = [
        apart(g.mean().data(), &mean, size.sqrt()),
        apart(g.variance().data(), &variance, size),
        (g.total_variance() - variance.iter().sum::<f64>()).abs()
            / (size * variance.len() as f64).max(f64::MIN_POSITIVE),
    ];
    largest(&errors)
}

/// The worst relative error of `net` against its samples alone, over every parameter and statistic.
fn worst(net: &Net) -> f64 {
    let state = State::of(net);
    let tape = Tape::new();
    let mut run = Run::new(&tape, &state, None);
    let loss = run.record(net).unwrap();
    let query = Query::new(&run.batch, loss, SampleSemantics::Independent);
    let found: PerSampleStatistics = statistics(&query).unwrap_or_else(|e| panic!("{e}: {net:?}"));
    let (n, is_sum) = (net.samples as f64, net.loss == Loss::WeightedSum);
    assert_eq!(found.reduction, if is_sum { Reduction::Sum } else { Reduction::Mean });
    assert_eq!(found.count, net.samples);
    let gradients: Vec<_> = (0..net.samples).map(|n| alone(net, &state, n)).collect();
    let names: Vec<_> = gradients[0].keys().map(|n| Some(n.as_str())).collect();
    assert_eq!(found.parameters.iter().map(ParameterStatistics::name).collect::<Vec<_>>(), names);

    let mut errors = Vec::new();
    for parameter in &found.parameters {
        let name = parameter.name().unwrap();
        let vectors: Vec<_> = gradients.iter().map(|g| g[name].data().to_vec()).collect();
        errors.push(hold(parameter, &vectors));
    }
    // Each contribution, and that they add up.
    let mut sums: Vec<Tensor<f64>> = Vec::new();
    for_each_sample(&query, |k, parts| {
        for (i, (name, c)) in parts.iter().enumerate() {
            let g = &gradients[k][name.unwrap()];
            let c_as_g: Vec<f64> = c.data().iter().map(|c| if is_sum { *c } else { n * c }).collect();
            errors.push(apart(
                &c_as_g,
                g.data(),
                largest(gradients.iter().flat_map(|g| g[name.unwrap()].data())),
            ));
            if k == 0 {
                sums.push(c.clone());
            } else {
                sums[i].data_mut().iter_mut().zip(c.data()).for_each(|(sum, c)| *sum += c);
            }
        }
    })
    .unwrap();
    let whole = tape.run(Pass::new(Keep::Leaves).allowing_missing(), loss).unwrap();
    for (parameter, sum) in found.parameters.iter().zip(&sums) {
        let name = parameter.name().unwrap();
        let size =
            largest(gradients.iter().flat_map(|g| g[name].data())) * if is_sum { 1.0 } else { 1.0 / n };
        errors.push(apart(sum.data(), whole.named(name).unwrap().data(), size));
        let summed: Vec<f64> = parameter.contribution().mean().data().iter().map(|c| n * c).collect();
        errors.push(apart(&summed, whole.named(name).unwrap().data(), size));
    }
    largest(&errors)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: NETS, rng_seed: RngSeed::Fixed(0x5EED), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn random_nets_agree_with_their_samples_alone(net in nets()) {
        let worst = worst(&net);
        prop_assert!(worst <= TOLERANCE, "worst relative error {:.2e}", worst);
    }
}

/// A chain of linear layers, for which the short cut is taken throughout.
#[test]
fn linear_chains_agree_with_their_samples_alone() {
    let mut errors = Vec::new();
    for (seed, loss) in [(1, Loss::CrossEntropy), (2, Loss::WeightedSum), (3, Loss::MeanSquare)] {
        let dense = vec![(17, false), (9, true), (4, false)];
        let image = [2, 5, 6];
        let (layers, shared_dense, pooled) = (Vec::new(), false, false);
        errors.push(worst(&Net { samples: 7, image, layers, dense, shared_dense, pooled, loss, seed }));
    }
    assert!(largest(&errors) <= TOLERANCE, "worst relative errors {errors:?}");
}

/// y = w·x, ℓₙ = yₙ + bₙ, by hand: gₙ = xₙ = 3, 5, 10 with mean 6, variance (9 + 1 + 16)/3 and unbiased 13.
#[test]
fn the_two_kinds_of_vectors_are_told_apart() {
    let at = |sum: bool| {
        let tape = Tape::<f64>::new();
        let x = tape.constant(Tensor::new([3, 1], vec![3.0, 5.0, 10.0]).unwrap());
        let w = tape.parameter("w", &Tensor::full([1, 1], 2.0)).unwrap();
        let y = x.matmul(w).unwrap();
        let loss = if sum { y.sum_all() } else { y.mean_all().unwrap() };
        statistics(&Query::new(&[x], loss, SampleSemantics::Independent)).unwrap().named("w").unwrap().clone()
    };
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-14 * b.abs(), "{a} {b}");
    for (found, ratio) in [(at(false), 3.0), (at(true), 1.0)] {
        let (g, c) = (found.per_sample(), found.contribution());
        near(g.mean().data()[0], 6.0);
        near(g.variance().data()[0], 26.0 / 3.0);
        near(g.unbiased_variance().unwrap().data()[0], 13.0);
        near(c.mean().data()[0] * ratio, 6.0);
        near(c.variance().data()[0] * ratio * ratio, 26.0 / 3.0);
        near(g.squared_norm(), 36.0);
        for signal in [g.signal_to_noise(), c.signal_to_noise()] {
            near(signal, 36.0 / (26.0 / 3.0));
        }
        assert!(format!("{g:?}").starts_with("SampleStatistics<PerSample>"), "{g:?}");
    }
}

#[test]
fn one_sample_has_no_variance() {
    let tape = Tape::<f32>::new();
    let x = tape.constant(Tensor::new([1, 2], vec![0.1, 0.2]).unwrap());
    let w = tape.parameter("w", &Tensor::full([3, 2], 0.7)).unwrap();
    let b = tape.variable(Tensor::full([3], 0.3));
    let loss = (x.matmul_transposed(w).unwrap() + b).cross_entropy(&[1], 0.0).unwrap();
    let (batch, variables) = ([x], [b]);
    let query = Query { variables: &variables, ..Query::new(&batch, loss, SampleSemantics::Independent) };
    let found = statistics(&query).unwrap();
    let gradients = tape.backward(loss, Keep::Leaves).unwrap();
    for (parameter, var) in found.parameters.iter().zip([w, b]) {
        let g = parameter.per_sample();
        let whole = gradients.wrt(var).unwrap();
        // The short cut multiplies f32 numbers in f64.
        let close = |(a, b): (&f64, &f32)| (a - f64::from(*b)).abs() <= 1e-7 * f64::from(b.abs());
        assert!(g.mean().data().iter().zip(whole.data()).all(close));
        assert!(g.variance().data().iter().all(|v| *v == 0.0), "{g:?}");
        assert_eq!(g.unbiased_variance(), None);
    }
    assert_eq!(found.wrt(b).unwrap().name(), None);
    assert_eq!(found.parameters.len(), 2);
}

/// gₙ = xₙ = 10⁸ + n: the variance (N² − 1)/12 is 10⁻¹⁵ of the mean square. All numbers are exact, and so is the answer;
/// E[g²] − E[g]² would have no digit right.
#[test]
fn a_variance_far_below_the_mean_square_survives() {
    let n = 64;
    let x: Vec<f64> = (0..n).map(|i| 1e8 + f64::from(i)).collect();
    let want = (f64::from(n * n) - 1.0) / 12.0;
    // The short cut; and the general route, as the second weight is used twice.
    let tape = Tape::<f64>::new();
    let x = tape.constant(Tensor::new([n as usize, 1], x).unwrap());
    let one = |name: &str| tape.parameter(name, &Tensor::full([1, 1], 1.0)).unwrap();
    let (v, w) = (one("v"), one("w"));
    let zero = tape.constant(Tensor::zeros([n as usize, 1]));
    let loss = (x.matmul(v).unwrap() + x.matmul(w).unwrap() + zero.matmul(w).unwrap()).sum_all();
    let found = statistics(&Query::new(&[x], loss, SampleSemantics::Independent)).unwrap();
    for name in ["v", "w"] {
        let variance = found.named(name).unwrap().per_sample().variance().data()[0];
        assert!((variance / want - 1.0).abs() < 1e-14, "{name}: {variance}, want {want}");
    }
}

/// A parameter with a row for every sample: row n of it sees sample n alone, so its other rows get 0.
#[test]
fn a_parameter_with_a_row_per_sample_is_exact() {
    let tape = Tape::<f64>::new();
    let x = tape.constant(Tensor::new([2, 2], vec![1.0, 2.0, 3.0, 5.0]).unwrap());
    let w = tape.parameter("w", &Tensor::new([2, 2], vec![0.5, 0.5, 2.0, 2.0]).unwrap()).unwrap();
    let loss = (x * w).sum_all();
    let mut parts = Vec::new();
    let batch = [x];
    let query = Query::new(&batch, loss, SampleSemantics::Independent);
    for_each_sample(&query, |_, c| parts.push(c[0].1.data().to_vec())).unwrap();
    assert_eq!(parts, [[1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 3.0, 5.0]]);
    assert_eq!(
        statistics(&query).unwrap().named("w").unwrap().per_sample().variance().data(),
        [0.25, 1.0, 2.25, 6.25]
    );
}

/// A named leaf that the loss does not use is left out; so is the batch, though it has a name and a gradient.
#[test]
fn only_parameters_of_the_loss_are_reported() {
    let tape = Tape::<f64>::new();
    let of = |name: &str, shape| tape.parameter(name, &Tensor::full(Shape::from(shape), 1.5)).unwrap();
    let (x, w, unused) = (of("x", [3, 2]), of("w", [2, 2]), of("unused", [3, 2]));
    let _off = x * unused;
    let found =
        statistics(&Query::new(&[x], x.matmul(w).unwrap().sum_all(), SampleSemantics::Independent)).unwrap();
    let names: Vec<_> = found.parameters.iter().map(ParameterStatistics::name).collect();
    assert_eq!(names, [Some("w")]);
    assert!(
        found.named("unused").unwrap_err().to_string().contains("unknown parameter of the loss `unused`")
    );
    assert!(found.wrt(x).unwrap_err().to_string().contains("neither a named leaf"));
}
