//! The gradient of the weight: the transposed transforms, with products that sum over tiles.

use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;

use super::forward::{apart, line, planes, positions, rows, transform_input};
use super::image::{self, Corner, Planes};
use super::transform::{F2, F4, Transform};
use super::{TileRows, Tiles, by_outputs, product};
use crate::kernels::buffer::{self, Buffer};
use crate::kernels::conv::Geometry;
use crate::kernels::reduce;
use crate::kernels::simd::{Kernel, Level, Row, Vector, WIDTH, dispatch_to};

/// ∂L/∂weight, (O, C, 3, 3), by tiles of `out` × `out`.
pub(in crate::kernels::conv) fn weight_gradient(
    level: Level,
    geometry: &Geometry,
    out: usize,
    x: &[f32],
    dy: &[f32],
) -> Vec<f32> {
    match out {
        4 => with::<F4, 4, 6>(level, geometry, x, dy),
        2 => with::<F2, 2, 4>(level, geometry, x, dy),
        _ => unreachable!("there are tiles of 4 and of 2"),
    }
}

fn with<T: Transform<M, A> + Sync, const M: usize, const A: usize>(
    level: Level,
    geometry: &Geometry,
    x: &[f32],
    dy: &[f32],
) -> Vec<f32> {
    let tiles = Tiles::new(geometry, M);
    if tiles.weight_bytes() > by_outputs::GRADIENT_BYTES {
        return by_outputs::weight_gradient::<T, M, A>(level, geometry, &tiles, x, dy);
    }
    let cut = Cut::new(geometry, &tiles);
    let weights = geometry.group_weight();
    // One part for each run of samples; the parts of its panels of outputs follow each other in it.
    let parts = geometry.samples.div_ceil(cut.samples);
    let mut sums = Buffer::new(buffer::to_overwrite(parts * weights));
    let panel = cut.panels * WIDTH * geometry.taps();
    let tasks: Vec<(usize, usize, &mut [f32])> = sums
        .chunks_exact_mut(weights)
        .enumerate()
        .flat_map(|(part, sums)| sums.chunks_mut(panel).enumerate().map(move |(i, sums)| (part, i, sums)))
        .collect();
    tasks.into_par_iter().with_max_len(1).for_each_init(
        || Scratch::new(geometry, &tiles, &cut),
        |scratch, (part, i, sums)| {
            let start = part * cut.samples;
            let samples = start..geometry.samples.min(start + cut.samples);
            let panels = i * cut.panels..tiles.outputs.min((i + 1) * cut.panels);
            let transform = PhantomData::<T>;
            let (rows, geometry, tiles) = (cut.tile_rows, geometry, &tiles);
            dispatch_to(
                level,
                Task::<T, M, A> { geometry, tiles, rows, samples, panels, x, dy, scratch, sums, transform },
            );
        },
    );
    let mut dw = buffer::to_overwrite(weights);
    crate::kernels::map::for_each_chunk(&mut dw, |at, dw| {
        let mut terms = Vec::with_capacity(parts);
        for (i, dw) in dw.iter_mut().enumerate() {
            terms.clear();
            terms.extend(sums.chunks_exact(weights).map(|part| part[at + i]));
            *dw = reduce::tree(&mut terms);
        }
    });
    dw
}

/// How the work is cut: a function of the shape alone, since it decides the order of the sums.
struct Cut {
    /// Images of a part.
    samples: usize,
    /// Panels of outputs of a task.
    panels: usize,
    /// Rows of tiles of a block.
    tile_rows: usize,
}

/// Bytes of a task's transformed sums.
const SUM_BYTES: usize = 2 << 20;
/// Tasks, if there are as many images or panels.
const TASKS: usize = 8;
/// Tiles of a block: each sum is read and written once for so many products.
const BLOCK: usize = 64;

impl Cut {
    fn new(geometry: &Geometry, tiles: &Tiles) -> Self {
        let panel = tiles.positions() * tiles.channels * WIDTH * size_of::<Row>();
        let cuts = (tiles.outputs * panel).div_ceil(SUM_BYTES).min(tiles.outputs).min(TASKS / 2);
        let panels = tiles.outputs.div_ceil(cuts);
        let parts = (TASKS / tiles.outputs.div_ceil(panels)).max(1);
        Self {
            samples: geometry.samples.div_ceil(parts).max(1),
            panels,
            tile_rows: (BLOCK / tiles.across).max(1),
        }
    }
}

/// Memory of one thread.
struct Scratch {
    strip: Buffer<f32>,
    input: Buffer<f32>,
    upstream: Buffer<f32>,
    sums: Buffer<f32>,
}

impl Scratch {
    fn new(geometry: &Geometry, tiles: &Tiles, cut: &Cut) -> Self {
        let block = cut.tile_rows * tiles.across;
        Self {
            strip: rows((tiles.out + 2) * lines(geometry, tiles)),
            input: rows(tiles.positions() * apart(tiles.channels * block)),
            upstream: rows(tiles.positions() * apart(cut.panels * block)),
            sums: rows(tiles.positions() * cut.panels * tiles.channels * WIDTH),
        }
    }
}

/// Rows of a line that holds the input or the output gradient.
pub(super) fn lines(geometry: &Geometry, tiles: &Tiles) -> usize {
    line(tiles, geometry).max(tiles.across * tiles.out)
}

/// Some panels of outputs, summed over some images.
struct Task<'a, T, const M: usize, const A: usize> {
    geometry: &'a Geometry,
    tiles: &'a Tiles,
    rows: usize,
    samples: Range<usize>,
    panels: Range<usize>,
    x: &'a [f32],
    dy: &'a [f32],
    scratch: &'a mut Scratch,
    /// (outputs of the panels, C, 3, 3).
    sums: &'a mut [f32],
    transform: PhantomData<T>,
}

impl<T: Transform<M, A>, const M: usize, const A: usize> Kernel for Task<'_, T, M, A> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { geometry, tiles, samples, panels, x, dy, scratch, .. } = self;
        let strip = scratch.strip.as_chunks_mut::<WIDTH>().0;
        let sums = scratch.sums.as_chunks_mut::<WIDTH>().0.as_chunks_mut::<WIDTH>().0;
        let sums = &mut sums[..tiles.positions() * panels.len() * tiles.channels];
        sums.as_flattened_mut().fill([0.0; WIDTH]);
        let whole = samples.start * tiles.down..samples.end * tiles.down;
        for start in whole.clone().step_by(self.rows) {
            let rows = TileRows { rows: start..(start + self.rows).min(whole.end), down: tiles.down };
            let block = rows.rows.len() * tiles.across;
            let (input_apart, upstream_apart) = (apart(tiles.channels * block), apart(panels.len() * block));
            let input = &mut scratch.input.as_chunks_mut::<WIDTH>().0[..tiles.positions() * input_apart];
            let upstream =
                &mut scratch.upstream.as_chunks_mut::<WIDTH>().0[..tiles.positions() * upstream_apart];
            strip.fill([0.0; WIDTH]);
            for panel in 0..tiles.channels {
                let mut out = positions(input, input_apart, panel * block, block);
                transform_input::<T, V, M, A>(geometry, tiles, &rows, panel, x, strip, &mut out);
            }
            strip.fill([0.0; WIDTH]);
            for (i, panel) in panels.clone().enumerate() {
                let mut out = positions(upstream, upstream_apart, i * block, block);
                transform_upstream::<T, V, M, A>(geometry, tiles, &rows, panel, dy, strip, &mut out);
            }
            for ((input, upstream), sums) in input
                .chunks_exact(input_apart)
                .zip(upstream.chunks_exact(upstream_apart))
                .zip(sums.chunks_exact_mut(tiles.channels * panels.len()))
            {
                for (upstream, sums) in
                    upstream.chunks_exact(block).zip(sums.chunks_exact_mut(tiles.channels))
                {
                    for (input, sums) in input.chunks_exact(block).zip(sums) {
                        product::channels::<V>(input, upstream, sums);
                    }
                }
            }
        }
        finish::<T, V, M, A>(geometry, tiles, panels.len(), sums, self.sums);
    }
}

/// A·dy·Aᵀ of 16 outputs of all tiles, to one row for each tile at every position.
#[inline(always)]
pub(super) fn transform_upstream<T: Transform<M, A>, V: Vector, const M: usize, const A: usize>(
    geometry: &Geometry,
    tiles: &Tiles,
    rows: &TileRows,
    panel: usize,
    dy: &[f32],
    strip: &mut [Row],
    out: &mut [&mut [Row]],
) {
    let lines = lines(geometry, tiles);
    let (height, width) = (geometry.height.output, geometry.width.output);
    let outputs = panel * WIDTH..geometry.outputs.min((panel + 1) * WIDTH);
    if outputs.len() < WIDTH {
        strip.fill([0.0; WIDTH]);
    }
    for (i, (sample, down)) in rows.iter().enumerate() {
        let data = &dy[planes(geometry.output_sample(), geometry.output_plane(), sample, outputs.clone())];
        let corner = Corner { row: down * M, above: 0, left: 0 };
        image::fill::<V>(Planes { data, height, width }, corner, lines, &mut strip[..M * lines]);
        for across in 0..tiles.across {
            let at = i * tiles.across + across;
            for part in 0..WIDTH / V::LANES {
                let mut half = [[V::splat(0.0); M]; A];
                for j in 0..M {
                    let mut column = [V::splat(0.0); M];
                    for i in 0..M {
                        column[i] = V::load(&strip[i * lines + across * M + j], part);
                    }
                    let column = T::output_transposed(column);
                    for i in 0..A {
                        half[i][j] = column[i];
                    }
                }
                for i in 0..A {
                    let row = T::output_transposed(half[i]);
                    for j in 0..A {
                        row[j].store(&mut out[A * i + j][at], part);
                    }
                }
            }
        }
    }
}

/// Gᵀ·u·G of the sums, written as filters.
#[inline(always)]
pub(super) fn finish<T: Transform<M, A>, V: Vector, const M: usize, const A: usize>(
    geometry: &Geometry,
    tiles: &Tiles,
    panels: usize,
    sums: &[[Row; WIDTH]],
    out: &mut [f32],
) {
    let apart = panels * tiles.channels;
    for (panel, out) in out.chunks_mut(WIDTH * geometry.taps()).enumerate() {
        for channel in 0..geometry.channels {
            let at = panel * tiles.channels + channel / WIDTH;
            let mut taps = [[0.0; WIDTH]; 9];
            for part in 0..WIDTH / V::LANES {
                let mut half = [[V::splat(0.0); A]; 3];
                for j in 0..A {
                    let mut column = [V::splat(0.0); A];
                    for i in 0..A {
                        column[i] = V::load(&sums[(A * i + j) * apart + at][channel % WIDTH], part);
                    }
                    let column = T::weight_transposed(column);
                    for i in 0..3 {
                        half[i][j] = column[i];
                    }
                }
                for i in 0..3 {
                    let row = T::weight_transposed(half[i]);
                    for j in 0..3 {
                        row[j].store(&mut taps[3 * i + j], part);
                    }
                }
            }
            for (lane, out) in out.chunks_exact_mut(geometry.taps()).enumerate() {
                for (out, taps) in out[9 * channel..][..9].iter_mut().zip(&taps) {
                    *out = taps[lane];
                }
            }
        }
    }
}
