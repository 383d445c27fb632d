//! Which algorithm computes a convolution: a pure function of its sizes, unless sums by the definition are asked for.

use super::Geometry;
use super::winograd::Filters;
use crate::kernels::simd::{Level, WIDTH};
use crate::kernels::window::Axis;

/// The fast convolutions of a scalar type, by tiles of `out` × `out` outputs, for the sizes that [`Geometry::winograd_tile`] names.
pub trait FastConvolution<S>: Sync {
    /// y = convolution of `x` with `weight`, plus `bias`; with `turned`, outputs and channels of the weight are exchanged
    /// and its taps turned round.
    fn forward(
        &self,
        geometry: &Geometry,
        out: usize,
        x: &[S],
        weight: (&[S], bool),
        bias: Option<&[S]>,
        y: &mut [S],
    );
    /// ∂L/∂weight from `dy` = ∂L/∂y.
    fn weight_gradient(&self, geometry: &Geometry, out: usize, x: &[S], dy: &[S]) -> Vec<S>;
}

/// [`FastConvolution`] of f32.
#[derive(Debug)]
pub(crate) struct Winograd;

impl FastConvolution<f32> for Winograd {
    fn forward(
        &self,
        geometry: &Geometry,
        out: usize,
        x: &[f32],
        (data, turned): (&[f32], bool),
        bias: Option<&[f32]>,
        y: &mut [f32],
    ) {
        super::winograd::forward(Level::widest(), geometry, out, x, Filters { data, turned }, bias, y);
    }

    fn weight_gradient(&self, geometry: &Geometry, out: usize, x: &[f32], dy: &[f32]) -> Vec<f32> {
        super::winograd::weight_gradient(Level::widest(), geometry, out, x, dy)
    }
}

/// What transforming a number of the input and of the output costs in multiplications of the products, measured with
/// 16 channels.
const TRANSFORM: f64 = 23.0;

impl Geometry {
    /// The side of the output tiles of Winograd's algorithm, 4 or 2, where it is estimated to be faster than sums over
    /// taps: 3×3 taps, stride 1, and enough channels. `None` too if the caller wants sums by the definition.
    pub fn winograd_tile(&self) -> Option<usize> {
        let fits = |a: &Axis| a.kernel == 3 && a.stride == 1 && a.dilation == 1;
        let is_possible = fits(&self.height) && fits(&self.width) && self.groups == 1 && self.samples > 0;
        if self.exact
            || !is_possible
            || self.channels < WIDTH / 2
            || self.outputs < WIDTH / 2
            || self.input_plane() == 0
        {
            return None;
        }
        let direct = (9 * self.channels * self.outputs * self.output_plane()) as f64;
        let rounded = |n: usize| n.next_multiple_of(WIDTH) as f64;
        let (channels, outputs) = (rounded(self.channels), rounded(self.outputs));
        let cost = |out: usize| {
            let tiles = (self.height.output.div_ceil(out) * self.width.output.div_ceil(out)) as f64;
            let products = ((out + 2) * (out + 2)) as f64 * channels * outputs;
            tiles * (products + (out * out) as f64 * TRANSFORM * (channels + outputs))
        };
        let (least, out) =
            [4, 2].map(|out| (cost(out), out)).into_iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
        (least < direct).then_some(out)
    }
}
