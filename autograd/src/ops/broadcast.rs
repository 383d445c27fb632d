//! What the binary ops share: one broadcasting loop forward, one backward.

use crate::error::Result;
use crate::kernels::map;
use crate::op::{Backward, Forward, inputs_of};
use crate::scalar::Scalar;
use crate::shape::{MAX_RANK, Shape};
use crate::tensor::Tensor;

/// y = f(a, b) over the broadcast shape.
pub(super) fn forward<S: Scalar>(
    op: &'static str,
    inputs: &[Tensor<S>],
    f: impl Fn(S, S) -> S + Sync,
) -> Result<Forward<S>> {
    let [a, b] = inputs_of(op, inputs, "2")?;
    let shape = a.shape().broadcast(&b.shape(), op)?;
    let data = if a.shape() == b.shape() {
        map::map2(a.data(), b.data(), f)
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
    let (a, b, shape) = (&cx.inputs[0], &cx.inputs[1], cx.output.shape());
    // Borrow where nothing is broadcast: the common case touches memory once.
    let (left, right) = (expand(a, shape), expand(b, shape));
    let (g, y) = (cx.upstream.data(), cx.output.data());
    let gradient = |wanted: bool, operand: &Tensor<S>, d: &(dyn Fn(S, S, S, S) -> S + Sync)| {
        wanted.then(|| {
            let mut full = vec![S::ZERO; g.len()];
            map::for_each_chunk(&mut full, |at, out| {
                for (i, out) in out.iter_mut().enumerate() {
                    let i = at + i;
                    *out = d(g[i], left[i], right[i], y[i]);
                }
            });
            sum_to(&full, shape, operand.shape())
        })
    };
    vec![gradient(cx.needs[0], a, &da), gradient(cx.needs[1], b, &db)]
}

/// The elements of `x` repeated to fill `shape`.
fn expand<S: Scalar>(x: &Tensor<S>, shape: Shape) -> std::borrow::Cow<'_, [S]> {
    if x.shape() == shape {
        return x.data().into();
    }
    let strides = x.shape().broadcast_strides(&shape);
    let mut out = vec![S::ZERO; shape.len()];
    map::for_each_chunk(&mut out, |at, out| {
        let mut place = Odometer::at(shape, strides, at);
        for out in out {
            *out = x.data()[place.offset];
            place.step();
        }
    });
    out.into()
}

/// The inverse of broadcasting: sums `full`, of shape `from`, over the axes along which `to` was repeated.
pub(super) fn sum_to<S: Scalar>(full: &[S], from: Shape, to: Shape) -> Tensor<S> {
    if from == to {
        return Tensor::filled(to, full.to_vec());
    }
    let mut out = vec![S::ZERO; to.len()];
    let mut place = Odometer::at(from, to.broadcast_strides(&from), 0);
    for &x in full {
        out[place.offset] += x;
        place.step();
    }
    Tensor::filled(to, out)
}

/// Walks a shape in row-major order and keeps the offset that `strides` give.
struct Odometer {
    shape: Shape,
    strides: [usize; MAX_RANK],
    index: [usize; MAX_RANK],
    offset: usize,
}

impl Odometer {
    fn at(shape: Shape, strides: [usize; MAX_RANK], mut flat: usize) -> Self {
        let mut odometer = Self { shape, strides, index: [0; MAX_RANK], offset: 0 };
        for (axis, &len) in shape.dims().iter().enumerate().rev() {
            odometer.index[axis] = flat % len.max(1);
            odometer.offset += odometer.index[axis] * strides[axis];
            flat /= len.max(1);
        }
        odometer
    }

    fn step(&mut self) {
        for axis in (0..self.shape.rank()).rev() {
            self.index[axis] += 1;
            self.offset += self.strides[axis];
            if self.index[axis] < self.shape.dims()[axis] {
                return;
            }
            self.offset -= self.index[axis] * self.strides[axis];
            self.index[axis] = 0;
        }
    }
}
