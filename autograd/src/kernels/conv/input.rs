//! The gradient of the input.

use rayon::prelude::*;

use super::Geometry;
use super::columns;
use super::forward::forward;
use super::tile::{Tile, Tiling};
use crate::kernels::window::Axis;
use crate::kernels::{Gemm, Matrix, MatrixMut};
use crate::scalar::Scalar;

/// ∂L/∂x from `dy` = ∂L/∂y; `dx` is overwritten.
///
/// Panics unless the slices have the sizes that `geometry` says.
pub fn input_gradient<S: Scalar>(geometry: &Geometry, weight: &[S], dy: &[S], dx: &mut [S]) {
    assert_eq!(dx.len(), geometry.samples * geometry.input_sample(), "the gradient fills its shape");
    assert_eq!(weight.len(), geometry.groups * geometry.group_weight(), "the weight fills its shape");
    assert_eq!(
        dy.len(),
        geometry.samples * geometry.output_sample(),
        "the upstream gradient fills its shape"
    );
    if dx.is_empty() {
        return;
    }
    let Some(mirror) = mirrored(geometry) else { return scatter(geometry, weight, dy, dx) };
    match mirror.winograd_tile().zip(S::fast_convolution()) {
        Some((out, fast)) => fast.forward(&mirror, out, dy, (weight, true), None, dx),
        None => forward(&mirror, dy, &turned(geometry, weight), None, dx),
    }
}

/// The convolution of dy that yields dx, which exists for stride 1: x[i] gets w[t]·dy[i + padding − t·dilation],
/// a correlation with the taps in reverse and the padding dilation·(kernel − 1) − padding.
fn mirrored(geometry: &Geometry) -> Option<Geometry> {
    let mirror = |axis: &Axis| {
        let padding = (axis.dilation * (axis.kernel - 1)).checked_sub(axis.padding)?;
        let mirror = Axis::new(axis.output, axis.kernel, 1, padding, axis.dilation)?;
        (axis.stride == 1).then_some(mirror)
    };
    let (height, width) = (mirror(&geometry.height)?, mirror(&geometry.width)?);
    Some(Geometry { channels: geometry.outputs, outputs: geometry.channels, height, width, ..*geometry })
}

/// The weight with outputs and channels of each group exchanged and the taps in reverse.
fn turned<S: Scalar>(geometry: &Geometry, weight: &[S]) -> Vec<S> {
    let (outputs, channels) = (geometry.outputs, geometry.channels);
    let taps = geometry.height.kernel * geometry.width.kernel;
    let mut turned = Vec::with_capacity(weight.len());
    for weight in weight.chunks_exact(geometry.group_weight()) {
        for channel in 0..channels {
            for output in 0..outputs {
                turned.extend(weight[(output * channels + channel) * taps..][..taps].iter().rev());
            }
        }
    }
    turned
}

/// Any stride: columns gradient = weightᵀ · dy, added back to the image.
fn scatter<S: Scalar>(geometry: &Geometry, weight: &[S], dy: &[S], dx: &mut [S]) {
    let one = Geometry { samples: 1, ..*geometry };
    let tiling = Tiling::new::<S>(&one);
    dx.par_chunks_mut(geometry.input_sample()).zip(dy.par_chunks(geometry.output_sample())).for_each_init(
        Vec::new,
        |columns, (dx, dy)| {
            dx.fill(S::ZERO);
            for group in 0..geometry.groups {
                for rows in tiling.rows(&one) {
                    for channels in tiling.channels(&one) {
                        let tile = Tile { samples: 0..1, group, channels, rows: rows.clone() };
                        tile_scatter(&one, weight, dy, &tile, columns, dx);
                    }
                }
            }
        },
    );
}

/// One tile of one sample.
fn tile_scatter<S: Scalar>(
    geometry: &Geometry,
    weight: &[S],
    dy: &[S],
    tile: &Tile,
    columns: &mut Vec<S>,
    dx: &mut [S],
) {
    let (m, k, n) = (tile.taps(geometry), geometry.outputs, tile.positions(geometry));
    let plane = geometry.output_plane();
    columns.resize(m * n, S::ZERO);
    let weight = &weight[tile.group * geometry.group_weight() + tile.channels.start * geometry.window()..];
    let dy = &dy[tile.group * k * plane + tile.rows.start * geometry.width.output..];
    let a = Matrix { data: weight, row: 1, column: geometry.taps() };
    let b = Matrix { data: dy, row: plane, column: 1 };
    S::gemm(Gemm { m, k, n, a, b, c: MatrixMut { data: columns, row: n }, accumulate: false });
    columns::unpack(geometry, columns, tile, dx);
}
