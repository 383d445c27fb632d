//! Transforming filters.

use std::marker::PhantomData;

use rayon::prelude::*;

use super::Tiles;
use super::transform::Transform;
use crate::kernels::simd::{Kernel, Level, Row, Vector, WIDTH, dispatch_to};

/// Filters of 3 × 3 taps, as forward or as the gradient of the input reads them.
#[derive(Clone, Copy)]
pub(in crate::kernels::conv) struct Filters<'a> {
    /// (O, C, 3, 3).
    pub(in crate::kernels::conv) data: &'a [f32],
    /// O and C are exchanged and the taps turned round: what takes ∂L/∂y to ∂L/∂x.
    pub(in crate::kernels::conv) turned: bool,
}

/// The transformed filters, rows of 16 outputs `[position][outputs / 16][channel]`, channels filled up to 16.
pub(super) fn transform<T: Transform<M, A>, const M: usize, const A: usize>(
    level: Level,
    filters: Filters<'_>,
    (outputs, channels): (usize, usize),
    tiles: &Tiles,
    out: &mut [Row],
) {
    let panel = tiles.channels * WIDTH;
    // One panel of outputs after the other at each position: cut so that a task has one panel at all positions.
    let mut panels: Vec<Vec<&mut [Row]>> = (0..tiles.outputs).map(|_| Vec::with_capacity(A * A)).collect();
    for position in out.chunks_exact_mut(tiles.outputs * panel) {
        for (into, rows) in panels.iter_mut().zip(position.chunks_exact_mut(panel)) {
            into.push(rows);
        }
    }
    panels.into_par_iter().enumerate().for_each(|(i, out)| {
        let first = i * WIDTH;
        dispatch_to(
            level,
            Panel::<T, M, A> { filters, outputs, channels, first, out, transform: PhantomData },
        );
    });
}

/// One panel of 16 outputs.
pub(super) struct Panel<'a, 'b, T, const M: usize, const A: usize> {
    pub(super) filters: Filters<'a>,
    pub(super) outputs: usize,
    pub(super) channels: usize,
    /// Its first output.
    pub(super) first: usize,
    /// Its rows at each position.
    pub(super) out: Vec<&'b mut [Row]>,
    pub(super) transform: PhantomData<T>,
}

impl<T: Transform<M, A>, const M: usize, const A: usize> Kernel for Panel<'_, '_, T, M, A> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(mut self) {
        let real = WIDTH.min(self.outputs - self.first);
        for channel in 0..self.channels {
            let mut taps = [[0.0; WIDTH]; 9];
            for lane in 0..real {
                let output = self.first + lane;
                let (place, turned) = if self.filters.turned {
                    (channel * self.outputs + output, true)
                } else {
                    (output * self.channels + channel, false)
                };
                let filter: &[f32; 9] = self.filters.data[9 * place..].first_chunk().expect("nine taps");
                for (tap, taps) in taps.iter_mut().enumerate() {
                    taps[lane] = filter[if turned { 8 - tap } else { tap }];
                }
            }
            for part in 0..WIDTH / V::LANES {
                let mut half = [[V::splat(0.0); 3]; A];
                for j in 0..3 {
                    let mut column = [V::splat(0.0); 3];
                    for i in 0..3 {
                        column[i] = V::load(&taps[3 * i + j], part);
                    }
                    let column = T::weight(column);
                    for i in 0..A {
                        half[i][j] = column[i];
                    }
                }
                for i in 0..A {
                    let row = T::weight(half[i]);
                    for j in 0..A {
                        row[j].store(&mut self.out[A * i + j][channel], part);
                    }
                }
            }
        }
        for rows in &mut self.out {
            rows[self.channels..].fill([0.0; WIDTH]);
        }
    }
}
