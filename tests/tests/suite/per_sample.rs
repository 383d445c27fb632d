//! Gradients sample by sample of a whole residual network.

use anact::{NormalizedSettings, StatisticsSource, activation};
use autograd::per_sample::{PerSampleStatistics, Query, SampleSemantics, statistics};
use autograd::random::{Purpose, Stream};
use autograd::{Keep, Result, Shape, Tape, Tensor};
use layers::models::{ModelEntry, ModelSettings, Variant};
use layers::{Context, Init, Layer};

/// Activations with no state, with a learnt slope, and with running statistics.
const ACTIVATIONS: &[&str] = &["relu", "prelu", "nswish", "nprelu"];
const LABELS: [usize; 3] = [4, 0, 2];
const IMAGE: [usize; 3] = [3, 9, 8];
/// The largest legal error, relative to the largest entry of a parameter's gradients.
const TOLERANCE: f64 = 1e-11;

/// A resnet8 of width 2 whose running statistics have seen a batch.
fn network(function: &str, source: StatisticsSource) -> Box<dyn Layer<f64>> {
    let settings = NormalizedSettings { statistics: source, ..NormalizedSettings::default() };
    let make = activation::<f64>(function, &settings).unwrap();
    let settings = ModelSettings {
        input: IMAGE,
        classes: 5,
        width: Some(2),
        depth: None,
        variant: Variant::default(),
        init: Init::HeNormal,
        seed: 3,
    };
    let mut model = ModelEntry::named("resnet8").unwrap().build(&settings, &*make).unwrap();
    let tape = Tape::new();
    model.forward(&Context::train(&tape, 1, 0), tape.constant(images(6, 1))).unwrap();
    model
}

fn images(samples: usize, index: u64) -> Tensor<f64> {
    let mut stream = Stream::new(5, Purpose::Probe, index);
    let shape = Shape::from([samples, IMAGE[0], IMAGE[1], IMAGE[2]]);
    Tensor::filled(shape, (0..shape.len()).map(|_| stream.normal()).collect())
}

fn image(of: &Tensor<f64>, n: usize) -> Tensor<f64> {
    let width = of.len() / of.dims()[0];
    Tensor::new([1, IMAGE[0], IMAGE[1], IMAGE[2]], of.data()[n * width..][..width].to_vec()).unwrap()
}

fn ask(
    model: &mut dyn Layer<f64>,
    is_training: bool,
    semantics: SampleSemantics,
) -> (Result<PerSampleStatistics>, Vec<(String, Vec<f64>)>) {
    let tape = Tape::new();
    let batch = [tape.constant(images(LABELS.len(), 0))];
    let cx = if is_training { Context::train(&tape, 1, 1) } else { Context::eval(&tape) };
    let loss = model.forward(&cx, batch[0]).unwrap().cross_entropy(&LABELS, 0.1).unwrap();
    let gradients = tape.backward(loss, Keep::Leaves).unwrap();
    let named =
        tape.parameters().into_iter().map(|(name, v)| (name, gradients.wrt(v).unwrap().data().to_vec()));
    (statistics(&Query::new(&batch, loss, semantics)), named.collect())
}

/// The largest difference relative to `size`.
fn apart(got: &[f64], want: &[f64], size: f64) -> f64 {
    assert_eq!(got.len(), want.len());
    let size = size.max(f64::MIN_POSITIVE);
    got.iter().zip(want).fold(0.0, |m, (a, b)| autograd::check::worse(m, (a - b).abs() / size))
}

#[test]
fn in_evaluation_a_network_agrees_with_its_samples_alone() {
    let mut worst = 0.0;
    for function in ACTIVATIONS {
        let mut model = network(function, StatisticsSource::Batch);
        let (found, gradients) = ask(model.as_mut(), false, SampleSemantics::Independent);
        let found = found.unwrap_or_else(|e| panic!("{function}: {e}"));
        let mut alone = Vec::new();
        for (n, label) in LABELS.into_iter().enumerate() {
            let tape = Tape::new();
            let x = tape.constant(image(&images(LABELS.len(), 0), n));
            let loss = model.forward(&Context::eval(&tape), x).unwrap().cross_entropy(&[label], 0.1).unwrap();
            alone.push(tape.backward(loss, Keep::Leaves).unwrap());
        }
        assert_eq!(found.parameters.len(), gradients.len(), "{function}");
        assert!(gradients.len() >= 29, "{function}: {}", gradients.len());
        for parameter in &found.parameters {
            let name = parameter.name().unwrap();
            let vectors: Vec<_> = alone.iter().map(|g| g.named(name).unwrap().data().to_vec()).collect();
            let n = vectors.len() as f64;
            let mean_of = |i: usize, f: &dyn Fn(f64) -> f64| vectors.iter().map(|v| f(v[i])).sum::<f64>() / n;
            let mean: Vec<f64> = (0..vectors[0].len()).map(|i| mean_of(i, &|x| x)).collect();
            let variance: Vec<f64> =
                mean.iter().enumerate().map(|(i, m)| mean_of(i, &|x| (x - m) * (x - m))).collect();
            let size = vectors.iter().flatten().fold(0.0f64, |m, x| m.max(x.abs()));
            let g = parameter.per_sample();
            let errors =
                [apart(g.mean().data(), &mean, size), apart(g.variance().data(), &variance, size * size)];
            worst = errors.into_iter().fold(worst, autograd::check::worse);
        }
    }
    assert!(worst <= TOLERANCE, "worst relative error {worst:.2e}");
}

#[test]
fn in_training_a_network_is_refused_or_its_contributions_add_up() {
    let mut worst = 0.0;
    for function in ACTIVATIONS {
        for source in [StatisticsSource::Batch, StatisticsSource::Running] {
            let mut model = network(function, source);
            let refused = ask(model.as_mut(), true, SampleSemantics::Independent).0.unwrap_err().to_string();
            let reason = "bn1.batch_norm: the mean and variance of its channels are those of the whole batch";
            assert!(refused.contains(reason), "{function}: {refused}");
            let (found, gradients) = ask(model.as_mut(), true, SampleSemantics::BatchStatistics);
            let found = found.unwrap_or_else(|e| panic!("{function}: {e}"));
            assert_eq!(found.semantics, SampleSemantics::BatchStatistics);
            assert_eq!(found.parameters.len(), gradients.len());
            for (parameter, (name, whole)) in found.parameters.iter().zip(&gradients) {
                let c = parameter.contribution();
                assert_eq!(parameter.name(), Some(name.as_str()));
                let sum: Vec<f64> = c.mean().data().iter().map(|c| LABELS.len() as f64 * c).collect();
                // Behind a batch norm the sum cancels; its parts are of the size of their mean square.
                let squares = c.mean().data().iter().zip(c.variance().data()).map(|(m, v)| m * m + v);
                let size = squares.fold(0.0f64, f64::max).sqrt();
                worst = autograd::check::worse(worst, apart(&sum, whole, size));
            }
        }
    }
    assert!(worst <= TOLERANCE, "worst relative error {worst:.2e}");
}
