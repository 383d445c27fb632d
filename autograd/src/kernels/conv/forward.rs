//! Output = weight · columns, tile by tile.

use rayon::prelude::*;

use super::Geometry;
use super::columns;
use super::tile::{Tile, Tiling};
use crate::kernels::{Gemm, Matrix, MatrixMut};
use crate::scalar::Scalar;

/// y = convolution of `x` with `weight`, plus `bias` of each output channel. `y` is overwritten.
///
/// Panics unless the slices have the sizes that `geometry` says.
pub fn forward<S: Scalar>(geometry: &Geometry, x: &[S], weight: &[S], bias: Option<&[S]>, y: &mut [S]) {
    assert_eq!(x.len(), geometry.samples * geometry.input_sample(), "the input fills its shape");
    assert_eq!(weight.len(), geometry.groups * geometry.group_weight(), "the weight fills its shape");
    assert_eq!(y.len(), geometry.samples * geometry.output_sample(), "the output fills its shape");
    let tiling = Tiling::new::<S>(geometry);
    let block = tiling.samples * geometry.output_sample();
    y.par_chunks_mut(block).enumerate().for_each_init(Vec::new, |scratch, (i, y)| {
        let start = i * tiling.samples;
        let samples = start..start + y.len() / geometry.output_sample();
        for group in 0..geometry.groups {
            let weight = &weight[group * geometry.group_weight()..][..geometry.group_weight()];
            for rows in tiling.rows(geometry) {
                let tile = Tile { samples: samples.clone(), group, rows };
                tile_forward(geometry, &tiling, x, weight, &tile, scratch, y);
            }
        }
        if let Some(bias) = bias {
            for (plane, y) in y.chunks_exact_mut(geometry.output_plane()).enumerate() {
                let bias = bias[plane % bias.len()];
                y.iter_mut().for_each(|y| *y += bias);
            }
        }
    });
}

/// One tile; `y` holds the tile's samples.
fn tile_forward<S: Scalar>(
    geometry: &Geometry,
    tiling: &Tiling,
    x: &[S],
    weight: &[S],
    tile: &Tile,
    scratch: &mut Vec<S>,
    y: &mut [S],
) {
    let (m, k, n) = (geometry.outputs, geometry.taps(), tile.positions(geometry));
    let plane = geometry.output_plane();
    let a = Matrix { data: weight, row: k, column: 1 };
    let start = tile.group * m * plane + tile.rows.start * geometry.width.output;
    if tiling.direct {
        let at = tile.samples.start * geometry.input_sample() + tile.group * k * plane;
        let b = Matrix { data: &x[at..][..k * plane], row: plane, column: 1 };
        let c = MatrixMut { data: &mut y[start..], row: plane };
        return S::gemm(Gemm { m, k, n, a, b, c, accumulate: false });
    }
    scratch.resize((k + m) * tiling.positions(geometry), S::ZERO);
    let (columns, result) = scratch.split_at_mut(k * n);
    columns::pack(geometry, x, tile, columns);
    let b = Matrix { data: columns, row: n, column: 1 };
    if tile.samples.len() == 1 {
        let c = MatrixMut { data: &mut y[start..], row: plane };
        return S::gemm(Gemm { m, k, n, a, b, c, accumulate: false });
    }
    // The channels of one sample are not those of the next: compute side by side, then sort in.
    S::gemm(Gemm { m, k, n, a, b, c: MatrixMut { data: result, row: n }, accumulate: false });
    for (sample, y) in y.chunks_exact_mut(geometry.output_sample()).enumerate() {
        for (out, y) in y[start..][..m * plane].chunks_exact_mut(plane).enumerate() {
            y.copy_from_slice(&result[out * n + sample * plane..][..plane]);
        }
    }
}
