//! What the kernels compute, one number at a time: no vectors, no blocks, no scalar type's own loops.

use super::{CONVOLUTIONS, Results, geometry, number, pool_window};
use crate::elementwise::Elementwise;
use crate::kernels::conv::reference;
use crate::kernels::pool::tests::by_definition;
use crate::ops::activation::Swish;
use crate::scalar::Scalar;

fn numbers<S: Scalar>(n: usize, salt: usize) -> Vec<S> {
    (0..n).map(|i| number(i, salt)).collect()
}

/// Σ term(i) in the order that `reduce` states for one block: eight running sums side by side, added pairwise.
fn sum<S: Scalar>(n: usize, term: impl Fn(usize) -> S) -> S {
    let mut lanes = [S::ZERO; 8];
    (0..n).for_each(|i| lanes[i % 8] += term(i));
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// Mean and sum of squared deviations, measured from the first number.
fn moments<S: Scalar>(x: &[S]) -> [S; 2] {
    let Some(&first) = x.first() else { return [S::ZERO; 2] };
    let mean = first + sum(x.len(), |i| x[i] - first) / S::from_f64(x.len() as f64);
    [mean, sum(x.len(), |i| (x[i] - mean) * (x[i] - mean))]
}

/// The place of the first of the largest.
fn largest<S: Scalar>(x: &[S]) -> usize {
    (1..x.len()).fold(0, |best, i| if x[i] > x[best] { i } else { best })
}

fn softmax<S: Scalar>(x: &[S]) -> Vec<S> {
    let top = x[largest(x)];
    let terms: Vec<S> = x.iter().map(|&x| (x - top).exp()).collect();
    let sum = sum(x.len(), |i| terms[i]);
    terms.iter().map(|&term| term / sum).collect()
}

fn log_softmax<S: Scalar>(x: &[S]) -> Vec<S> {
    let top = largest(x);
    // The largest term, 1, is left to ln(1 + …).
    let term = |i: usize| if i == top { S::ZERO } else { (x[i] - x[top]).exp() };
    let log_sum = sum(x.len(), term).ln_1p();
    x.iter().map(|&x_i| x_i - x[top] - log_sum).collect()
}

pub(super) fn elementwise<S: Scalar>(n: usize) -> Results<S> {
    let [x, y, z, out] = [1, 2, 3, 4].map(|salt| numbers::<S>(n, salt));
    let each = |f: &dyn Fn(usize) -> S| (0..n).map(f).collect::<Vec<S>>();
    let swish = Swish::default();
    let every_second = x.iter().copied().step_by(2).collect();
    let mut all = vec![
        ("map", each(&|i| x[i] * x[i])),
        ("map2", each(&|i| x[i] * y[i])),
        ("map3", each(&|i| x[i] * y[i] + z[i])),
        ("add_assign", each(&|i| out[i] + x[i])),
        ("sum", vec![sum(n, |i| x[i]), sum(n, |i| x[i] * y[i])]),
        ("block_sums", vec![sum(n, |i| x[i] * y[i]), sum(n, |i| y[i] + z[i]), sum(n, |i| x[i])]),
        ("moments", moments(&x).to_vec()),
        ("channel sums", vec![sum(n, |i| x[i])]),
        ("sum over an axis", x.clone()),
        ("gather", every_second),
        ("scatter", each(&|i| if i % 2 == 0 { x[i / 2] } else { out[i] })),
        ("values", each(&|i| swish.f(x[i]))),
        ("gradients", each(&|i| z[i] * swish.df(x[i], y[i]))),
        ("values and slopes", each(&|i| swish.f(x[i]) + swish.df(x[i], swish.f(x[i])))),
    ];
    if n > 0 {
        all.push(("softmax", softmax(&x)));
        all.push(("log-softmax", log_softmax(&x)));
    }
    all
}

pub(super) fn pools<S: Scalar>(n: usize) -> Results<S> {
    let window = pool_window(n);
    let out = window.height.output * window.width.output;
    let [maxima, to_maxima, means, to_means] =
        by_definition(&window, false, &numbers::<S>(5 * n, 1), &numbers::<S>(out, 2));
    vec![("maximum", maxima), ("its gradient", to_maxima), ("mean", means), ("its gradient", to_means)]
}

/// Of each result its name, the numbers by the definition in f64, and the size that rounding errors are relative to.
pub(super) type Near = Vec<(&'static str, Vec<f64>, f64)>;

pub(super) fn convolutions<S: Scalar>(n: usize) -> Near {
    let wide =
        |n: usize, salt: usize| -> Vec<f64> { numbers::<S>(n, salt).iter().map(|x| x.to_f64()).collect() };
    let mut all = Vec::new();
    for kind @ (channels, _) in CONVOLUTIONS {
        let g = geometry(kind, n);
        let (x, dy) = (wide(channels * 4 * n, 1), wide(channels * 4 * n, 2));
        let (w, bias) = (wide(channels * channels * 9, 3), wide(channels, 4));
        let mut y = reference::forward(&g, &x, &w);
        y.iter_mut().enumerate().for_each(|(i, y)| *y += bias[i / (4 * n)]);
        let (dx, dw) = reference::gradients(&g, &x, &w, &dy);
        // √Σ x²w², what a sum of terms of random signs comes to.
        let [x, w, dy] = [x, w, dy].map(|x| x.iter().map(|x| x * x).collect::<Vec<f64>>());
        let (dx_size, dw_size) = reference::gradients(&g, &x, &w, &dy);
        let sizes = [reference::forward(&g, &x, &w), dx_size, dw_size];
        let sizes = sizes.map(|squares| (squares.iter().sum::<f64>() / squares.len() as f64).sqrt());
        let names = ["convolution", "its input gradient", "its weight gradient"];
        all.extend(
            names.into_iter().zip([y, dx, dw]).zip(sizes).map(|((name, want), size)| (name, want, size)),
        );
    }
    all
}
