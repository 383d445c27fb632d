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
        let (channel, taps) = split(geometry, tile, row);
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
        let (channel, taps) = split(geometry, tile, row);
        for (sample, out) in tile.samples.clone().zip(columns.chunks_exact(width)) {
            let start = sample * geometry.input_sample() + (tile.group * geometry.channels + channel) * plane;
            unpack_plane(geometry, out, taps, &tile.rows, &mut dx[start..][..plane]);
        }
    }
}

/// The channel and the taps (kh, kw) of a row of the columns matrix.
fn split(geometry: &Geometry, tile: &Tile, row: usize) -> (usize, [usize; 2]) {
    let (kh, kw) = (geometry.height.kernel, geometry.width.kernel);
    (tile.channels.start + row / (kh * kw), [row / kw % kh, row % kw])
}

/// What the taps (kh, kw) read of one channel at the output rows `rows`.
fn pack_plane<S: Scalar>(
    geometry: &Geometry,
    x: &[S],
    [kh, kw]: [usize; 2],
    rows: &Range<usize>,
    out: &mut [S],
) {
    let (height, width) = (&geometry.height, &geometry.width);
    let inside = width.inside(kw);
    if inside.is_empty() {
        return out.fill(S::ZERO);
    }
    if height.stride == 1 && width.stride == 1 && width.input == width.output {
        return pack_shifted(geometry, x, [kh, kw], rows, out);
    }
    let first = inside.start * width.stride + kw * width.dilation - width.padding;
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
            every(width.stride, x, out);
        }
    }
}

/// Every `stride`-th number of `x`.
fn every<S: Scalar>(stride: usize, x: &[S], out: &mut [S]) {
    if stride == 2 {
        // The compiler makes vectors of this, which it does not of any stride; the last number may have no successor.
        let (pairs, _) = x.as_chunks::<2>();
        let whole = out.len().min(pairs.len());
        for (out, pair) in out.iter_mut().zip(pairs) {
            *out = pair[0];
        }
        if let Some(last) = out.get_mut(whole) {
            *last = x[2 * whole];
        }
        return;
    }
    for (i, out) in out.iter_mut().enumerate() {
        *out = x[i * stride];
    }
}

/// [`pack_plane`] where output rows are as long as input rows and the stride is 1: all rows are one run of the input,
/// shifted by a constant, but for the padding at their ends.
fn pack_shifted<S: Scalar>(
    geometry: &Geometry,
    x: &[S],
    [kh, kw]: [usize; 2],
    rows: &Range<usize>,
    out: &mut [S],
) {
    let (height, width) = (&geometry.height, &geometry.width);
    let inside = height.inside(kh);
    let inside = inside.start.max(rows.start)..inside.end.min(rows.end);
    let place = |row: usize| (row - rows.start) * width.output;
    if inside.is_empty() {
        return out.fill(S::ZERO);
    }
    out[..place(inside.start)].fill(S::ZERO);
    out[place(inside.end)..].fill(S::ZERO);
    let out = &mut out[place(inside.start)..place(inside.end)];
    // The run may begin before the plane and end after it; what it lacks there is padding.
    let start = (inside.start + kh * height.dilation - height.padding) * width.input + kw * width.dilation;
    let before = width.padding.saturating_sub(start);
    let source = &x[(start + before - width.padding).min(x.len())..];
    let length = source.len().min(out.len() - before);
    out[before..before + length].copy_from_slice(&source[..length]);
    let inside = width.inside(kw);
    for out in out.chunks_exact_mut(width.output) {
        out[..inside.start].fill(S::ZERO);
        out[inside.end..].fill(S::ZERO);
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
