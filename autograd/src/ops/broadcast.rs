//! What the binary ops share: one broadcasting loop forward, one backward.

use crate::error::Result;
use crate::kernels::strided::{self, Layout};
use crate::kernels::{axes, map};
use crate::op::{Backward, Forward, inputs_of};
use crate::scalar::Scalar;
use crate::shape::Shape;
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
pub(super) fn expand<S: Scalar>(x: &Tensor<S>, shape: Shape) -> std::borrow::Cow<'_, [S]> {
    if x.shape() == shape {
        return x.data().into();
    }
    let strides = x.shape().broadcast_strides(&shape);
    let layout = Layout::new(shape.dims().iter().copied().zip(strides));
    strided::gather(x.data(), layout, 0).into()
}

/// The inverse of broadcasting: sums `full`, of shape `from`, over the axes along which `to` was repeated.
pub(super) fn sum_to<S: Scalar>(full: &[S], from: Shape, to: Shape) -> Tensor<S> {
    if from == to {
        return Tensor::filled(to, full.to_vec());
    }
    let missing = from.rank() - to.rank();
    let is_repeated = |axis: usize| axis < missing || to.dims()[axis - missing] == 1;
    Tensor::filled(to, axes::sum_over(full, from, is_repeated, |_, x| x))
}
