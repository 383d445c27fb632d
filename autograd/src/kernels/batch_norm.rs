//! Normalization per channel, and its gradients.

use super::buffer;
use super::channels::Channels;
use super::moments::Moments;
use super::reduce;
use crate::scalar::Scalar;

/// One number per channel of everything that the passes share.
#[derive(Debug, Clone, Copy)]
pub struct Statistics<'a, S> {
    /// What is subtracted.
    pub mean: &'a [S],
    /// 1 / √(variance + ε).
    pub inverse_deviation: &'a [S],
}

/// Count, mean and M2 of every channel.
pub fn moments<S: Scalar>(layout: &Channels, x: &[S]) -> Vec<Moments<S>> {
    layout.map(|channel| Moments::of(layout.runs(channel).map(|run| &x[run])))
}

/// 1 / √(variance + ε) of every channel; 0 where that root is 0, so that a constant channel becomes 0, not NaN.
pub fn inverse_deviations<S: Scalar>(variance: &[S], eps: f64) -> Vec<S> {
    let inverse = |&v: &S| {
        let square = v + S::from_f64(eps);
        if square == S::ZERO { S::ZERO } else { S::ONE / square.sqrt() }
    };
    variance.iter().map(inverse).collect()
}

/// y = γ·(x − mean)/deviation + β.
pub fn normalize<S: Scalar>(
    layout: &Channels,
    statistics: &Statistics<'_, S>,
    gamma: &[S],
    beta: &[S],
    x: &[S],
) -> Vec<S> {
    let mut y = buffer::to_overwrite(x.len());
    layout.for_each_run(&mut y, |channel, start, y| {
        let mean = statistics.mean[channel];
        let scale = gamma[channel] * statistics.inverse_deviation[channel];
        let shift = beta[channel];
        for (y, &x) in y.iter_mut().zip(&x[start..]) {
            *y = (x - mean) * scale + shift;
        }
    });
    y
}

/// For every channel, Σ g and Σ g·x̂ where x̂ = (x − mean)/deviation: the gradients of β and of γ.
pub fn gradient_sums<S: Scalar>(
    layout: &Channels,
    statistics: &Statistics<'_, S>,
    x: &[S],
    g: &[S],
) -> Vec<(S, S)> {
    layout.map(|channel| {
        let mean = statistics.mean[channel];
        let of_run = |run: std::ops::Range<usize>| {
            let (x, g) = (&x[run.clone()], &g[run]);
            (reduce::sum(g), reduce::sum_of(x.len(), |i| g[i] * (x[i] - mean)))
        };
        let (mut plain, mut weighted): (Vec<S>, Vec<S>) = layout.runs(channel).map(of_run).unzip();
        (reduce::tree(&mut plain), reduce::tree(&mut weighted) * statistics.inverse_deviation[channel])
    })
}

/// ∂L/∂x when mean and variance are those of x: γ/deviation · (g − mean(g) − x̂·mean(g·x̂)).
pub fn input_gradient<S: Scalar>(
    layout: &Channels,
    statistics: &Statistics<'_, S>,
    gamma: &[S],
    sums: &[(S, S)],
    x: &[S],
    g: &[S],
) -> Vec<S> {
    let count = S::from_f64(layout.count() as f64);
    let mut dx = buffer::to_overwrite(x.len());
    layout.for_each_run(&mut dx, |channel, start, dx| {
        let (mean, inverse) = (statistics.mean[channel], statistics.inverse_deviation[channel]);
        let (plain, weighted) = sums[channel];
        let (mean_g, slope, scale) = (plain / count, weighted / count * inverse, gamma[channel] * inverse);
        for ((dx, &x), &g) in dx.iter_mut().zip(&x[start..]).zip(&g[start..]) {
            *dx = scale * (g - mean_g - (x - mean) * slope);
        }
    });
    dx
}
