//! What is refused, and in which words.

use autograd::ops::{BatchNorm, GradientLimit};
use autograd::per_sample::{PerSampleStatistics, Query, SampleSemantics, statistics};
use autograd::{Backward, Forward, Op, Result, Scalar, Tape, Tensor, Var};

const BOTH: [SampleSemantics; 2] = [SampleSemantics::Independent, SampleSemantics::BatchStatistics];

fn noise<const R: usize>(shape: [usize; R]) -> Tensor<f64> {
    let n: usize = shape.iter().product();
    Tensor::new(shape, (0..n).map(|i| ((i * 7919 + 31) % 101) as f64 / 50.0 - 1.0).collect()).unwrap()
}

fn parameter<'t, const R: usize>(tape: &'t Tape<f64>, name: &str, shape: [usize; R]) -> Var<'t, f64> {
    tape.parameter(name, &noise(shape)).unwrap()
}

/// The error of a loss of x [4, 3] and w [3, 3].
fn refusal(
    semantics: SampleSemantics,
    loss: impl for<'t> Fn(Var<'t, f64>, Var<'t, f64>) -> Result<Var<'t, f64>>,
) -> String {
    let tape = Tape::new();
    let (x, w) = (tape.constant(noise([4, 3])), parameter(&tape, "w", [3, 3]));
    let loss = loss(x, w).unwrap();
    statistics(&Query::new(&[x], loss, semantics)).unwrap_err().to_string()
}

/// An op that says nothing about samples.
#[derive(Debug, Clone)]
struct Silent;

impl<S: Scalar> Op<S> for Silent {
    fn name(&self) -> &'static str {
        "silent"
    }

    fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
        Ok(Forward::of(inputs[0].clone()))
    }

    fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
        vec![Some(cx.upstream.clone())]
    }
}

#[test]
fn an_op_that_does_not_say_is_refused_and_named() {
    for semantics in BOTH {
        let text = refusal(semantics, |x, w| {
            let tape = x.tape();
            let _scope = tape.scope("layer1");
            Ok(tape.apply(Silent, &[x.matmul(w)?])?.sum_all())
        });
        assert_eq!(
            text,
            "per-sample gradients do not exist behind layer1.silent: its op does not say how it treats \
             samples, so each sample's loss depends on all samples"
        );
    }
}

#[test]
fn batch_norm_in_training_has_no_independent_samples() {
    let tape = Tape::new();
    let (x, w) = (tape.constant(noise([4, 3])), parameter(&tape, "w", [3, 3]));
    let (gamma, beta) = (parameter(&tape, "gamma", [3]), parameter(&tape, "beta", [3]));
    let y = x.matmul(w).unwrap().batch_norm(gamma, beta, BatchNorm::default()).unwrap();
    let loss = y.cross_entropy(&[0, 1, 2, 1], 0.0).unwrap();
    let text = statistics(&Query::new(&[x], loss, SampleSemantics::Independent)).unwrap_err().to_string();
    assert!(text.contains(
        "behind batch_norm: the mean and variance of its channels are those of the whole batch, so each"
    ));
    let found = statistics(&Query::new(&[x], loss, SampleSemantics::BatchStatistics)).unwrap();
    assert_eq!(found.semantics, SampleSemantics::BatchStatistics);
}

#[test]
fn every_way_to_mix_samples_is_named() {
    type Mix = for<'t> fn(Var<'t, f64>, Var<'t, f64>) -> Result<Var<'t, f64>>;
    let cases: [(&str, Mix); 10] = [
        ("the variance runs over the samples", |x, w| Ok(x.matmul(w)?.var(&[0], false, 0)?.sum_all())),
        ("no longer along axis 0", |x, w| x.matmul(w)?.transpose()?.softmax()?.mean_all()),
        ("no longer along axis 0", |x, w| x.matmul(w)?.reshape([12])?.softmax()?.mean_all()),
        ("some of the samples are left out", |x, w| x.matmul(w)?.slice(&[0..2, 0..3])?.mean_all()),
        ("rows are added that are no samples", |x, w| x.matmul(w)?.pad(&[(0, 1), (0, 0)], 1.0)?.mean_all()),
        ("joined with other rows", |x, w| Var::concat(&[x.matmul(w)?, w], 0)?.mean_all()),
        ("along the axis of the samples", |x, w| Ok(x.matmul(w)?.sum(&[1], false)?.softmax()?.sum_all())),
        ("the right operand has the samples", |x, w| Ok(w.matmul_transposed(x.matmul(w)?)?.sum_all())),
        ("no linear function of a sum", |x, w| Ok(x.matmul(w)?.mean_all()?.sqrt())),
        ("statistic of the whole batch", |x, w| {
            let y = x.matmul(w)?;
            Ok((y - y.mean(&[0], true)?).sum_all())
        }),
    ];
    for (reason, loss) in cases {
        let text = refusal(SampleSemantics::Independent, loss);
        assert!(text.contains(reason), "{reason}: {text}");
    }
    // A detached statistic is one all the same.
    let detached: Mix = |x, w| {
        let y = x.matmul(w)?;
        Ok((y - y.detach().mean(&[0], true)?).sum_all())
    };
    assert!(refusal(SampleSemantics::Independent, detached).contains("statistic of the whole batch"));
    let after: Mix = |x, w| {
        let y = x.matmul(w)?;
        Ok((y - y.mean(&[0], true)?.detach()).sum_all())
    };
    assert!(refusal(SampleSemantics::Independent, after).contains("statistic of the whole batch"));
    let by_hand: Mix = |x, w| {
        let first = x.constant_from(Tensor::scalar(x.value().data()[0]));
        Ok((x.matmul(w)? * first).sum_all())
    };
    let text = refusal(SampleSemantics::Independent, by_hand);
    assert!(text.contains("behind constant_from: it is a constant made from values of the batch"), "{text}");
}

#[test]
fn a_term_beside_the_samples_is_refused() {
    for semantics in BOTH {
        let penalty = refusal(semantics, |x, w| Ok(x.matmul(w)?.mean_all()? + (w * w).sum_all().scale(0.1)));
        assert!(
            penalty.contains("w enters the loss beside the samples; want a loss whose every term"),
            "{penalty}"
        );
        let factor = refusal(semantics, |x, w| Ok(x.matmul(w)?.mean_all()? * w.sum_all()));
        assert!(factor.contains("w enters the loss beside the samples"), "{factor}");
        let two = refusal(semantics, |x, w| Ok(x.matmul(w)?.mean_all()? + x.matmul(w)?.sum_all()));
        assert!(two.contains("it joins a mean over samples and a sum over samples"), "{two}");
    }
}

/// A penalty on a parameter that is held constant adds a constant to the loss, and is no parameter's business.
#[test]
fn a_constant_beside_the_samples_is_legal() {
    let tape = Tape::new();
    let (x, w) = (tape.constant(noise([4, 3])), parameter(&tape, "w", [3, 3]));
    let still = w.detach();
    let of = |loss| statistics(&Query::new(&[x], loss, SampleSemantics::Independent)).unwrap();
    let plain = x.matmul(w).unwrap().mean_all().unwrap();
    let (with, without) = (of(plain + (still * still).sum_all()), of(plain));
    let contribution = |found: &PerSampleStatistics| found.named("w").unwrap().contribution().clone();
    assert_eq!(contribution(&with), contribution(&without));
}

/// What is clipped as a whole is not the sum of what would be clipped in parts, wherever the clip stands.
#[test]
fn clipped_gradients_have_no_parts() {
    type Clip = for<'t> fn(Var<'t, f64>, Var<'t, f64>) -> Result<Var<'t, f64>>;
    let on_rows: Clip = |x, w| Ok(x.matmul(w)?.clip_gradient(GradientLimit::Norm(0.1))?.sum_all());
    let text = refusal(SampleSemantics::Independent, on_rows);
    assert!(
        text.contains("behind clip_gradient: it changes the gradient of the whole batch at once"),
        "{text}"
    );
    let on_parameter: Clip = |x, w| Ok(x.matmul(w.clip_gradient(GradientLimit::Value(0.1))?)?.sum_all());
    for semantics in BOTH {
        let text = refusal(semantics, on_parameter);
        assert!(text.contains("clip_gradient changes a gradient in a way that does not add up"), "{text}");
    }
    // A gradient that is scaled is a sum of scaled parts.
    let tape = Tape::new();
    let (x, w) = (tape.constant(noise([4, 3])), parameter(&tape, "w", [3, 3]));
    let of = |loss| statistics(&Query::new(&[x], loss, SampleSemantics::Independent)).unwrap();
    let scaled = of(x.matmul(w.scale_gradient(-2.0).unwrap()).unwrap().sum_all());
    let plain = of(x.matmul(w).unwrap().sum_all());
    let variance = |found: &PerSampleStatistics| found.named("w").unwrap().per_sample().variance().clone();
    let pairs = variance(&scaled);
    let close = |(a, b): (&f64, &f64)| (a - 4.0 * b).abs() <= 1e-14 * a.abs();
    assert!(pairs.data().iter().zip(variance(&plain).data()).all(close), "{pairs:?}");
}

#[test]
fn questions_without_an_answer_say_why() {
    let tape = Tape::new();
    let (x, w) = (tape.constant(noise([4, 3])), parameter(&tape, "w", [3, 3]));
    let y = x.matmul(w).unwrap();
    let loss = y.mean_all().unwrap();
    let ask = |batch: &[Var<'_, f64>], loss, variables: &[Var<'_, f64>]| {
        let query = Query { variables, ..Query::new(batch, loss, SampleSemantics::Independent) };
        statistics(&query).unwrap_err().to_string()
    };
    assert!(ask(&[], loss, &[]).contains("no leaf of the batch given; want the leaves whose axis 0"));
    assert!(ask(&[y], loss, &[]).contains("matmul was given as the batch; want a leaf"));
    let scalar = tape.constant(Tensor::scalar(1.0));
    assert!(ask(&[scalar], loss, &[]).contains("a batch of shape [] was given; want an axis 0"));
    let empty = tape.constant(Tensor::zeros([0, 3]));
    assert!(
        ask(&[empty], loss, &[])
            .contains("a batch of shape [0, 3] was given; want an axis 0 with at least one")
    );
    let five = tape.constant(Tensor::zeros([5, 1]));
    assert!(
        ask(&[x, five], loss, &[]).contains("shapes [4, 3] and [5, 1] were given; want equally many samples")
    );
    assert!(ask(&[five], loss, &[]).contains("does not depend on the batch"));
    assert!(ask(&[x], y, &[]).contains("has shape [4, 3]"));
    assert!(ask(&[x], x.mean_all().unwrap(), &[]).contains("constants only"));
    assert!(ask(&[x], loss, &[y]).contains("is no leaf"));
    assert!(ask(&[x], loss, &[x]).contains("is the batch itself"));
    let unused = tape.variable(Tensor::scalar(1.0));
    assert!(ask(&[x], loss, &[unused]).contains("no path"));
    let one = tape.constant(Tensor::zeros([1]));
    let still = one * tape.parameter("s", &Tensor::full([1], 1.0)).unwrap();
    assert!(
        ask(&[one], still, &[]).contains("still has an axis for the samples; want their mean or their sum")
    );
    let other = Tape::new();
    let foreign = other.constant(noise([4, 3]));
    assert!(ask(&[foreign], loss, &[]).contains("another tape"));
    assert!(ask(&[x], loss, &[foreign]).contains("another tape"));
}
