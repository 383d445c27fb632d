//! The matrix product of f32: packed operands, sums kept in registers.
//!
//! A block of B, [`DEPTH`] × [`COLUMNS`], is packed into panels of 16 columns that stay in the second-level cache; panels of
//! a few rows of A are packed beside it and multiplied with each of them. How large products are cut up among
//! threads is the caller's choice; a product on its own is computed by the calling thread.
//!
//! Source: Goto and van de Geijn, *Anatomy of high-performance matrix multiplication* (2008).

#![expect(
    clippy::needless_range_loop,
    reason = "short loops over arrays, unrolled; an iterator's closure may stay apart"
)]

use super::buffer::{self, Buffer};
use super::simd::{Kernel, Level, PARTS, Row, Vector, WIDTH, dispatch_to, with_rows};
use super::{Gemm, Matrix};

/// Terms of a block: a panel of B takes half of the first-level cache.
const DEPTH: usize = 256;
/// Columns of a block of B.
const COLUMNS: usize = 256;
/// Rows of the tallest panel of A.
const TALLEST: usize = 8;

/// The product with the widest vectors of this machine.
pub(crate) fn gemm(job: Gemm<'_, f32>) {
    gemm_at(Level::widest(), job);
}

pub(super) fn gemm_at(level: Level, job: Gemm<'_, f32>) {
    job.check();
    if job.m == 0 || job.n == 0 {
        return;
    }
    if job.k == 0 {
        if !job.accumulate {
            (0..job.m).for_each(|i| job.c.data[i * job.c.row..][..job.n].fill(0.0));
        }
        return;
    }
    let depth = DEPTH.min(job.k);
    let columns = COLUMNS.min(job.n.next_multiple_of(WIDTH));
    let mut right = Buffer::new(buffer::to_overwrite(depth * columns));
    let mut left = [0.0; DEPTH * TALLEST];
    dispatch_to(level, Product { job, left: &mut left, right: &mut right });
}

struct Product<'a, 'b> {
    job: Gemm<'a, f32>,
    left: &'b mut [f32],
    right: &'b mut [f32],
}

impl Kernel for Product<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { job, left, right } = self;
        let Gemm { m, k, n, a, b, c, accumulate } = job;
        // Equal shares rather than a small one at the end.
        let (cuts, shares) = (k.div_ceil(DEPTH), m.div_ceil(V::TILE));
        for start in (0..n).step_by(COLUMNS) {
            let columns = start..n.min(start + COLUMNS);
            for cut in 0..cuts {
                let terms = cut * k / cuts..(cut + 1) * k / cuts;
                let depth = terms.len();
                let panels = &mut right[..depth * columns.len().next_multiple_of(WIDTH)];
                let panels = panels.as_chunks_mut::<WIDTH>().0;
                pack_right::<V>(&b, terms.start, columns.start, columns.len(), depth, panels);
                for share in 0..shares {
                    let rows = share * m / shares..(share + 1) * m / shares;
                    let out = &mut c.data[rows.start * c.row + columns.start..];
                    let add = accumulate || cut > 0;
                    let place = (rows.start, terms.start);
                    let size = (c.row, columns.len());
                    with_rows!(rows.len(), panel::<V>(&a, place, left, (panels, depth), out, size, add));
                }
            }
        }
    }
}

/// Panels of 16 columns, one row for every term; zeros beyond the last column.
#[inline(always)]
fn pack_right<V: Vector>(
    b: &Matrix<'_, f32>,
    term: usize,
    column: usize,
    columns: usize,
    depth: usize,
    panels: &mut [Row],
) {
    if b.column == 1 {
        return pack_right_rows(&b.data[term * b.row + column..], b.row, columns, depth, panels);
    }
    for (panel, out) in panels.chunks_exact_mut(depth).enumerate() {
        let first = column + panel * WIDTH;
        let width = WIDTH.min(columns - panel * WIDTH);
        if width < WIDTH {
            out.fill([0.0; WIDTH]);
        }
        let data = &b.data[term * b.row + first * b.column..];
        let whole = if b.row == 1 && width == WIDTH { depth / 8 * 8 } else { 0 };
        for (i, eight) in out[..whole].as_chunks_mut::<8>().0.iter_mut().enumerate() {
            for half in 0..2 {
                let mut rows = [&[0.0; 8]; 8];
                for (j, row) in rows.iter_mut().enumerate() {
                    *row = data[(8 * half + j) * b.column + 8 * i..].first_chunk().expect("eight terms");
                }
                V::transpose(rows, eight, half);
            }
        }
        for (k, out) in out.iter_mut().enumerate().skip(whole) {
            for (j, out) in out.iter_mut().enumerate().take(width) {
                *out = data[k * b.row + j * b.column];
            }
        }
    }
}

/// [`pack_right`] of rows that are contiguous, `row` apart: eight of them at a time, so that each is read from end to end
/// and every panel gets a few lines at once.
#[inline(always)]
fn pack_right_rows(data: &[f32], row: usize, columns: usize, depth: usize, panels: &mut [Row]) {
    let (whole, rest) = (columns / WIDTH, columns % WIDTH);
    for first in (0..depth).step_by(8) {
        let terms = first..depth.min(first + 8);
        for (panel, out) in panels.chunks_exact_mut(depth).take(whole).enumerate() {
            for (k, out) in out[terms.clone()].iter_mut().enumerate() {
                let start = (first + k) * row + panel * WIDTH;
                *out = *data[start..].first_chunk().expect("a whole row of the panel");
            }
        }
        if rest > 0 {
            for (k, out) in panels[whole * depth..][terms].iter_mut().enumerate() {
                *out = [0.0; WIDTH];
                out[..rest].copy_from_slice(&data[(first + k) * row + whole * WIDTH..][..rest]);
            }
        }
    }
}

/// For every term the numbers of all R rows of the panel.
#[inline(always)]
fn pack_left<V: Vector, const R: usize>(a: &Matrix<'_, f32>, row: usize, term: usize, out: &mut [[f32; R]]) {
    let data = &a.data[row * a.row + term * a.column..];
    if a.row == 1 {
        for (k, out) in out.iter_mut().enumerate() {
            *out = *data[k * a.column..].first_chunk().expect("the panel's rows");
        }
        return;
    }
    let whole = if a.column == 1 { out.len() / 8 * 8 } else { 0 };
    for (i, out) in out[..whole].as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let mut rows = [&[0.0; 8]; 8];
        for r in 0..R {
            rows[r] = data[r * a.row + 8 * i..].first_chunk().expect("eight terms");
        }
        let mut columns = [[0.0; WIDTH]; 8];
        V::transpose(rows, &mut columns, 0);
        for j in 0..8 {
            out[j] = *columns[j].first_chunk().expect("at most 16 rows");
        }
    }
    for (k, out) in out.iter_mut().enumerate().skip(whole) {
        for (r, out) in out.iter_mut().enumerate() {
            *out = data[r * a.row + k * a.column];
        }
    }
}

/// R rows of C, `columns` wide.
#[inline(always)]
fn panel<V: Vector, const R: usize>(
    a: &Matrix<'_, f32>,
    (first, term): (usize, usize),
    left: &mut [f32],
    (panels, depth): (&[Row], usize),
    c: &mut [f32],
    (row, columns): (usize, usize),
    add: bool,
) {
    let left = &mut left.as_chunks_mut::<R>().0[..depth];
    pack_left::<V, R>(a, first, term, left);
    for (i, right) in panels.chunks_exact(depth).enumerate() {
        let mut sums = [[V::splat(0.0); PARTS]; R];
        for (a, b) in left.iter().zip(right) {
            let mut parts = [V::splat(0.0); PARTS];
            for part in 0..WIDTH / V::LANES {
                parts[part] = V::load(b, part);
            }
            for r in 0..R {
                let a = V::splat(a[r]);
                for part in 0..WIDTH / V::LANES {
                    sums[r][part] = a.mul_add(parts[part], sums[r][part]);
                }
            }
        }
        let width = WIDTH.min(columns - i * WIDTH);
        for r in 0..R {
            let out = &mut c[r * row + i * WIDTH..][..width];
            match out.first_chunk_mut::<WIDTH>() {
                Some(out) => {
                    for part in 0..WIDTH / V::LANES {
                        let sum = sums[r][part];
                        let sum = if add { V::load(out, part).add(sum) } else { sum };
                        sum.store(out, part);
                    }
                }
                None => {
                    let mut whole = [0.0; WIDTH];
                    for part in 0..WIDTH / V::LANES {
                        sums[r][part].store(&mut whole, part);
                    }
                    for (out, sum) in out.iter_mut().zip(whole) {
                        *out = if add { *out + sum } else { sum };
                    }
                }
            }
        }
    }
}
