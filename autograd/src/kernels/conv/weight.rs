//! The gradient of the weight.

use rayon::prelude::*;

use super::Geometry;
use super::columns;
use super::tile::{Tile, Tiling};
use crate::kernels::{Gemm, Matrix, MatrixMut, map, reduce};
use crate::scalar::Scalar;

/// The batch is cut into at most this many parts, each summed on its own; the parts are then added in a tree. A
/// constant, so that the order of addition does not depend on the number of threads.
const PARTS: usize = 8;

/// ∂L/∂weight from `dy` = ∂L/∂y.
///
/// Panics unless the slices have the sizes that `geometry` says.
pub fn weight_gradient<S: Scalar>(geometry: &Geometry, x: &[S], dy: &[S]) -> Vec<S> {
    assert_eq!(x.len(), geometry.samples * geometry.input_sample(), "the input fills its shape");
    assert_eq!(
        dy.len(),
        geometry.samples * geometry.output_sample(),
        "the upstream gradient fills its shape"
    );
    let (samples, weights) = (geometry.samples, geometry.groups * geometry.group_weight());
    let parts = samples.min(PARTS);
    let mut sums = vec![S::ZERO; parts * weights];
    if sums.is_empty() {
        return vec![S::ZERO; weights];
    }
    sums.par_chunks_mut(weights).enumerate().for_each(|(part, dw)| {
        add_samples(geometry, part * samples / parts..(part + 1) * samples / parts, x, dy, dw);
    });
    let mut dw = vec![S::ZERO; weights];
    map::for_each_chunk(&mut dw, |at, dw| {
        for (i, dw) in dw.iter_mut().enumerate() {
            let mut terms = [S::ZERO; PARTS];
            for (part, term) in terms[..parts].iter_mut().enumerate() {
                *term = sums[part * weights + at + i];
            }
            *dw = reduce::tree(&mut terms[..parts]);
        }
    });
    dw
}

/// Adds the gradient of a run of samples to `dw`, in order.
fn add_samples<S: Scalar>(
    geometry: &Geometry,
    samples: std::ops::Range<usize>,
    x: &[S],
    dy: &[S],
    dw: &mut [S],
) {
    let tiling = Tiling::new::<S>(geometry);
    let mut scratch = Vec::new();
    for start in samples.clone().step_by(tiling.samples) {
        let samples = start..(start + tiling.samples).min(samples.end);
        for (group, dw) in dw.chunks_exact_mut(geometry.group_weight()).enumerate() {
            for rows in tiling.rows(geometry) {
                let tile = Tile { samples: samples.clone(), group, rows };
                add_tile(geometry, &tiling, x, dy, &tile, &mut scratch, dw);
            }
        }
    }
}

/// dw ← dw + dy · columnsᵀ.
fn add_tile<S: Scalar>(
    geometry: &Geometry,
    tiling: &Tiling,
    x: &[S],
    dy: &[S],
    tile: &Tile,
    scratch: &mut Vec<S>,
    dw: &mut [S],
) {
    let (m, k, n) = (geometry.outputs, tile.positions(geometry), geometry.taps());
    let plane = geometry.output_plane();
    let start_of = |sample| {
        sample * geometry.output_sample() + tile.group * m * plane + tile.rows.start * geometry.width.output
    };
    let c = MatrixMut { data: dw, row: n };
    if tiling.direct {
        let at = tile.samples.start * geometry.input_sample() + tile.group * n * plane;
        let a = Matrix { data: &dy[start_of(tile.samples.start)..], row: plane, column: 1 };
        let b = Matrix { data: &x[at..], row: 1, column: plane };
        return S::gemm(Gemm { m, k, n, a, b, c, accumulate: true });
    }
    scratch.resize((n + m) * tiling.positions(geometry), S::ZERO);
    let (columns, gathered) = scratch.split_at_mut(n * k);
    columns::pack(geometry, x, tile, columns);
    let b = Matrix { data: columns, row: 1, column: k };
    if tile.samples.len() == 1 {
        let a = Matrix { data: &dy[start_of(tile.samples.start)..], row: plane, column: 1 };
        return S::gemm(Gemm { m, k, n, a, b, c, accumulate: true });
    }
    for (out, gathered) in gathered[..m * k].chunks_exact_mut(k).enumerate() {
        for (sample, gathered) in tile.samples.clone().zip(gathered.chunks_exact_mut(plane)) {
            gathered.copy_from_slice(&dy[start_of(sample) + out * plane..][..plane]);
        }
    }
    let a = Matrix { data: gathered, row: k, column: 1 };
    S::gemm(Gemm { m, k, n, a, b, c, accumulate: true });
}
