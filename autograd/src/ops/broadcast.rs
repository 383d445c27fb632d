//! What the binary ops share: one broadcasting loop forward, one backward.

use crate::error::Result;
use crate::kernels::buffer;
use crate::kernels::strided::{self, Layout};
use crate::kernels::{axes, map, rows};
use crate::op::{Backward, Forward, Op, inputs_of};
use crate::samples::{Sample, SampledInput, Samples};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// y = f(a, b) over the broadcast shape.
pub(super) fn forward<S: Scalar>(
    op: &'static str,
    inputs: &[&Tensor<S>],
    f: impl Fn(S, S) -> S + Sync,
) -> Result<Forward<S>> {
    let &[a, b] = inputs_of(op, inputs, "2")?;
    let shape = a.shape().broadcast(&b.shape(), op)?;
    let data = if a.shape() == b.shape() {
        map::map2(a.data(), b.data(), f)
    } else if a.shape() == shape && shape.dims().ends_with(b.dims()) && b.len() > 1 {
        // Such as a bias: every row meets the same numbers, which need not be written out for each.
        let (x, b, width) = (a.data(), b.data(), b.len());
        let mut y = buffer::to_overwrite(shape.len());
        rows::for_each_row(&mut y, width, |i, y| {
            let x = &x[i * width..][..width];
            y.iter_mut().zip(x).zip(b).for_each(|((y, &x), &b)| *y = f(x, b));
        });
        y
    } else {
        let (left, right) = (expand(a, shape), expand(b, shape));
        map::map2(&left, &right, f)
    };
    Ok(Forward::of(Tensor::filled(shape, data)))
}

/// The gradients of y = f(a, b): `da(g, a, b, y)` and `db(g, a, b, y)` are g·∂f/∂a and g·∂f/∂b of one element.
pub(super) fn backward<S: Scalar>(
    cx: &Backward<'_, S>,
    da: impl Fn(S, S, S, S) -> S + Sync,
    db: impl Fn(S, S, S, S) -> S + Sync,
) -> Vec<Option<Tensor<S>>> {
    let shape = cx.output.shape();
    let (left, right) = (expand(cx.inputs[0], shape), expand(cx.inputs[1], shape));
    vec![
        cx.needs[0].then(|| sum_to(each(cx, &left, &right, da), shape, cx.inputs[0].shape())),
        cx.needs[1].then(|| sum_to(each(cx, &left, &right, db), shape, cx.inputs[1].shape())),
    ]
}

/// What a binary op does to samples; `totals` as [`Samples::aligned`] says.
pub(super) fn samples(inputs: &[SampledInput], totals: impl FnOnce(&[SampledInput]) -> Samples) -> Samples {
    match inputs[0].shape.broadcast(&inputs[1].shape, "broadcast") {
        Ok(output) => Samples::aligned(inputs, output, totals),
        Err(_) => Samples::Mixed("the operands do not broadcast"),
    }
}

/// The backward pass of one sample: as a batch of one, unless an operand without rows has a row for each sample.
pub(super) fn backward_of_sample<S: Scalar>(
    op: &dyn Op<S>,
    cx: &Backward<'_, S>,
    sample: Sample<'_>,
) -> Vec<Option<Tensor<S>>> {
    let rank = cx.output.shape().rank();
    let is_repeated = |x: &Tensor<S>| x.shape().rank() < rank || x.dims().first() == Some(&1);
    if cx.inputs.iter().zip(sample.rows).all(|(x, &rows)| rows || is_repeated(x)) {
        sample.alone(cx, |cx| op.backward(cx))
    } else {
        op.backward(&Backward { upstream: &sample.masked(cx.upstream), ..*cx })
    }
}

/// d(g, a, b, y) of every element.
fn each<S: Scalar>(
    cx: &Backward<'_, S>,
    left: &[S],
    right: &[S],
    d: impl Fn(S, S, S, S) -> S + Sync,
) -> Vec<S> {
    let (g, y) = (cx.upstream.data(), cx.output.data());
    let mut out = buffer::to_overwrite(g.len());
    map::for_each_chunk(&mut out, |at, out| {
        let here = at..at + out.len();
        let operands = left[here.clone()].iter().zip(&right[here.clone()]);
        let inputs = g[here.clone()].iter().zip(&y[here]).zip(operands);
        for (out, ((&g, &y), (&a, &b))) in out.iter_mut().zip(inputs) {
            *out = d(g, a, b, y);
        }
    });
    out
}

/// The gradient of an operand that is only repeated: the upstream itself, shared, where nothing was.
pub(super) fn pass<S: Scalar>(cx: &Backward<'_, S>, input: usize) -> Tensor<S> {
    let to = cx.inputs[input].shape();
    if to == cx.upstream.shape() {
        cx.upstream.clone()
    } else {
        sum_over_repeats(cx.upstream.data(), cx.upstream.shape(), to)
    }
}

/// The elements of `x` repeated to fill `shape`.
pub(super) fn expand<S: Scalar>(x: &Tensor<S>, shape: Shape) -> std::borrow::Cow<'_, [S]> {
    if x.shape() == shape {
        return x.data().into();
    }
    let strides = x.shape().broadcast_strides(&shape);
    let layout = Layout::new(shape.dims().iter().copied().zip(strides));
    strided::gather(x.data(), layout, 0).into()
}

/// The inverse of broadcasting: sums `full`, of shape `from`, over the axes along which `to` was repeated.
fn sum_to<S: Scalar>(full: Vec<S>, from: Shape, to: Shape) -> Tensor<S> {
    if from == to { Tensor::filled(to, full) } else { sum_over_repeats(&full, from, to) }
}

fn sum_over_repeats<S: Scalar>(full: &[S], from: Shape, to: Shape) -> Tensor<S> {
    let missing = from.rank() - to.rank();
    let is_repeated = |axis: usize| axis < missing || to.dims()[axis - missing] == 1;
    Tensor::filled(to, axes::sum_over(full, from, is_repeated, |_, x| x))
}
