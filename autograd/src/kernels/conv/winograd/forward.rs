//! The convolution itself; with turned filters it is the gradient of the input.

use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;

use super::image::{self, Corner, Planes};
use super::transform::{F2, F4, Transform};
use super::weight::{self, Filters};
use super::{TileRows, Tiles, by_outputs, product};
use crate::kernels::buffer::{self, Buffer};
use crate::kernels::conv::Geometry;
use crate::kernels::simd::{Kernel, Level, Row, Vector, WIDTH, dispatch_to};

/// y = convolution of `x` with the filters, plus `bias` of each output channel, by tiles of `out` × `out`.
pub(in crate::kernels::conv) fn forward(
    level: Level,
    geometry: &Geometry,
    out: usize,
    x: &[f32],
    filters: Filters<'_>,
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    match out {
        4 => with::<F4, 4, 6>(level, geometry, x, filters, bias, y),
        2 => with::<F2, 2, 4>(level, geometry, x, filters, bias, y),
        _ => unreachable!("there are tiles of 4 and of 2"),
    }
}

fn with<T: Transform<M, A> + Sync, const M: usize, const A: usize>(
    level: Level,
    geometry: &Geometry,
    x: &[f32],
    filters: Filters<'_>,
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    let tiles = Tiles::new(geometry, M);
    if tiles.weight_bytes() > by_outputs::WEIGHT_BYTES {
        return by_outputs::forward::<T, M, A>(level, geometry, &tiles, x, filters, bias, y);
    }
    let mut weight = rows(A * A * tiles.outputs * tiles.channels * WIDTH);
    let weights = weight.as_chunks_mut::<WIDTH>().0;
    weight::transform::<T, M, A>(level, filters, (geometry.outputs, geometry.channels), &tiles, weights);
    let weights = weights.as_chunks::<WIDTH>().0;
    let cut = Cut::new(geometry, &tiles);
    y.par_chunks_mut(cut.samples * geometry.output_sample()).enumerate().for_each_init(
        || Scratch::new(geometry, &tiles, &cut),
        |scratch, (i, y)| {
            let x = &x[i * cut.samples * geometry.input_sample()..];
            let samples = y.len() / geometry.output_sample();
            let whole = samples * tiles.down;
            for start in (0..whole).step_by(cut.tile_rows) {
                let rows = TileRows { rows: start..(start + cut.tile_rows).min(whole), down: tiles.down };
                let transform = PhantomData::<T>;
                dispatch_to(
                    level,
                    Block::<T, M, A> {
                        geometry,
                        tiles: &tiles,
                        rows,
                        x,
                        weights,
                        bias,
                        scratch,
                        y,
                        transform,
                    },
                );
            }
        },
    );
}

/// `n` rows of memory to be overwritten, which goes back to the pool.
pub(super) fn rows(n: usize) -> Buffer<f32> {
    Buffer::new(buffer::to_overwrite(n * WIDTH))
}

/// How the tiles are cut into tasks and blocks.
struct Cut {
    /// Images of a task.
    samples: usize,
    /// Rows of tiles of a block.
    tile_rows: usize,
}

/// Bytes of a block's transformed inputs and outputs, most of a core's second-level cache.
const BLOCK_BYTES: usize = 400 * 1024;
/// Tasks, if there are as many images.
const TASKS: usize = 16;

impl Cut {
    fn new(geometry: &Geometry, tiles: &Tiles) -> Self {
        let tile = tiles.positions() * (tiles.channels + tiles.outputs) * size_of::<Row>();
        // The weights come from farther away the more of them there are: then each has to serve more tiles.
        let least = if tiles.weight_bytes() > 4 << 20 { 48 } else { 24 };
        let block = (BLOCK_BYTES / tile).clamp(least, 64);
        let tile_rows = (block / tiles.across).max(1);
        let samples = block.div_ceil(tiles.of_image()).max(geometry.samples.div_ceil(TASKS));
        Self { samples: samples.min(geometry.samples.div_ceil(4)).max(1), tile_rows }
    }
}

/// Memory of one thread.
pub(super) struct Scratch {
    /// Lines of the image in rows of 16 channels.
    strip: Buffer<f32>,
    input: Buffer<f32>,
    output: Buffer<f32>,
}

impl Scratch {
    fn new(geometry: &Geometry, tiles: &Tiles, cut: &Cut) -> Self {
        let block = cut.tile_rows * tiles.across;
        let mut strip = rows((tiles.out + 2) * line(tiles, geometry));
        strip.fill(0.0);
        Self {
            strip,
            input: rows(tiles.positions() * apart(tiles.channels * block)),
            output: rows(tiles.positions() * apart(tiles.outputs * block)),
        }
    }
}

/// Rows of a line of a strip: all columns that some tile reads, and the whole image.
pub(super) fn line(tiles: &Tiles, geometry: &Geometry) -> usize {
    (tiles.across * tiles.out + 2).max(geometry.width.input + geometry.width.padding)
}

/// An odd distance: powers of two would put all positions into the same sets of the cache.
pub(super) fn apart(rows: usize) -> usize {
    rows | 1
}

/// Some rows of tiles of a task's images.
struct Block<'a, T, const M: usize, const A: usize> {
    geometry: &'a Geometry,
    tiles: &'a Tiles,
    rows: TileRows,
    x: &'a [f32],
    weights: &'a [[Row; WIDTH]],
    bias: Option<&'a [f32]>,
    scratch: &'a mut Scratch,
    y: &'a mut [f32],
    transform: PhantomData<T>,
}

impl<T: Transform<M, A>, const M: usize, const A: usize> Kernel for Block<'_, T, M, A> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { geometry, tiles, rows, x, weights, bias, scratch, y, .. } = self;
        let block = rows.rows.len() * tiles.across;
        let (input_apart, output_apart) = (apart(tiles.channels * block), apart(tiles.outputs * block));
        let strip = scratch.strip.as_chunks_mut::<WIDTH>().0;
        let input = scratch.input.as_chunks_mut::<WIDTH>().0;
        let output = scratch.output.as_chunks_mut::<WIDTH>().0;
        let input = &mut input[..tiles.positions() * input_apart];
        let output = &mut output[..tiles.positions() * output_apart];
        for panel in 0..tiles.channels {
            let mut out = positions(input, input_apart, panel * block, block);
            transform_input::<T, V, M, A>(geometry, tiles, &rows, panel, x, strip, &mut out);
        }
        let panels = weights.chunks_exact(tiles.channels * tiles.outputs);
        for ((input, weights), output) in
            input.chunks_exact(input_apart).zip(panels).zip(output.chunks_exact_mut(output_apart))
        {
            for (weights, output) in weights.chunks_exact(tiles.channels).zip(output.chunks_exact_mut(block))
            {
                product::tiles::<V>(input, block, weights, output);
            }
        }
        let lines = line(tiles, geometry);
        for panel in 0..tiles.outputs {
            let outputs = panel * WIDTH..geometry.outputs.min((panel + 1) * WIDTH);
            let bias = bias.map(|bias| &bias[outputs.clone()]);
            for (i, (sample, down)) in rows.iter().enumerate() {
                let at = panel * block + i * tiles.across;
                let planes =
                    planes(geometry.output_sample(), geometry.output_plane(), sample, outputs.clone());
                let y = &mut y[planes];
                invert::<T, V, M, A>(geometry, tiles, down, (output, output_apart, at), bias, strip, y);
            }
        }
        // The columns outside of the image are zero again for the next block.
        for line in strip.chunks_exact_mut(lines) {
            line[..geometry.width.padding].fill([0.0; WIDTH]);
            line[geometry.width.padding + geometry.width.input..].fill([0.0; WIDTH]);
        }
    }
}

/// Where `channels` of `sample` lie.
pub(super) fn planes(of_sample: usize, plane: usize, sample: usize, channels: Range<usize>) -> Range<usize> {
    let start = sample * of_sample;
    start + channels.start * plane..start + channels.end * plane
}

/// Bᵀ·d·B of 16 channels of all tiles, to one row for each tile at every position.
#[inline(always)]
pub(super) fn transform_input<T: Transform<M, A>, V: Vector, const M: usize, const A: usize>(
    geometry: &Geometry,
    tiles: &Tiles,
    rows: &TileRows,
    panel: usize,
    x: &[f32],
    strip: &mut [Row],
    out: &mut [&mut [Row]],
) {
    let lines = line(tiles, geometry);
    let (height, width) = (geometry.height.input, geometry.width.input);
    let channels = panel * WIDTH..geometry.channels.min((panel + 1) * WIDTH);
    if channels.len() < WIDTH {
        strip.fill([0.0; WIDTH]);
    }
    for (i, (sample, down)) in rows.iter().enumerate() {
        let data = &x[planes(geometry.input_sample(), geometry.input_plane(), sample, channels.clone())];
        let corner = Corner::under(down * M, &geometry.height, &geometry.width);
        image::fill::<V>(Planes { data, height, width }, corner, lines, &mut strip[..A * lines]);
        for across in 0..tiles.across {
            let at = i * tiles.across + across;
            let mut columns = [&[[0.0; WIDTH]; A]; A];
            for i in 0..A {
                columns[i] = strip[i * lines + across * M..].first_chunk().expect("a line holds all tiles");
            }
            for part in 0..WIDTH / V::LANES {
                let mut half = [[V::splat(0.0); A]; A];
                for j in 0..A {
                    let mut column = [V::splat(0.0); A];
                    for i in 0..A {
                        column[i] = V::load(&columns[i][j], part);
                    }
                    let column = T::input(column);
                    for i in 0..A {
                        half[i][j] = column[i];
                    }
                }
                for i in 0..A {
                    let row = T::input(half[i]);
                    for j in 0..A {
                        row[j].store(&mut out[A * i + j][at], part);
                    }
                }
            }
        }
    }
}

/// The rows of each position that belong to one panel: `rows` of them from `first` on, positions being `apart`.
pub(super) fn positions(all: &mut [Row], apart: usize, first: usize, rows: usize) -> Vec<&mut [Row]> {
    all.chunks_exact_mut(apart).map(|position| &mut position[first..first + rows]).collect()
}

/// Aᵀ·m·A of a row of tiles and 16 outputs, written to the planes of those outputs. The products of a tile are `apart`;
/// those of the first are at `at`.
#[inline(always)]
pub(super) fn invert<T: Transform<M, A>, V: Vector, const M: usize, const A: usize>(
    geometry: &Geometry,
    tiles: &Tiles,
    down: usize,
    (products, apart, at): (&[Row], usize, usize),
    bias: Option<&[f32]>,
    strip: &mut [Row],
    planes: &mut [f32],
) {
    let lines = line(tiles, geometry);
    for across in 0..tiles.across {
        let strip = &mut strip[across * M..];
        for part in 0..WIDTH / V::LANES {
            let mut half = [[V::splat(0.0); A]; M];
            for j in 0..A {
                let mut column = [V::splat(0.0); A];
                for i in 0..A {
                    column[i] = V::load(&products[(A * i + j) * apart + at + across], part);
                }
                let column = T::output(column);
                for i in 0..M {
                    half[i][j] = column[i];
                }
            }
            for i in 0..M {
                let row = T::output(half[i]);
                for j in 0..M {
                    row[j].store(&mut strip[i * lines + j], part);
                }
            }
        }
    }
    let size = (geometry.height.output, geometry.width.output);
    let rows = down * M..geometry.height.output.min((down + 1) * M);
    image::write::<V>(strip, lines, rows, bias, size, planes);
}
