//! What is done to every row of a matrix by itself: softmax and its logarithm.

use super::buffer;
use super::map::for_each_chunk_of;
use super::reduce;
use super::vector::Loop;
use crate::scalar::Scalar;

/// Elements per task.
const TASK: usize = 16 * 1024;

/// Calls `f(index, row)` for every row of length `width`, in parallel if there is enough to do.
pub fn for_each_row<R: Send>(y: &mut [R], width: usize, f: impl Fn(usize, &mut [R]) + Sync) {
    for_each_rows(y, width, |first, rows| {
        for (j, row) in rows.chunks_exact_mut(width).enumerate() {
            f(first + j, row);
        }
    });
}

/// Calls `f(index of the first, rows)` for several whole rows at a time.
fn for_each_rows<R: Send>(y: &mut [R], width: usize, f: impl Fn(usize, &mut [R]) + Sync) {
    if y.is_empty() {
        return;
    }
    let rows = (TASK / width).max(1);
    for_each_chunk_of(rows * width, y, |at, rows| f(at / width, rows));
}

/// x ← e^x over several rows at once, since one alone may be shorter than a vector.
struct Exp<'a, S>(&'a mut [S]);

impl<S: Scalar> Loop for Exp<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for x in self.0 {
            *x = x.exp();
        }
    }
}

/// The position of the largest element, the first of several; 0 if every element is NaN.
fn largest<S: Scalar>(x: &[S]) -> usize {
    (1..x.len()).fold(0, |best, i| if x[i] > x[best] { i } else { best })
}

/// x − ln Σ e^x of every row.
///
/// The largest term is subtracted first, so nothing overflows; its e^0 = 1 is kept out of the sum, so that ln(1 + others)
/// keeps what 1 + others would round away. A row with NaN or +∞, or of −∞ only, gives NaN throughout.
pub fn log_softmax<S: Scalar>(x: &[S], width: usize) -> Vec<S> {
    let mut y = buffer::to_overwrite(x.len());
    for_each_rows(&mut y, width, |first, y| {
        let x = &x[first * width..][..y.len()];
        let tops: Vec<usize> = x.chunks_exact(width).map(largest).collect();
        for ((y, x), &top) in y.chunks_exact_mut(width).zip(x.chunks_exact(width)).zip(&tops) {
            y.iter_mut().zip(x).for_each(|(y, &x_j)| *y = x_j - x[top]);
        }
        let mut terms = buffer::copy(y);
        S::vectorized(Exp(&mut terms));
        for ((y, terms), top) in y.chunks_exact_mut(width).zip(terms.chunks_exact_mut(width)).zip(tops) {
            // 0, or NaN where the largest is not finite.
            terms[top] = y[top];
            let log_sum = reduce::sum(terms).ln_1p();
            y.iter_mut().for_each(|y| *y -= log_sum);
        }
    });
    y
}

/// e^x / Σ e^x of every row, with the largest element subtracted first.
pub fn softmax<S: Scalar>(x: &[S], width: usize) -> Vec<S> {
    let mut y = buffer::to_overwrite(x.len());
    for_each_rows(&mut y, width, |first, y| {
        let x = &x[first * width..][..y.len()];
        for (y, x) in y.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
            let top = x[largest(x)];
            y.iter_mut().zip(x).for_each(|(y, &x)| *y = x - top);
        }
        S::vectorized(Exp(y));
        for y in y.chunks_exact_mut(width) {
            let sum = reduce::sum(y);
            y.iter_mut().for_each(|y| *y = *y / sum);
        }
    });
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ln(1 + e^−40) ≈ e^−40 (Python: math.exp(-40)); 1 + e^−40 in f64 is 1 and would give 0.
    #[test]
    fn a_sure_prediction_keeps_its_small_loss() {
        let y = log_softmax(&[40.0f64, 0.0], 2);
        assert!((y[0] / -4.248354255291589e-18 - 1.0).abs() < 1e-14, "{y:?}");
        assert_eq!(y[1], -40.0);
    }

    #[test]
    fn many_rows_are_each_their_own() {
        let width = 7;
        let x: Vec<f64> = (0..width * 5000).map(|i| ((i * 13) % 29) as f64 * 0.3 - 4.0).collect();
        for softmax in [softmax::<f64>, log_softmax::<f64>] {
            let whole = softmax(&x, width);
            for i in [0, 1, 2340, 2341, 4999] {
                assert_eq!(whole[i * width..][..width], softmax(&x[i * width..][..width], width));
            }
        }
    }

    #[test]
    fn infinities() {
        assert_eq!(softmax(&[f64::NEG_INFINITY, 3.0], 2), [0.0, 1.0]);
        assert_eq!(log_softmax(&[f64::NEG_INFINITY, 3.0], 2), [f64::NEG_INFINITY, 0.0]);
        assert!(softmax(&[f64::NEG_INFINITY; 2], 2).iter().all(|y| y.is_nan()));
        for bad in [f64::NAN, f64::INFINITY] {
            assert!(log_softmax(&[bad, 1.0], 2).iter().all(|y| y.is_nan()));
            assert!(softmax(&[1.0, bad], 2).iter().all(|y| y.is_nan()));
        }
    }
}
