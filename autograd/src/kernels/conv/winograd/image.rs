//! Between planes of an image and rows of 16 channels.

use std::ops::Range;

use crate::kernels::simd::{Row, Vector, WIDTH};
use crate::kernels::window::Axis;

/// Some channels of one image, each a plane of `height` × `width` numbers.
#[derive(Clone, Copy)]
pub(super) struct Planes<'a> {
    /// The planes one after the other, 16 of them or fewer.
    pub(super) data: &'a [f32],
    pub(super) height: usize,
    pub(super) width: usize,
}

/// Where a strip of an image begins, in rows and columns of it; before 0 and after its end are zeros.
#[derive(Clone, Copy)]
pub(super) struct Corner {
    pub(super) row: usize,
    /// Zeros before the image's first row.
    pub(super) above: usize,
    /// Zeros before its first column.
    pub(super) left: usize,
}

impl Corner {
    /// The corner of the strip under the windows of output row `row`.
    pub(super) fn under(row: usize, height: &Axis, width: &Axis) -> Self {
        Self { row, above: height.padding, left: width.padding }
    }
}

/// Fills `strip`, lines of `line` rows of channels each, from the planes.
///
/// Columns outside of the image are left as they are: they have to be zero, as they are in a fresh strip.
#[inline(always)]
pub(super) fn fill<V: Vector>(planes: Planes<'_>, corner: Corner, line: usize, strip: &mut [Row]) {
    let Planes { data, height, width } = planes;
    let plane = height * width;
    let channels = data.len() / plane;
    for (i, strip) in strip.chunks_exact_mut(line).enumerate() {
        let source = (corner.row + i).checked_sub(corner.above).filter(|&row| row < height);
        let strip = &mut strip[corner.left..];
        let visible = width.min(strip.len());
        let Some(source) = source else {
            strip[..visible].fill([0.0; WIDTH]);
            continue;
        };
        let rows = &data[source * width..];
        let whole = if channels == WIDTH { visible / 8 * 8 } else { 0 };
        for (j, eight) in strip[..whole].as_chunks_mut::<8>().0.iter_mut().enumerate() {
            for half in 0..2 {
                let mut planes = [&[0.0; 8]; 8];
                for c in 0..8 {
                    planes[c] = rows[(8 * half + c) * plane + 8 * j..].first_chunk().expect("eight columns");
                }
                V::transpose(planes, eight, half);
            }
        }
        for (j, out) in strip.iter_mut().enumerate().take(visible).skip(whole) {
            for (c, out) in out.iter_mut().enumerate().take(channels) {
                *out = rows[c * plane + j];
            }
        }
    }
}

/// Writes lines of rows of channels, `line` rows each, to the lines `lines` of planes, whose number decides how many
/// channels are real; `bias` is added to each.
#[inline(always)]
pub(super) fn write<V: Vector>(
    strip: &[Row],
    line: usize,
    lines: Range<usize>,
    bias: Option<&[f32]>,
    (height, width): (usize, usize),
    planes: &mut [f32],
) {
    let plane = height * width;
    let channels = planes.len() / plane;
    for (i, strip) in lines.zip(strip.chunks_exact(line)) {
        let rows = &mut planes[i * width..];
        let whole = if channels == WIDTH { width / 8 * 8 } else { 0 };
        for (j, eight) in strip[..whole].as_chunks::<8>().0.iter().enumerate() {
            for half in 0..2 {
                let mut columns = [[0.0; 8]; 8];
                V::transpose_back(eight, half, &mut columns);
                for (c, column) in columns.iter().enumerate() {
                    let channel = 8 * half + c;
                    let out = &mut rows[channel * plane + 8 * j..][..8];
                    match bias {
                        Some(bias) => out.iter_mut().zip(column).for_each(|(y, x)| *y = x + bias[channel]),
                        None => out.copy_from_slice(column),
                    }
                }
            }
        }
        for (j, row) in strip.iter().enumerate().take(width).skip(whole) {
            for (c, x) in row.iter().enumerate().take(channels) {
                rows[c * plane + j] = bias.map_or(*x, |bias| x + bias[c]);
            }
        }
    }
}
