//! Packing a tile's columns, and adding columns back to the image.

use std::ops::Range;

use super::Geometry;
use super::tile::Tile;
use crate::scalar::Scalar;

/// Writes the columns of `tile` of the batch `x`: row (c, kh, kw) holds what that tap reads at each position, 0 in
/// the padding.
pub(super) fn pack<S: Scalar>(geometry: &Geometry, x: &[S], tile: &Tile, columns: &mut [S]) {
    let (plane, width) = (geometry.input_plane(), tile.positions_of_sample(geometry));
    for (row, columns) in columns.chunks_exact_mut(tile.positions(geometry)).enumerate() {
        let (channel, taps) = split(geometry, row);
        for (sample, out) in tile.samples.clone().zip(columns.chunks_exact_mut(width)) {
            let start = sample * geometry.input_sample() + (tile.group * geometry.channels + channel) * plane;
            pack_plane(geometry, &x[start..][..plane], taps, &tile.rows, out);
        }
    }
}

/// The inverse of [`pack`]: adds the columns of `tile` to the batch `dx`.
pub(super) fn unpack<S: Scalar>(geometry: &Geometry, columns: &[S], tile: &Tile, dx: &mut [S]) {
    let (plane, width) = (geometry.input_plane(), tile.positions_of_sample(geometry));
    for (row, columns) in columns.chunks_exact(tile.positions(geometry)).enumerate() {
        let (channel, taps) = split(geometry, row);
        for (sample, out) in tile.samples.clone().zip(columns.chunks_exact(width)) {
            let start = sample * geometry.input_sample() + (tile.group * geometry.channels + channel) * plane;
            unpack_plane(geometry, out, taps, &tile.rows, &mut dx[start..][..plane]);
        }
    }
}

/// The channel and the taps (kh, kw) of a row of the columns matrix.
fn split(geometry: &Geometry, row: usize) -> (usize, [usize; 2]) {
    let (kh, kw) = (geometry.height.kernel, geometry.width.kernel);
    (row / (kh * kw), [row / kw % kh, row % kw])
}

fn pack_plane<S: Scalar>(
    geometry: &Geometry,
    x: &[S],
    [kh, kw]: [usize; 2],
    rows: &Range<usize>,
    out: &mut [S],
) {
    let (height, width) = (&geometry.height, &geometry.width);
    let inside = width.inside(kw);
    let first =
        if inside.is_empty() { 0 } else { inside.start * width.stride + kw * width.dilation - width.padding };
    for (row, out) in rows.clone().zip(out.chunks_exact_mut(width.output)) {
        let Some(source) = height.source(row, kh) else {
            out.fill(S::ZERO);
            continue;
        };
        let x = &x[source * width.input + first..];
        out[..inside.start].fill(S::ZERO);
        out[inside.end..].fill(S::ZERO);
        let out = &mut out[inside.clone()];
        if width.stride == 1 {
            out.copy_from_slice(&x[..out.len()]);
        } else {
            for (out, x) in out.iter_mut().zip(x.iter().step_by(width.stride)) {
                *out = *x;
            }
        }
    }
}

fn unpack_plane<S: Scalar>(
    geometry: &Geometry,
    columns: &[S],
    [kh, kw]: [usize; 2],
    rows: &Range<usize>,
    dx: &mut [S],
) {
    let (height, width) = (&geometry.height, &geometry.width);
    let inside = width.inside(kw);
    if inside.is_empty() {
        return;
    }
    let first = inside.start * width.stride + kw * width.dilation - width.padding;
    for (row, columns) in rows.clone().zip(columns.chunks_exact(width.output)) {
        let Some(source) = height.source(row, kh) else { continue };
        let dx = &mut dx[source * width.input + first..];
        for (dx, column) in dx.iter_mut().step_by(width.stride).zip(&columns[inside.clone()]) {
            *dx += *column;
        }
    }
}
