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
    match mirrored(geometry) {
        Some(mirror) => forward(&mirror, dy, &turned(geometry, weight), None, dx),
        None => scatter(geometry, weight, dy, dx),
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
    let tiling = Tiling::new::<S>(geometry);
    let one = Geometry { samples: 1, ..*geometry };
    let (m, k, plane) = (geometry.taps(), geometry.outputs, geometry.output_plane());
    dx.par_chunks_mut(geometry.input_sample()).enumerate().for_each_init(
        Vec::new,
        |columns, (sample, dx)| {
            dx.fill(S::ZERO);
            for group in 0..geometry.groups {
                let weight = &weight[group * geometry.group_weight()..][..geometry.group_weight()];
                for rows in tiling.rows(geometry) {
                    let tile = Tile { samples: 0..1, group, rows };
                    let n = tile.positions(&one);
                    columns.resize(m * n, S::ZERO);
                    let start = (sample * geometry.groups + group) * k * plane
                        + tile.rows.start * geometry.width.output;
                    S::gemm(Gemm {
                        m,
                        k,
                        n,
                        a: Matrix { data: weight, row: 1, column: m },
                        b: Matrix { data: &dy[start..], row: plane, column: 1 },
                        c: MatrixMut { data: columns, row: n },
                        accumulate: false,
                    });
                    columns::unpack(&one, columns, &tile, dx);
                }
            }
        },
    );
}
