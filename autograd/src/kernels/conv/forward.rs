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
    if let Some((out, fast)) = geometry.winograd_tile().zip(S::fast_convolution()) {
        return fast.forward(geometry, out, x, (weight, false), bias, y);
    }
    let tiling = Tiling::new::<S>(geometry);
    let block = tiling.samples * geometry.output_sample();
    y.par_chunks_mut(block).enumerate().for_each_init(Vec::new, |scratch, (i, y)| {
        let start = i * tiling.samples;
        let samples = start..start + y.len() / geometry.output_sample();
        for group in 0..geometry.groups {
            let weight = &weight[group * geometry.group_weight()..][..geometry.group_weight()];
            for rows in tiling.rows(geometry) {
                let tile = Tile { samples: samples.clone(), group, channels: 0..geometry.channels, rows };
                if tiling.direct {
                    tile_direct(geometry, x, weight, &tile, y);
                } else {
                    tile_packed(geometry, &tiling, x, weight, tile, scratch, y);
                }
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

/// One image without packing; `y` holds its sample.
fn tile_direct<S: Scalar>(geometry: &Geometry, x: &[S], weight: &[S], tile: &Tile, y: &mut [S]) {
    let (m, k, plane) = (geometry.outputs, geometry.taps(), geometry.output_plane());
    let at = tile.samples.start * geometry.input_sample() + tile.group * k * plane;
    let a = Matrix { data: weight, row: k, column: 1 };
    let b = Matrix { data: &x[at..], row: plane, column: 1 };
    let c = MatrixMut { data: &mut y[tile.group * m * plane..], row: plane };
    S::gemm(Gemm { m, k, n: plane, a, b, c, accumulate: false });
}

/// Some rows of one image, or several images; `y` holds the tile's samples.
fn tile_packed<S: Scalar>(
    geometry: &Geometry,
    tiling: &Tiling,
    x: &[S],
    weight: &[S],
    mut tile: Tile,
    scratch: &mut Vec<S>,
    y: &mut [S],
) {
    let (m, n, plane) = (geometry.outputs, tile.positions(geometry), geometry.output_plane());
    let start = tile.group * m * plane + tile.rows.start * geometry.width.output;
    let is_alone = tile.samples.len() == 1;
    // The channels of one sample are not followed by those of the next: several samples are computed side by side
    // and then sorted in.
    let beside = if is_alone { 0 } else { m * n };
    scratch.resize(beside + tiling.taps(geometry) * n, S::ZERO);
    let (result, columns) = scratch.split_at_mut(beside);
    for channels in tiling.channels(geometry) {
        tile.channels = channels;
        let k = tile.taps(geometry);
        let accumulate = tile.channels.start > 0;
        columns::pack(geometry, x, &tile, &mut columns[..k * n]);
        let weight = &weight[tile.channels.start * geometry.window()..];
        let a = Matrix { data: weight, row: geometry.taps(), column: 1 };
        let b = Matrix { data: columns, row: n, column: 1 };
        let c = if is_alone {
            MatrixMut { data: &mut y[start..], row: plane }
        } else {
            MatrixMut { data: result, row: n }
        };
        S::gemm(Gemm { m, k, n, a, b, c, accumulate });
    }
    if is_alone {
        return;
    }
    for (sample, y) in y.chunks_exact_mut(geometry.output_sample()).enumerate() {
        for (out, y) in y[start..][..m * plane].chunks_exact_mut(plane).enumerate() {
            y.copy_from_slice(&result[out * n + sample * plane..][..plane]);
        }
    }
}
