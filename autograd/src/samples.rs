//! How a value on the tape relates to the samples of a batch, and one sample's part of a backward pass.
//!
//! Gradients sample by sample exist only where the samples keep apart, so every op says what it does to them
//! ([`Op::samples`](crate::Op::samples)), and one that says nothing is taken to mix them.

use smallvec::SmallVec;

use crate::op::Backward;
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// How a value relates to the N samples of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Samples {
    /// It is the same whatever the samples are: a parameter, a constant, or made of such alone.
    Shared,
    /// Axis 0 has length N, and row n depends on sample n and on shared values alone.
    Rows,
    /// (1/N) Σₙ tₙ, where tₙ depends on sample n, on shared values and on N alone. Any shape.
    Mean,
    /// Σₙ tₙ, the same without 1/N.
    Sum,
    /// Axis 0 has length N, and row n depends on sample n, on shared values, and on statistics of the whole batch;
    /// the text says which.
    Coupled(&'static str),
    /// Anything else: it depends on several samples and has no axis for them; the text says why.
    Mixed(&'static str),
}

/// An input of an op, as [`Op::samples`](crate::Op::samples) sees it; never [`Samples::Coupled`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampledInput {
    /// How it relates to the samples.
    pub samples: Samples,
    /// Its shape.
    pub shape: Shape,
}

/// What is said of an op that says nothing.
pub(crate) const UNSAID: &str = "its op does not say how it treats samples";

const NONLINEAR: &str = "it is no linear function of a sum over samples";
const STATISTIC: &str = "it combines every sample with a statistic of the whole batch";

impl Samples {
    /// The result of a function of each row that is not linear.
    #[must_use]
    pub fn row_by_row(self) -> Self {
        match self {
            Self::Mean | Self::Sum => Self::Mixed(NONLINEAR),
            other => other,
        }
    }

    /// The result of a linear or affine function that keeps axis 0 for the samples if `keeps`, and `why` not otherwise.
    #[must_use]
    pub fn linear(self, keeps: bool, why: &'static str) -> Self {
        if self == Self::Rows && !keeps { Self::Mixed(why) } else { self }
    }

    /// The result of a sum or a mean (`reduced` says which), over the samples too if `over_samples`.
    #[must_use]
    pub fn reduce(self, over_samples: bool, reduced: Self) -> Self {
        if self == Self::Rows && over_samples { reduced } else { self }
    }

    /// The result of an op that treats each row of its first input alike, with the whole of all `others`: a
    /// convolution with its weight and bias.
    #[must_use]
    pub fn row_by_row_with(first: SampledInput, others: &[SampledInput]) -> Self {
        let mixed = others.iter().find_map(|o| match o.samples {
            Self::Shared => None,
            Self::Rows => Some(Self::Mixed("every sample sees all samples of an operand that is used whole")),
            _ => Some(Self::Coupled(STATISTIC)),
        });
        match (first.samples, mixed) {
            (samples, None) => samples.row_by_row(),
            (Self::Rows, Some(mixed)) => mixed,
            (Self::Mixed(why), _) => Self::Mixed(why),
            (_, Some(Self::Coupled(_))) => Self::Mixed(NONLINEAR),
            (_, Some(mixed)) => mixed,
        }
    }

    /// The result, of shape `output`, of a function of aligned elements, such as a sum with broadcasting; `totals`
    /// combines operands none of which has rows, at least one of them a [`Mean`](Self::Mean) or [`Sum`](Self::Sum).
    #[must_use]
    pub fn aligned(
        operands: &[SampledInput],
        output: Shape,
        totals: impl FnOnce(&[SampledInput]) -> Self,
    ) -> Self {
        let is = |samples| operands.iter().any(|o| o.samples == samples);
        if is(Self::Rows) {
            // Aligned at the last axis, so equal ranks put the samples along axis 0 of the output.
            let keeps = |o: &SampledInput| {
                o.shape.rank() == output.rank() && o.shape.dims().first() == output.dims().first()
            };
            return if !operands.iter().filter(|o| o.samples == Self::Rows).all(keeps) {
                Self::Mixed("broadcasting moves the samples away from axis 0")
            } else if operands.iter().all(|o| matches!(o.samples, Self::Rows | Self::Shared)) {
                Self::Rows
            } else {
                Self::Coupled(STATISTIC)
            };
        }
        if let Some(mixed) = operands.iter().find(|o| matches!(o.samples, Self::Mixed(_) | Self::Coupled(_)))
        {
            return mixed.samples;
        }
        if is(Self::Mean) || is(Self::Sum) { totals(operands) } else { Self::Shared }
    }

    /// `totals` of [`Samples::aligned`] for an op that is affine in all its operands together.
    #[must_use]
    pub fn affine_totals(operands: &[SampledInput]) -> Self {
        let is = |samples| operands.iter().any(|o| o.samples == samples);
        match (is(Self::Mean), is(Self::Sum)) {
            (true, true) => Self::Mixed("it joins a mean over samples and a sum over samples"),
            (true, false) => Self::Mean,
            (false, _) => Self::Sum,
        }
    }

    /// `totals` of [`Samples::aligned`] for an op of two operands that is linear in the one at `linear` while the other
    /// is held.
    #[must_use]
    pub fn linear_totals(operands: &[SampledInput], linear: &[usize]) -> Self {
        let total = |i: usize| {
            let others = operands.iter().enumerate().filter(|(k, _)| *k != i);
            others.into_iter().all(|(_, o)| o.samples == Self::Shared)
        };
        let found = linear.iter().find(|&&i| operands[i].samples != Self::Shared && total(i));
        found.map_or(Self::Mixed(NONLINEAR), |&i| operands[i].samples)
    }
}

/// One sample of a batch, in the backward pass of an op whose output has [`Samples::Rows`].
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// Its number n.
    pub index: usize,
    /// For each input, whether it has rows.
    pub rows: &'a [bool],
}

impl Sample<'_> {
    /// The upstream gradient with every row but n set to 0.
    pub fn masked<S: Scalar>(self, upstream: &Tensor<S>) -> Tensor<S> {
        let width = upstream.len() / upstream.dims()[0].max(1);
        let mut data = vec![S::ZERO; upstream.len()];
        let row = self.index * width..(self.index + 1) * width;
        data[row.clone()].copy_from_slice(&upstream.data()[row]);
        Tensor::filled(upstream.shape(), data)
    }

    /// Calls `backward` with a batch of one: row n of the output, of its gradient, and of the inputs that have rows.
    /// What was saved is passed on as it is, so statistics stay those of the whole batch.
    pub fn alone<S: Scalar, R>(
        self,
        cx: &Backward<'_, S>,
        backward: impl FnOnce(&Backward<'_, S>) -> R,
    ) -> R {
        let rows = cx.inputs.iter().zip(self.rows).map(|(&x, &rows)| rows.then(|| self.row(x)));
        let rows: SmallVec<[Option<Tensor<S>>; 3]> = rows.collect();
        let inputs: SmallVec<[&Tensor<S>; 3]> =
            rows.iter().zip(cx.inputs).map(|(row, x)| row.as_ref().unwrap_or(x)).collect();
        let (output, upstream) = (self.row(cx.output), self.row(cx.upstream));
        backward(&Backward { inputs: &inputs, output: &output, upstream: &upstream, ..*cx })
    }

    fn row<S: Scalar>(self, x: &Tensor<S>) -> Tensor<S> {
        let mut dims = [0; crate::MAX_RANK];
        let rank = x.shape().rank();
        dims[..rank].copy_from_slice(x.dims());
        let width = x.len() / dims[0].max(1);
        dims[0] = 1;
        let shape = Shape::new(&dims[..rank]).expect("a row is no larger than the whole");
        Tensor::filled(shape, x.data()[self.index * width..][..width].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_a_row() {
        let x = Tensor::new([3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        let sample = Sample { index: 1, rows: &[true, false] };
        assert_eq!(sample.masked(&x).data(), [0.0, 0.0, 3.0, 4.0, 0.0, 0.0]);
        let w = Tensor::vector(vec![7.0, 8.0]);
        let cx = Backward { inputs: &[&x, &w], output: &x, saved: &[], upstream: &x, needs: &[false, true] };
        sample.alone(&cx, |one| {
            assert_eq!(*one.inputs[0], Tensor::new([1, 2], vec![3.0, 4.0]).unwrap());
            assert_eq!(*one.inputs[1], w);
            assert_eq!((one.output.data(), one.upstream.data()), (&[3.0, 4.0][..], &[3.0, 4.0][..]));
        });
    }

    #[test]
    fn broadcasting_may_move_the_samples() {
        let of = |samples, dims: &[usize]| SampledInput { samples, shape: Shape::new(dims).unwrap() };
        let with = |a: SampledInput, b: SampledInput| {
            let output = a.shape.broadcast(&b.shape, "t").unwrap();
            Samples::aligned(&[a, b], output, Samples::affine_totals)
        };
        let x = of(Samples::Rows, &[3, 2]);
        assert_eq!(with(x, of(Samples::Shared, &[2])), Samples::Rows);
        assert_eq!(with(x, of(Samples::Rows, &[3, 1])), Samples::Rows);
        // Row n of [3] would be added to column n.
        assert!(matches!(with(of(Samples::Rows, &[4, 3]), of(Samples::Rows, &[3])), Samples::Mixed(_)));
        assert!(matches!(with(x, of(Samples::Shared, &[5, 3, 2])), Samples::Mixed(_)));
        assert!(matches!(with(of(Samples::Rows, &[1, 2]), of(Samples::Shared, &[5, 2])), Samples::Mixed(_)));
        assert!(matches!(with(x, of(Samples::Mean, &[2])), Samples::Coupled(_)));
        assert_eq!(with(of(Samples::Mean, &[]), of(Samples::Mean, &[])), Samples::Mean);
        assert!(matches!(with(of(Samples::Mean, &[]), of(Samples::Sum, &[])), Samples::Mixed(_)));
    }
}
