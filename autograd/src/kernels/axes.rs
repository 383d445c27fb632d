//! Sums over some axes of an array.
//!
//! Every output is summed in an order that depends on the shape alone, in blocks that are added pairwise. Which
//! outputs share a task or a register never matters.

use super::buffer;
use super::map::for_each_chunk_of;
use super::reduce;
use super::strided::Layout;
use crate::scalar::Scalar;
use crate::shape::Shape;

/// Elements read per parallel task.
const TASK: usize = 16 * 1024;
/// Neighbouring outputs summed side by side.
const LANES: usize = 32;
/// Rows per leaf of the tree of [`rows`].
const BLOCK: usize = 64;

/// Σ term(o, x) over the axes for which `is_summed`, for every output `o`; `x` is contiguous of `shape`.
/// The outputs are in row-major order of the other axes.
pub fn sum_over<S: Scalar>(
    x: &[S],
    shape: Shape,
    is_summed: impl Fn(usize) -> bool,
    term: impl Fn(usize, S) -> S + Sync,
) -> Vec<S> {
    assert_eq!(x.len(), shape.len(), "the array fills its shape");
    let strides = shape.strides();
    let loops = |summed: bool| {
        let axes = shape.dims().iter().copied().zip(strides).enumerate();
        Layout::new(axes.filter(|&(i, _)| is_summed(i) == summed).map(|(_, axis)| axis))
    };
    let (kept, summed) = (loops(false), loops(true));
    let mut out = buffer::zeros(kept.len());
    if x.is_empty() {
        return out;
    }
    let task = (TASK / summed.len()).max(1);
    match kept.split() {
        // The last axis is kept: add up whole rows of neighbouring outputs.
        (outer, width, 1) if kept.len() > 1 => {
            let offsets: Vec<usize> = summed.offsets(0).collect();
            for_each_chunk_of(task.next_multiple_of(LANES), &mut out, |at, out| {
                let (mut done, mut column) = (0, at % width);
                for base in outer.offsets(at / width) {
                    while column < width && done < out.len() {
                        let n = LANES.min(width - column).min(out.len() - done);
                        let o = at + done;
                        let sums = rows(x, base + column, n, &offsets, &|lane, x| term(o + lane, x));
                        out[done..done + n].copy_from_slice(&sums[..n]);
                        (done, column) = (done + n, column + n);
                    }
                    column = 0;
                }
            });
        }
        // The last axis is summed: every output is the sum of a few runs.
        _ => {
            let (outer, run, _) = summed.split();
            let offsets: Vec<usize> = outer.offsets(0).collect();
            for_each_chunk_of(task, &mut out, |at, out| {
                for (i, (y, base)) in out.iter_mut().zip(kept.offsets(at)).enumerate() {
                    let of_run = |offset: usize| {
                        let run = &x[base + offset..][..run];
                        reduce::sum_of(run.len(), |j| term(at + i, run[j]))
                    };
                    *y = match offsets.as_slice() {
                        [offset] => of_run(*offset),
                        _ => reduce::sum_of(offsets.len(), |r| of_run(offsets[r])),
                    };
                }
            });
        }
    }
    out
}

/// Σ over `offsets` of `n` neighbouring elements, side by side.
fn rows<S: Scalar>(
    x: &[S],
    start: usize,
    n: usize,
    offsets: &[usize],
    term: &impl Fn(usize, S) -> S,
) -> [S; LANES] {
    let mut sums = [S::ZERO; LANES];
    if offsets.len() <= BLOCK {
        for offset in offsets {
            let row = &x[start + offset..][..n];
            for (lane, (sum, &x)) in sums.iter_mut().zip(row).enumerate() {
                *sum += term(lane, x);
            }
        }
        return sums;
    }
    // Depth is the logarithm of the number of rows.
    let (left, right) = offsets.split_at((offsets.len() / 2).next_multiple_of(BLOCK));
    sums = rows(x, start, n, left, term);
    for (sum, right) in sums.iter_mut().zip(rows(x, start, n, right, term)) {
        *sum += right;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition: one running sum per output. The twin that the fast sums are tested against.
    fn reference(x: &[f64], shape: Shape, mask: u8) -> Vec<f64> {
        let is_summed = |axis: usize| mask >> axis & 1 == 1;
        let axes: Vec<usize> = (0..shape.rank()).filter(|&axis| is_summed(axis)).collect();
        let kept = shape.reduced(&axes, true);
        let (strides, outer) = (kept.strides(), shape.strides());
        let mut out = vec![0.0; kept.len()];
        for (flat, x) in x.iter().enumerate() {
            let index = |axis: usize| flat / outer[axis] % shape.dims()[axis];
            let place = (0..shape.rank()).filter(|&axis| !is_summed(axis)).map(|i| index(i) * strides[i]);
            out[place.sum::<usize>()] += x;
        }
        out
    }

    proptest! {
        /// Whole numbers add exactly in any order.
        #[test]
        fn equals_the_definition(dims in prop::collection::vec(1usize..7, 0..5), mask in 0u8..32) {
            let shape = Shape::new(&dims).unwrap();
            let x: Vec<f64> = (0..shape.len()).map(|i| (i * 7 % 31) as f64 - 15.0).collect();
            let got = sum_over(&x, shape, |axis| mask >> axis & 1 == 1, |_, x| x);
            prop_assert_eq!(got, reference(&x, shape, mask));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Long axes: several tasks, chunks that begin in the middle of a row, trees of uneven depth.
        #[test]
        fn long_axes_too(n in 1usize..3000, c in 1usize..70, w in 1usize..5, mask in 0u8..8) {
            let shape = Shape::from([n, c, w]);
            let x: Vec<f64> = (0..shape.len()).map(|i| (i * 7 % 31) as f64 - 15.0).collect();
            let got = sum_over(&x, shape, |axis| mask >> axis & 1 == 1, |_, x| x);
            prop_assert_eq!(got, reference(&x, shape, mask));
        }
    }

    #[test]
    fn f32_stays_accurate_along_every_axis() {
        let n = 3_000_000;
        let x = vec![0.1f32; n * 3];
        for (shape, axis, count) in [(Shape::from([n, 3]), 0, n), (Shape::from([3, n]), 1, n)] {
            for y in sum_over(&x, shape, |a| a == axis, |_, x| x) {
                assert!((f64::from(y) / (f64::from(0.1f32) * count as f64) - 1.0).abs() < 2e-6, "{y}");
            }
        }
    }

    #[test]
    fn the_same_bits_on_any_number_of_threads() {
        let shape = Shape::from([70, 41, 37]);
        let x: Vec<f32> =
            (0..shape.len()).map(|i| ((i * 2_654_435_761) % 1000) as f32 * 1e-3 - 0.4).collect();
        for mask in 0..8u8 {
            let on = |threads| -> Vec<u32> {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let y = pool.install(|| sum_over(&x, shape, |a| mask >> a & 1 == 1, |_, x| x));
                y.iter().map(|y| y.to_bits()).collect()
            };
            assert!([2, 3, 8].iter().all(|&t| on(t) == on(1)));
        }
    }
}
