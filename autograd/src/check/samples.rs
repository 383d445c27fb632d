//! Whether an op does to the samples of a batch what it says it does.

use super::{Case, gradients_at, largest, streams};
use crate::error::Result;
use crate::node::Node;
use crate::op::Backward;
use crate::random::{Purpose, Stream};
use crate::samples::{Sample, SampledInput, Samples, UNSAID};
use crate::shape::Shape;
use crate::tape::Tape;
use crate::tensor::Tensor;

/// How far results that should be equal may be apart, relative to their largest entry.
const TOLERANCE: f64 = 1e-12;

/// Holds the op of `case` to [`Op::samples`](crate::Op::samples): for every way in which its inputs may be shared, have
/// rows along axis 0, or be means or sums over samples, returns what was wrong, in words; nothing for a truthful op.
///
/// *Rows*: with one sample replaced by another, all other rows of the value and of the gradients keep their bits, and
/// [`Op::backward_of_sample`](crate::Op::backward_of_sample) gives what the upstream row alone sends back through the
/// whole backward pass. *Mean* and *sum*: a change of two samples is the sum of the changes of each; from totals, the
/// op is affine. An op that does not say, or claims that rows which differ make no difference, is wrong too.
///
/// # Errors
/// The case itself cannot be evaluated.
pub fn samples(case: &Case) -> Result<Vec<String>> {
    let inputs = case.inputs();
    let mut failures = Vec::new();
    let (mut assignment, mut said) = (vec![0; inputs.len()], false);
    while next(&mut assignment) {
        let Some(how) = assigned(inputs, &assignment) else { continue };
        let claim = claim(case, &how)?;
        said |= claim != Samples::Mixed(UNSAID);
        let wrong = match claim {
            Samples::Rows | Samples::Coupled(_) => rows(case, &how, claim)?,
            Samples::Mean | Samples::Sum => total(case, &how, claim)?,
            Samples::Shared => Some("shared, although an input is not".into()),
            Samples::Mixed(reason) => reason.is_empty().then(|| "mixed without a reason".into()),
        };
        failures.extend(wrong.map(|w| format!("{}, inputs {how:?}: {w}", case.name())));
    }
    if !said && inputs.iter().any(|x| x.shape().rank() > 0) {
        failures.push(format!("{}: {UNSAID}", case.name()));
    }
    Ok(failures)
}

/// Counts up in base 4.
fn next(digits: &mut [usize]) -> bool {
    for digit in digits {
        *digit = (*digit + 1) % 4;
        if *digit != 0 {
            return true;
        }
    }
    false
}

/// What the digits stand for, if the inputs can be that: those with rows need as many of them.
fn assigned(inputs: &[Tensor<f64>], digits: &[usize]) -> Option<Vec<Samples>> {
    let how = digits.iter().map(|&d| [Samples::Shared, Samples::Rows, Samples::Mean, Samples::Sum][d]);
    let how: Vec<_> = how.collect();
    let mut lengths =
        inputs.iter().zip(&how).filter(|(_, h)| **h == Samples::Rows).map(|(x, _)| x.dims().first());
    let first = lengths.next();
    let fits = first.is_none_or(|n| n.is_some_and(|n| *n > 0) && lengths.all(|m| m == n));
    fits.then_some(how)
}

/// Calls `read` with the op's node and its inputs' values, with `inputs` as variables.
fn with_node<R>(
    case: &Case,
    inputs: &[Tensor<f64>],
    read: impl FnOnce(&Node<f64>, &[Tensor<f64>]) -> R,
) -> Result<R> {
    let tape = Tape::new();
    let vars: Vec<_> = inputs.iter().map(|x| tape.variable(x.clone())).collect();
    let output = case.program().run_f64(&tape, &vars)?;
    tape.recall_all()?;
    let nodes = tape.nodes.borrow();
    Ok(read(&nodes[output.id().index()], inputs))
}

fn claim(case: &Case, how: &[Samples]) -> Result<Samples> {
    with_node(case, case.inputs(), |node, inputs| {
        let operand = |(x, &samples): (&Tensor<f64>, &Samples)| SampledInput { samples, shape: x.shape() };
        let operands: Vec<_> = inputs.iter().zip(how).map(operand).collect();
        node.op.as_ref().map_or(Samples::Mixed(UNSAID), |op| op.samples(&operands))
    })
}

fn value(case: &Case, inputs: &[Tensor<f64>]) -> Result<Tensor<f64>> {
    with_node(case, inputs, |node, _| node.value.clone())
}

/// The inputs with sample `m` replaced by the next one.
fn replaced(inputs: &[Tensor<f64>], how: &[Samples], m: usize) -> Vec<Tensor<f64>> {
    let replace = |(x, how): (&Tensor<f64>, &Samples)| {
        let mut x = x.clone();
        if *how == Samples::Rows {
            let (n, width) = (x.dims()[0], x.len() / x.dims()[0]);
            let next = (m + 1) % n * width;
            x.data_mut().copy_within(next..next + width, m * width);
        }
        x
    };
    inputs.iter().zip(how).map(replace).collect()
}

/// The samples to be tried: first, middle and last.
fn tried(inputs: &[Tensor<f64>], how: &[Samples]) -> Vec<usize> {
    let n = inputs.iter().zip(how).find(|(_, h)| **h == Samples::Rows).map_or(0, |(x, _)| x.dims()[0]);
    let mut tried = vec![0, n / 2, n.saturating_sub(1)];
    tried.dedup();
    if n == 0 { Vec::new() } else { tried }
}

/// Whether all rows but `m` have the same bits.
fn same_elsewhere(a: &Tensor<f64>, b: &Tensor<f64>, m: usize) -> bool {
    let width = a.len() / a.dims()[0].max(1);
    let outside = |i: usize| width > 0 && i / width != m;
    let mut pairs = a.data().iter().zip(b.data()).enumerate();
    pairs.all(|(i, (a, b))| !outside(i) || a.to_bits() == b.to_bits())
}

fn rows(case: &Case, how: &[Samples], claim: Samples) -> Result<Option<String>> {
    let (inputs, output) = (case.inputs(), value(case, case.inputs())?);
    let tried = tried(inputs, how);
    let is_row: Vec<bool> = how.iter().map(|h| *h == Samples::Rows).collect();
    let lengths = || inputs.iter().zip(&is_row).filter(|(_, rows)| **rows).map(|(x, _)| x.dims().first());
    if tried.is_empty() || lengths().any(|n| n != output.dims().first()) {
        return Ok(Some(format!("{claim:?}, but the value {} has no axis for them", output.shape())));
    }
    let mut stream = Stream::new(case.seed(), Purpose::Probe, streams::SAMPLES);
    let upstream = Tensor::filled(output.shape(), (0..output.len()).map(|_| stream.normal()).collect());
    let gradients = gradients_at(case, inputs.to_vec(), &upstream)?;
    for &m in &tried {
        let moved = replaced(inputs, how, m);
        if claim == Samples::Rows {
            if !same_elsewhere(&output, &value(case, &moved)?, m) {
                return Ok(Some(format!("another sample {m} moves the value of other samples")));
            }
            let after = gradients_at(case, moved, &upstream)?;
            let mut pairs = gradients.iter().zip(&after).zip(&is_row).filter(|(_, rows)| **rows);
            if !pairs.all(|((a, b), _)| same_elsewhere(a, b, m)) {
                return Ok(Some(format!("another sample {m} moves the gradient of other samples")));
            }
        }
        let needs: Vec<bool> = is_row.iter().map(|rows| !rows).collect();
        let sample = Sample { index: m, rows: &is_row };
        let apart = with_node(case, inputs, |node, inputs| {
            let op = node.op.as_ref().expect("a case is an op");
            let (output, saved) = (&node.value, &*node.saved);
            let inputs: Vec<_> = inputs.iter().collect();
            let cx = Backward { inputs: &inputs, output, saved, upstream: &upstream, needs: &needs };
            let want = op.backward(&Backward { upstream: &sample.masked(&upstream), ..cx });
            let got = op.backward_of_sample(&cx, sample);
            let pairs = got.into_iter().zip(want).zip(&needs).filter(|(_, needed)| **needed);
            pairs.map(|((a, b), _)| distance(a.as_ref(), b.as_ref())).fold(0.0, super::worse)
        })?;
        if !(apart <= TOLERANCE) {
            return Ok(Some(format!("sample {m}'s part of a gradient is off by {apart:.1e}")));
        }
    }
    Ok(None)
}

/// Relative to the largest entry; infinite if one is missing or has another shape.
fn distance(got: Option<&Tensor<f64>>, want: Option<&Tensor<f64>>) -> f64 {
    match (got, want) {
        (None, None) => 0.0,
        (Some(a), Some(b)) if a.shape() == b.shape() => {
            let difference: Vec<f64> = a.data().iter().zip(b.data()).map(|(a, b)| a - b).collect();
            largest(&difference) / largest(b.data()).max(f64::MIN_POSITIVE)
        }
        _ => f64::INFINITY,
    }
}

fn total(case: &Case, how: &[Samples], claim: Samples) -> Result<Option<String>> {
    let (inputs, at) = (case.inputs(), value(case, case.inputs())?);
    let totals = || how.iter().filter(|h| matches!(h, Samples::Mean | Samples::Sum));
    if totals().any(|h| *h != claim) {
        return Ok(Some(format!("{claim:?} of {how:?}")));
    }
    if totals().next().is_some() {
        if how.contains(&Samples::Rows) {
            return Ok(Some(format!("{claim:?} of samples and of a total of theirs")));
        }
        // Affine: the value in the middle of two points is the middle of their values.
        let along = |step: f64| -> Vec<_> {
            let shift = |(x, how): (&Tensor<f64>, &Samples)| {
                let by = |(i, x): (usize, &f64)| x + step * (1.0 + (i % 3) as f64);
                let moved = || Tensor::filled(x.shape(), x.data().iter().enumerate().map(by).collect());
                if *how == Samples::Shared { x.clone() } else { moved() }
            };
            inputs.iter().zip(how).map(shift).collect()
        };
        let (middle, end) = (value(case, &along(0.125))?, value(case, &along(0.25))?);
        let wanted = at.data().iter().zip(end.data()).map(|(a, b)| 0.5 * (a + b)).collect();
        let apart = distance(Some(&middle), Some(&Tensor::filled(at.shape(), wanted)));
        return Ok((!(apart <= TOLERANCE)).then(|| format!("{claim:?}, but not affine: off by {apart:.1e}")));
    }
    // Every sample twice: a mean stays, a sum doubles. Ops that know N, such as a loss with its labels, refuse.
    let twice = |(x, how): (&Tensor<f64>, &Samples)| {
        if *how != Samples::Rows {
            return x.clone();
        }
        let mut dims = x.dims().to_vec();
        dims[0] *= 2;
        let shape = Shape::new(&dims).expect("a small case");
        Tensor::filled(shape, x.data().iter().chain(x.data()).copied().collect())
    };
    let doubled: Vec<_> = inputs.iter().zip(how).map(twice).collect();
    if let Ok(doubled) = value(case, &doubled) {
        let factor = if claim == Samples::Sum { 2.0 } else { 1.0 };
        let wanted = Tensor::filled(at.shape(), at.data().iter().map(|x| factor * x).collect());
        let apart = distance(Some(&doubled), Some(&wanted));
        if !(apart <= TOLERANCE) {
            return Ok(Some(format!("{claim:?}, but with every sample twice off by {apart:.1e}")));
        }
    }
    for &m in &tried(inputs, how) {
        let other = tried(inputs, how)[0];
        if m == other {
            continue;
        }
        let one = replaced(inputs, how, m);
        // The neighbour is read from the original, so both changes are those made alone.
        let both: Vec<_> = {
            let alone = replaced(inputs, how, other);
            let merge = |((a, b), how): ((&Tensor<f64>, &Tensor<f64>), &Samples)| {
                let mut x = a.clone();
                if *how == Samples::Rows {
                    let width = x.len() / x.dims()[0];
                    let row = other * width..(other + 1) * width;
                    x.data_mut()[row.clone()].copy_from_slice(&b.data()[row]);
                }
                x
            };
            one.iter().zip(&alone).zip(how).map(merge).collect()
        };
        let (a, b, ab) =
            (value(case, &one)?, value(case, &replaced(inputs, how, other))?, value(case, &both)?);
        let wanted = a.data().iter().zip(b.data()).zip(at.data()).map(|((a, b), at)| a + b - at).collect();
        let apart = distance(Some(&ab), Some(&Tensor::filled(at.shape(), wanted)));
        if !(apart <= TOLERANCE) {
            return Ok(Some(format!(
                "{claim:?}, but samples {other} and {m} do not add up: off by {apart:.1e}"
            )));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::{Forward, Op, inputs_of};
    use crate::ops::AxisSet;
    use crate::scalar::Scalar;

    /// y = x − the mean over axis 0, x² or the mean over axis 0, with what it claims about samples.
    #[derive(Debug, Clone)]
    struct Planted {
        function: &'static str,
        claim: fn(Samples) -> Samples,
    }

    impl<S: Scalar> Op<S> for Planted {
        fn name(&self) -> &'static str {
            "planted"
        }

        fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
            let [x] = inputs_of("planted", inputs, "1")?;
            let (n, axes) = (S::from_f64(x.dims()[0] as f64), AxisSet::new("planted", &[0])?);
            let mean = axes.sum(x, true, |_, x| x / n);
            let width = mean.len();
            let each =
                |f: &dyn Fn(usize, S) -> S| x.data().iter().enumerate().map(|(i, &x)| f(i, x)).collect();
            let output = match self.function {
                "centred" => Tensor::filled(x.shape(), each(&|i, x| x - mean.data()[i % width])),
                "square" => Tensor::filled(x.shape(), each(&|_, x| x * x)),
                _ => mean,
            };
            Ok(Forward::of(output))
        }

        fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
            // Only the centring has a gradient that is looked at.
            let axes = AxisSet::new("planted", &[0]).expect("one axis");
            let n = S::from_f64(cx.inputs[0].dims()[0] as f64);
            let mean = axes.sum(cx.upstream, true, |_, g| g / n);
            let pair = |(i, &g): (usize, &S)| g - mean.data()[i % mean.len()];
            let centred = cx.upstream.data().iter().enumerate().map(pair).collect();
            vec![Some(Tensor::filled(cx.upstream.shape(), centred))]
        }

        fn samples(&self, inputs: &[SampledInput]) -> Samples {
            (self.claim)(inputs[0].samples)
        }
    }

    fn failures(function: &'static str, claim: fn(Samples) -> Samples) -> String {
        samples(&Case::op("planted", Planted { function, claim }).normal([4, 3])).unwrap().join("\n")
    }

    #[test]
    fn false_claims_are_found() {
        let of = failures;
        let moved = of("centred", |s| if s == Samples::Rows { s } else { Samples::Mixed("no") });
        assert!(moved.contains("another sample 0 moves the value of other samples"), "{moved}");
        assert!(of("square", |s| s).contains("Mean, but not affine"));
        let sum = |s| if s == Samples::Rows { Samples::Sum } else { s };
        assert!(of("mean", sum).contains("Sum, but with every sample twice off by"));
        let mean = |s| if s == Samples::Rows { Samples::Mean } else { Samples::Mixed("no") };
        assert_eq!(of("mean", mean), "");
        assert!(of("mean", |s| s).contains("Rows, but the value [1, 3] has no axis"));
        assert!(of("square", mean).contains("with every sample twice off by"));
        assert!(of("square", |_| Samples::Shared).contains("shared, although an input is not"));
        assert!(of("square", |_| Samples::Mixed(UNSAID)).contains("does not say"));
    }

    /// γ·x with the part of a sample taken for that of another.
    #[derive(Debug, Clone)]
    struct WrongPart;

    impl<S: Scalar> Op<S> for WrongPart {
        fn name(&self) -> &'static str {
            "wrong part"
        }

        fn forward(&self, inputs: &[&Tensor<S>]) -> Result<Forward<S>> {
            Op::<S>::forward(&crate::ops::Mul, inputs)
        }

        fn backward(&self, cx: &Backward<'_, S>) -> Vec<Option<Tensor<S>>> {
            crate::ops::Mul.backward(cx)
        }

        fn samples(&self, inputs: &[SampledInput]) -> Samples {
            Op::<S>::samples(&crate::ops::Mul, inputs)
        }

        fn backward_of_sample(&self, cx: &Backward<'_, S>, sample: Sample<'_>) -> Vec<Option<Tensor<S>>> {
            let index = sample.index ^ 1;
            crate::ops::Mul.backward_of_sample(cx, Sample { index, ..sample })
        }
    }

    #[test]
    fn a_wrong_part_is_found() {
        let found = samples(&Case::op("planted", WrongPart).normal([4, 3]).normal([3])).unwrap().join("\n");
        assert!(found.contains("sample 0's part of a gradient is off by"), "{found}");
    }
}
