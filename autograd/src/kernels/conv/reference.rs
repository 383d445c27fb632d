//! Convolution and its gradients by the definition: the twin that the fast passes are tested against.

use super::Geometry;
use crate::scalar::Scalar;

/// Calls `f(place in x, place in weight, place in y)` for every product of the convolution.
fn products(g: &Geometry, mut f: impl FnMut(usize, usize, usize)) {
    let (h, w) = (&g.height, &g.width);
    for n in 0..g.samples {
        for o in 0..g.groups * g.outputs {
            let group = o / g.outputs;
            for (oh, ow) in pairs(h.output, w.output) {
                for c in 0..g.channels {
                    for (kh, kw) in pairs(h.kernel, w.kernel) {
                        let (Some(ih), Some(iw)) = (h.source(oh, kh), w.source(ow, kw)) else { continue };
                        let x = ((n * g.groups + group) * g.channels + c) * h.input + ih;
                        let weight = (o * g.channels + c) * h.kernel + kh;
                        let y = (n * g.groups * g.outputs + o) * h.output + oh;
                        f(x * w.input + iw, weight * w.kernel + kw, y * w.output + ow);
                    }
                }
            }
        }
    }
}

fn pairs(a: usize, b: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..a).flat_map(move |i| (0..b).map(move |j| (i, j)))
}

/// y without bias.
pub(in crate::kernels) fn forward<S: Scalar>(g: &Geometry, x: &[S], weight: &[S]) -> Vec<S> {
    let mut y = vec![S::ZERO; g.output_dims().iter().product()];
    products(g, |i, j, k| y[k] += x[i] * weight[j]);
    y
}

/// ∂L/∂x and ∂L/∂weight.
pub(in crate::kernels) fn gradients<S: Scalar>(
    g: &Geometry,
    x: &[S],
    weight: &[S],
    dy: &[S],
) -> (Vec<S>, Vec<S>) {
    let (mut dx, mut dw) = (vec![S::ZERO; x.len()], vec![S::ZERO; weight.len()]);
    products(g, |i, j, k| {
        dx[i] += dy[k] * weight[j];
        dw[j] += dy[k] * x[i];
    });
    (dx, dw)
}
