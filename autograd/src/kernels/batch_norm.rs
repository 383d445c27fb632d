//! Normalization per channel, and its gradients.

use std::ops::Range;

use rayon::prelude::*;

use super::buffer;
use super::channels::Channels;
use super::map::{AddAssign, for_each_chunk};
use super::moments::Moments;
use super::reduce;
use super::source::{BLOCK, Source, TASK, WriteBlock, scratch, write_stretch};
use super::vector::Loop;
use crate::scalar::Scalar;

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

/// z = γ·(x − mean)/deviation + β, plus a shortcut where there is one: a [`Source`] that keeps x and computes z.
#[derive(Debug, Clone, Copy)]
pub struct Normalized<'a, S> {
    /// The sizes of x.
    pub layout: Channels,
    /// What is subtracted, per channel.
    pub mean: &'a [S],
    /// 1 / √(variance + ε), per channel.
    pub inverse_deviation: &'a [S],
    /// γ, per channel.
    pub gamma: &'a [S],
    /// β, per channel.
    pub beta: &'a [S],
    /// x.
    pub x: &'a [S],
    /// What is added afterwards, element by element.
    pub shortcut: Option<&'a [S]>,
}

/// The gradients of a [`Normalized`].
#[derive(Debug)]
pub struct NormGradients<S> {
    /// ∂L/∂x, if it was asked for.
    pub x: Option<Vec<S>>,
    /// ∂L/∂γ, per channel.
    pub gamma: Vec<S>,
    /// ∂L/∂β, per channel.
    pub beta: Vec<S>,
    /// ∂L/∂z, which is the shortcut's gradient, if it was asked for.
    pub z: Option<Vec<S>>,
    /// The sum of what `write` gave, over blocks cut as [`write_blocks`](super::source::write_blocks) cuts them with
    /// [`Channels::stretch`].
    pub written: S,
}

impl<S: Scalar> Source<S> for Normalized<'_, S> {
    fn stored(&self) -> Option<&[S]> {
        None
    }

    fn copy_to(&self, start: usize, out: &mut [S]) {
        S::vectorized(Read { of: self, start, out: &mut *out });
        if let Some(shortcut) = self.shortcut {
            S::vectorized(AddAssign { x: &shortcut[start..][..out.len()], y: out });
        }
    }
}

impl<S: Scalar> Normalized<'_, S> {
    /// All of z.
    pub fn values(&self) -> Vec<S> {
        let mut z = buffer::to_overwrite(self.x.len());
        for_each_chunk(&mut z, |start, z| self.copy_to(start, z));
        z
    }

    /// For every channel, Σ g and Σ g·x̂ where x̂ = (x − mean)/deviation: the gradients of β and of γ.
    pub fn gradient_sums(&self, g: &[S]) -> Vec<(S, S)> {
        self.layout.map(|channel| {
            self.sums(channel, self.layout.runs(channel).map(|r| self.sums_of_run(r.clone(), &g[r])))
        })
    }

    /// ∂L/∂x when mean and variance are those of x: γ/deviation · (g − mean(g) − x̂·mean(g·x̂)).
    pub fn input_gradient(&self, sums: &[(S, S)], g: &[S]) -> Vec<S> {
        let coefficients = self.coefficients(sums);
        let mut dx = buffer::to_overwrite(g.len());
        self.layout.for_each_stretch(&mut dx, |start, dx| {
            for (i, dx) in dx.chunks_mut(BLOCK).enumerate() {
                let start = start + i * BLOCK;
                dx.copy_from_slice(&g[start..][..dx.len()]);
                S::vectorized(ToInput { of: self, coefficients: &coefficients, start, g: dx });
            }
        });
        dx
    }

    /// The gradients when mean and variance are those of x and ∂L/∂z is what `write` makes of z; it also
    /// returns its block's term of a further sum.
    ///
    /// One pass writes ∂L/∂z and takes its sums while it is in the cache; the other one turns it into ∂L/∂x in place,
    /// unless it is wanted as it is.
    pub fn gradients(&self, wants_x: bool, wants_z: bool, write: WriteBlock<'_, S, S>) -> NormGradients<S> {
        let (mut g, sums, written) = self.write_and_sum(write);
        let x = match (wants_x, wants_z) {
            (true, true) => Some(self.input_gradient(&sums, &g)),
            (true, false) => {
                let coefficients = self.coefficients(&sums);
                self.layout.for_each_stretch(&mut g, |start, g| {
                    S::vectorized(ToInput { of: self, coefficients: &coefficients, start, g });
                });
                Some(std::mem::take(&mut g))
            }
            (false, _) => None,
        };
        let (beta, gamma) = sums.into_iter().unzip();
        NormGradients { x, gamma, beta, z: wants_z.then_some(g), written }
    }

    /// ∂L/∂z, its [sums](Self::gradient_sums) and the sum of what `write` gave. Work is split along memory, so the runs of a
    /// channel are summed by several threads and then put together in the order that `gradient_sums` has.
    fn write_and_sum(&self, write: WriteBlock<'_, S, S>) -> (Vec<S>, Vec<(S, S)>, S) {
        let Channels { samples, channels, positions } = self.layout;
        let mut g = buffer::to_overwrite(self.x.len());
        let mut of_runs = vec![(S::ZERO, S::ZERO); samples * channels];
        let (positions, stretch) = (positions.max(1), self.layout.stretch());
        let (runs, blocks) = (stretch / positions, stretch.div_ceil(BLOCK));
        let mut of_blocks = vec![S::ZERO; g.len().div_ceil(stretch) * blocks];
        let stretches = TASK.div_ceil(stretch);
        let of_tasks =
            of_runs.par_chunks_mut(stretches * runs).zip(of_blocks.par_chunks_mut(stretches * blocks));
        let tasks = g.par_chunks_mut(stretches * stretch).zip(of_tasks).enumerate();
        tasks.for_each(|(task, (g, (of_runs, of_blocks)))| {
            let mut scratch = scratch();
            let parts = of_runs.chunks_mut(runs).zip(of_blocks.chunks_mut(blocks));
            for (i, (g, (of_runs, of_blocks))) in g.chunks_mut(stretch).zip(parts).enumerate() {
                let start = (task * stretches + i) * stretch;
                write_stretch(self, start, g, &mut scratch, of_blocks, write);
                for (k, (g, sums)) in g.chunks(positions).zip(of_runs).enumerate() {
                    let start = start + k * positions;
                    *sums = self.sums_of_run(start..start + positions, g);
                }
            }
        });
        let of_channel = |c: usize| self.sums(c, (0..samples).map(|n| of_runs[n * channels + c]));
        let sums = (0..channels).map(of_channel).collect();
        (g, sums, reduce::tree(&mut of_blocks))
    }

    /// Σ g and Σ g·(x − mean) over one run.
    fn sums_of_run(&self, run: Range<usize>, g: &[S]) -> (S, S) {
        let mean = self.mean[self.layout.channel(run.start)];
        let x = &self.x[run];
        if x.len() <= BLOCK {
            let [plain, weighted] = reduce::block_sums([g, x], |[g, x]| [g, g * (x - mean)]);
            return (plain, weighted);
        }
        (reduce::sum(g), reduce::sum_of_columns([g, x], |[g, x]| g * (x - mean)))
    }

    /// The sums of a channel from those of its runs.
    fn sums(&self, channel: usize, of_runs: impl Iterator<Item = (S, S)>) -> (S, S) {
        let (mut plain, mut weighted): (Vec<S>, Vec<S>) = of_runs.unzip();
        (reduce::tree(&mut plain), reduce::tree(&mut weighted) * self.inverse_deviation[channel])
    }

    fn coefficients(&self, sums: &[(S, S)]) -> Vec<Coefficients<S>> {
        let count = S::from_f64(self.layout.count() as f64);
        let of_channel = |(c, &(plain, weighted)): (usize, &(S, S))| {
            let inverse = self.inverse_deviation[c];
            let (mean_g, slope) = (plain / count, weighted / count * inverse);
            Coefficients { mean_g, slope, scale: self.gamma[c] * inverse }
        };
        sums.iter().enumerate().map(of_channel).collect()
    }
}

/// ∂L/∂x = scale·(g − mean_g − (x − mean)·slope).
#[derive(Clone, Copy)]
struct Coefficients<S> {
    mean_g: S,
    slope: S,
    scale: S,
}

/// γ·(x − mean)/deviation + β from `start` on.
struct Read<'a, S> {
    of: &'a Normalized<'a, S>,
    start: usize,
    out: &'a mut [S],
}

impl<S: Scalar> Loop for Read<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { of, start, mut out } = self;
        let mut at = start;
        while !out.is_empty() {
            let (run, rest) = out.split_at_mut(of.layout.rest_of_run(at).min(out.len()));
            let channel = of.layout.channel(at);
            let (mean, shift) = (of.mean[channel], of.beta[channel]);
            let scale = of.gamma[channel] * of.inverse_deviation[channel];
            for (z, &x) in run.iter_mut().zip(&of.x[at..]) {
                *z = (x - mean) * scale + shift;
            }
            at += run.len();
            out = rest;
        }
    }
}

/// Turns g = ∂L/∂z from `start` on into ∂L/∂x.
struct ToInput<'a, S> {
    of: &'a Normalized<'a, S>,
    coefficients: &'a [Coefficients<S>],
    start: usize,
    g: &'a mut [S],
}

impl<S: Scalar> Loop for ToInput<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { of, coefficients, start, mut g } = self;
        let mut at = start;
        while !g.is_empty() {
            let (run, rest) = g.split_at_mut(of.layout.rest_of_run(at).min(g.len()));
            let channel = of.layout.channel(at);
            let (mean, Coefficients { mean_g, slope, scale }) = (of.mean[channel], coefficients[channel]);
            for (g, &x) in run.iter_mut().zip(&of.x[at..]) {
                *g = scale * (*g - mean_g - (x - mean) * slope);
            }
            at += run.len();
            g = rest;
        }
    }
}
