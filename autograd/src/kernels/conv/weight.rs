//! The gradient of the weight.

use std::ops::Range;

use rayon::prelude::*;

use super::Geometry;
use super::columns;
use super::tile::{Tile, Tiling};
use crate::kernels::buffer::{self, Buffer};
use crate::kernels::{Gemm, Matrix, MatrixMut, reduce};
use crate::scalar::Scalar;

/// There are at least this many tasks if there are as many samples. A constant, so that the order of addition does
/// not depend on the number of threads.
const TASKS: usize = 8;

/// ∂L/∂weight from `dy` = ∂L/∂y.
///
/// The work is cut by groups and channels, which share no output. Where that gives few tasks the batch is cut too:
/// each part of it has a sum of its own, and these are added in a tree.
///
/// Panics unless the slices have the sizes that `geometry` says.
pub fn weight_gradient<S: Scalar>(geometry: &Geometry, x: &[S], dy: &[S]) -> Vec<S> {
    assert_eq!(x.len(), geometry.samples * geometry.input_sample(), "the input fills its shape");
    assert_eq!(
        dy.len(),
        geometry.samples * geometry.output_sample(),
        "the upstream gradient fills its shape"
    );
    let weights = geometry.groups * geometry.group_weight();
    if dy.is_empty() || weights == 0 {
        return vec![S::ZERO; weights];
    }
    if let Some((out, fast)) = geometry.winograd_tile().zip(S::fast_convolution()) {
        return fast.weight_gradient(geometry, out, x, dy);
    }
    let tiling = Tiling::new::<S>(geometry);
    let blocks: Vec<(usize, Range<usize>)> =
        (0..geometry.groups).flat_map(|group| tiling.channels(geometry).map(move |c| (group, c))).collect();
    let parts = TASKS.div_ceil(blocks.len()).min(geometry.samples);
    let mut sums = Buffer::new(buffer::zeros(parts * weights));
    let mut rest = &mut *sums;
    let mut tasks = Vec::with_capacity(parts * blocks.len());
    for part in 0..parts {
        let samples = part * geometry.samples / parts..(part + 1) * geometry.samples / parts;
        for (group, channels) in &blocks {
            let (dw, after) = rest.split_at_mut(geometry.outputs * channels.len() * geometry.window());
            rest = after;
            tasks.push((samples.clone(), *group, channels.clone(), dw));
        }
    }
    tasks.into_par_iter().for_each(|(samples, group, channels, dw)| {
        let mut scratch = Vec::new();
        for samples in tiling.samples(samples) {
            for rows in tiling.rows(geometry) {
                let tile = Tile { samples: samples.clone(), group, channels: channels.clone(), rows };
                add_tile(geometry, &tiling, x, dy, &tile, &mut scratch, dw);
            }
        }
    });
    combine(geometry, &tiling, &sums)
}

/// Adds the parts' sums, and puts the channels of each output side by side again.
fn combine<S: Scalar>(geometry: &Geometry, tiling: &Tiling, sums: &[S]) -> Vec<S> {
    let (weights, taps) = (geometry.groups * geometry.group_weight(), geometry.taps());
    let mut dw = buffer::to_overwrite(weights);
    dw.par_chunks_mut(taps).enumerate().with_min_len(16).for_each_init(Vec::new, |terms, (row, dw)| {
        let (group, out) = (row / geometry.outputs, row % geometry.outputs);
        for channels in tiling.channels(geometry) {
            let (start, width) = (channels.start * geometry.window(), channels.len() * geometry.window());
            let place = group * geometry.group_weight() + geometry.outputs * start + out * width;
            for (i, dw) in dw[start..][..width].iter_mut().enumerate() {
                terms.clear();
                terms.extend(sums.chunks_exact(weights).map(|part| part[place + i]));
                *dw = reduce::tree(terms);
            }
        }
    });
    dw
}

/// dw ← dw + dy · columnsᵀ, where `dw` has the channels of the tile only.
fn add_tile<S: Scalar>(
    geometry: &Geometry,
    tiling: &Tiling,
    x: &[S],
    dy: &[S],
    tile: &Tile,
    scratch: &mut Vec<S>,
    dw: &mut [S],
) {
    let (m, k, n) = (geometry.outputs, tile.positions(geometry), tile.taps(geometry));
    let plane = geometry.output_plane();
    let start_of = |sample| {
        sample * geometry.output_sample() + tile.group * m * plane + tile.rows.start * geometry.width.output
    };
    let first = &dy[start_of(tile.samples.start)..];
    let c = MatrixMut { data: dw, row: n };
    if tiling.direct {
        let at = tile.samples.start * geometry.input_sample() + tile.group * n * plane;
        let a = Matrix { data: first, row: plane, column: 1 };
        let b = Matrix { data: &x[at..], row: 1, column: plane };
        return S::gemm(Gemm { m, k, n, a, b, c, accumulate: true });
    }
    let is_alone = tile.samples.len() == 1;
    let beside = if is_alone { 0 } else { m * k };
    scratch.resize(beside + n * k, S::ZERO);
    let (gathered, columns) = scratch.split_at_mut(beside);
    columns::pack(geometry, x, tile, columns);
    let b = Matrix { data: columns, row: 1, column: k };
    let a = if is_alone {
        Matrix { data: first, row: plane, column: 1 }
    } else {
        gather(geometry, dy, &start_of, tile, gathered);
        Matrix { data: gathered, row: k, column: 1 }
    };
    S::gemm(Gemm { m, k, n, a, b, c, accumulate: true });
}

/// The output gradients of several samples side by side: row o holds those of output o.
fn gather<S: Scalar>(
    geometry: &Geometry,
    dy: &[S],
    start_of: &impl Fn(usize) -> usize,
    tile: &Tile,
    gathered: &mut [S],
) {
    let plane = geometry.output_plane();
    for (out, gathered) in gathered.chunks_exact_mut(tile.positions(geometry)).enumerate() {
        for (sample, gathered) in tile.samples.clone().zip(gathered.chunks_exact_mut(plane)) {
            gathered.copy_from_slice(&dy[start_of(sample) + out * plane..][..plane]);
        }
    }
}
