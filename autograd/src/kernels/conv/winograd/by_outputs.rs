//! Both passes with many channels and few tiles, cut by outputs instead of by tiles.
//!
//! Transformed weights are four times as many as weights, too many to be read once more for every block of tiles. Here
//! the inputs of a run of images are transformed first; then each task transforms the filters of 16 outputs, which stay
//! in its core's cache, and multiplies them with all tiles of the run.

use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;

use super::forward::{apart, invert, line, positions, rows, transform_input};
use super::transform::Transform;
use super::weight::{Filters, Panel};
use super::weight_gradient::{finish, lines, transform_upstream};
use super::{TileRows, Tiles, product};
use crate::kernels::buffer::{self, Buffer};
use crate::kernels::conv::Geometry;
use crate::kernels::simd::{Kernel, Level, Row, Vector, WIDTH, dispatch_to};

/// With more bytes of transformed weights than this they are not read once more for every block of tiles.
pub(super) const WEIGHT_BYTES: usize = 16 << 20;
/// The same where they are sums, which are read and written.
pub(super) const GRADIENT_BYTES: usize = 4 << 20;
/// Bytes of the transformed inputs of a run of images.
const RUN_BYTES: usize = 10 << 20;

/// The images, a run at a time: as many as their transformed inputs allow. A function of the shape alone, since it
/// decides the order of sums over images.
pub(super) fn runs(geometry: &Geometry, tiles: &Tiles) -> impl Iterator<Item = Range<usize>> + use<> {
    let image = tiles.positions() * tiles.channels * tiles.of_image() * size_of::<Row>();
    let most = (RUN_BYTES / image).max(1);
    let count = geometry.samples.div_ceil(most);
    let samples = geometry.samples;
    (0..count).map(move |i| i * samples / count..(i + 1) * samples / count)
}

/// The transformed inputs of a run, `[position][channels / 16][tile]`.
struct Inputs {
    rows: TileRows,
    /// Tiles of the run.
    tiles: usize,
    /// Distance between positions.
    apart: usize,
    data: Buffer<f32>,
}

impl Inputs {
    fn new<T: Transform<M, A>, const M: usize, const A: usize>(
        level: Level,
        geometry: &Geometry,
        tiles: &Tiles,
        run: Range<usize>,
        x: &[f32],
    ) -> Self {
        let all = TileRows { rows: run.start * tiles.down..run.end * tiles.down, down: tiles.down };
        let count = run.len() * tiles.of_image();
        let apart = apart(tiles.channels * count);
        let mut data = rows(A * A * apart);
        let mut panels: Vec<Vec<&mut [Row]>> =
            (0..tiles.channels).map(|_| Vec::with_capacity(A * A)).collect();
        for position in data.as_chunks_mut::<WIDTH>().0.chunks_exact_mut(apart) {
            for (into, rows) in panels.iter_mut().zip(position.chunks_exact_mut(count)) {
                into.push(rows);
            }
        }
        panels.into_par_iter().enumerate().for_each_init(
            || rows(A * line(tiles, geometry)),
            |strip, (panel, out)| {
                let strip = strip.as_chunks_mut::<WIDTH>().0;
                strip.fill([0.0; WIDTH]);
                let transform = PhantomData::<T>;
                dispatch_to(
                    level,
                    Input::<T, M, A> { geometry, tiles, rows: &all, panel, x, strip, out, transform },
                );
            },
        );
        Self { rows: all, tiles: count, apart, data }
    }
}

/// 16 channels of a run.
struct Input<'a, 'b, T, const M: usize, const A: usize> {
    geometry: &'a Geometry,
    tiles: &'a Tiles,
    rows: &'a TileRows,
    panel: usize,
    x: &'a [f32],
    strip: &'a mut [Row],
    out: Vec<&'b mut [Row]>,
    transform: PhantomData<T>,
}

impl<T: Transform<M, A>, const M: usize, const A: usize> Kernel for Input<'_, '_, T, M, A> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(mut self) {
        let Self { geometry, tiles, rows, panel, x, strip, out, .. } = &mut self;
        transform_input::<T, V, M, A>(geometry, tiles, rows, *panel, x, strip, out);
    }
}

/// See [`super::forward`].
pub(super) fn forward<T: Transform<M, A> + Sync, const M: usize, const A: usize>(
    level: Level,
    geometry: &Geometry,
    tiles: &Tiles,
    x: &[f32],
    filters: Filters<'_>,
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    let plane = geometry.output_plane();
    for run in runs(geometry, tiles) {
        let inputs = Inputs::new::<T, M, A>(level, geometry, tiles, run.clone(), x);
        let samples = y[run.start * geometry.output_sample()..run.end * geometry.output_sample()]
            .chunks_exact_mut(geometry.output_sample());
        // Each task writes the planes of its outputs, in every image.
        let mut tasks: Vec<Vec<&mut [f32]>> =
            (0..tiles.outputs).map(|_| Vec::with_capacity(run.len())).collect();
        for sample in samples {
            for (task, planes) in tasks.iter_mut().zip(sample.chunks_mut(WIDTH * plane)) {
                task.push(planes);
            }
        }
        tasks.into_par_iter().with_max_len(1).enumerate().for_each_init(
            || Buffers {
                weights: rows(A * A * tiles.channels * WIDTH),
                products: rows(A * A * apart(inputs.tiles)),
                strip: rows(A * line(tiles, geometry)),
            },
            |buffers, (panel, y)| {
                let first = panel * WIDTH;
                let (outputs, channels) = (geometry.outputs, geometry.channels);
                let weights = buffers.weights.as_chunks_mut::<WIDTH>().0;
                let out = positions(weights, tiles.channels * WIDTH, 0, tiles.channels * WIDTH);
                let transform = PhantomData::<T>;
                dispatch_to(level, Panel::<T, M, A> { filters, outputs, channels, first, out, transform });
                let bias = bias.map(|bias| &bias[first..outputs.min(first + WIDTH)]);
                let inputs = &inputs;
                dispatch_to(
                    level,
                    Outputs::<T, M, A> { geometry, tiles, inputs, buffers, bias, y, transform },
                );
            },
        );
    }
}

/// Memory of one thread.
struct Buffers {
    weights: Buffer<f32>,
    products: Buffer<f32>,
    strip: Buffer<f32>,
}

/// 16 outputs of a run.
struct Outputs<'a, 'b, T, const M: usize, const A: usize> {
    geometry: &'a Geometry,
    tiles: &'a Tiles,
    inputs: &'a Inputs,
    buffers: &'a mut Buffers,
    bias: Option<&'a [f32]>,
    /// The planes of the outputs in every image.
    y: Vec<&'b mut [f32]>,
    transform: PhantomData<T>,
}

impl<T: Transform<M, A>, const M: usize, const A: usize> Kernel for Outputs<'_, '_, T, M, A> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { geometry, tiles, inputs, buffers, bias, mut y, .. } = self;
        let products = buffers.products.as_chunks_mut::<WIDTH>().0;
        let strip = buffers.strip.as_chunks_mut::<WIDTH>().0;
        let weights = buffers.weights.as_chunks::<WIDTH>().0.as_chunks::<WIDTH>().0;
        let apart = apart(inputs.tiles);
        for ((input, weights), products) in inputs
            .data
            .as_chunks::<WIDTH>()
            .0
            .chunks_exact(inputs.apart)
            .zip(weights.chunks_exact(tiles.channels))
            .zip(products.chunks_exact_mut(apart))
        {
            product::tiles::<V>(input, inputs.tiles, weights, &mut products[..inputs.tiles]);
        }
        let first = inputs.rows.rows.start / tiles.down;
        for (i, (sample, down)) in inputs.rows.iter().enumerate() {
            let (at, y) = (i * tiles.across, &mut *y[sample - first]);
            invert::<T, V, M, A>(geometry, tiles, down, (products, apart, at), bias, strip, y);
        }
    }
}

/// See [`super::weight_gradient`].
pub(super) fn weight_gradient<T: Transform<M, A> + Sync, const M: usize, const A: usize>(
    level: Level,
    geometry: &Geometry,
    tiles: &Tiles,
    x: &[f32],
    dy: &[f32],
) -> Vec<f32> {
    let mut dw = buffer::to_overwrite(geometry.group_weight());
    for (i, run) in runs(geometry, tiles).enumerate() {
        let inputs = Inputs::new::<T, M, A>(level, geometry, tiles, run, x);
        let panels = dw.par_chunks_mut(WIDTH * geometry.taps()).with_max_len(1).enumerate();
        panels.for_each_init(
            || Sums {
                upstream: rows(A * A * apart(inputs.tiles)),
                sums: rows(A * A * tiles.channels * WIDTH),
                strip: rows(A * lines(geometry, tiles)),
                filters: Vec::new(),
            },
            |sums, (panel, dw)| {
                let (inputs, transform) = (&inputs, PhantomData::<T>);
                let add = i > 0;
                dispatch_to(
                    level,
                    Gradient::<T, M, A> { geometry, tiles, inputs, panel, dy, sums, add, dw, transform },
                );
            },
        );
    }
    dw
}

/// Memory of one thread.
struct Sums {
    upstream: Buffer<f32>,
    sums: Buffer<f32>,
    strip: Buffer<f32>,
    filters: Vec<f32>,
}

/// The filters of 16 outputs, summed over a run.
struct Gradient<'a, T, const M: usize, const A: usize> {
    geometry: &'a Geometry,
    tiles: &'a Tiles,
    inputs: &'a Inputs,
    panel: usize,
    dy: &'a [f32],
    sums: &'a mut Sums,
    add: bool,
    dw: &'a mut [f32],
    transform: PhantomData<T>,
}

impl<T: Transform<M, A>, const M: usize, const A: usize> Kernel for Gradient<'_, T, M, A> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { geometry, tiles, inputs, panel, dy, sums, add, dw, .. } = self;
        let Sums { upstream, sums, strip, filters } = sums;
        let strip = strip.as_chunks_mut::<WIDTH>().0;
        strip.fill([0.0; WIDTH]);
        let apart = apart(inputs.tiles);
        let upstream = upstream.as_chunks_mut::<WIDTH>().0;
        let mut out = positions(upstream, apart, 0, inputs.tiles);
        transform_upstream::<T, V, M, A>(geometry, tiles, &inputs.rows, panel, dy, strip, &mut out);
        let sums = sums.as_chunks_mut::<WIDTH>().0.as_chunks_mut::<WIDTH>().0;
        for ((input, upstream), sums) in inputs
            .data
            .as_chunks::<WIDTH>()
            .0
            .chunks_exact(inputs.apart)
            .zip(upstream.chunks_exact(apart))
            .zip(sums.chunks_exact_mut(tiles.channels))
        {
            for (input, sums) in input.chunks_exact(inputs.tiles).zip(sums) {
                *sums = [[0.0; WIDTH]; WIDTH];
                product::channels::<V>(input, &upstream[..inputs.tiles], sums);
            }
        }
        if !add {
            return finish::<T, V, M, A>(geometry, tiles, 1, sums, dw);
        }
        filters.resize(dw.len(), 0.0);
        finish::<T, V, M, A>(geometry, tiles, 1, sums, filters);
        dw.iter_mut().zip(&*filters).for_each(|(dw, x)| *dw += x);
    }
}
