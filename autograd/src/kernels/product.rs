//! Whole matrix products, split over threads by rows of the result.

use super::map::for_each_chunk_of;
use super::{Gemm, Matrix, MatrixMut};
use crate::scalar::Scalar;

/// Multiplications below which a second thread is not worth waking.
const SMALL: usize = 1 << 19;
/// Fewest rows per task: every task packs the whole right factor anew.
const ROWS: usize = 32;
/// Tasks of a large product: enough to keep many threads evenly busy.
const TASKS: usize = 16;

/// A·B, row-major, with A of m × k and B of k × n. Zero if k = 0.
pub fn product<S: Scalar>((m, k, n): (usize, usize, usize), a: Matrix<'_, S>, b: Matrix<'_, S>) -> Vec<S> {
    let mut c = vec![S::ZERO; m * n];
    if c.is_empty() || k == 0 {
        return c;
    }
    // The split depends on the shapes alone, so the bits do not depend on the number of threads.
    let small = m.saturating_mul(k).saturating_mul(n) <= SMALL;
    let rows = if small { m } else { m.div_ceil(TASKS).max(ROWS) };
    for_each_chunk_of(rows * n, &mut c, |at, c: &mut [S]| {
        let a = Matrix { data: &a.data[at / n * a.row..], ..a };
        S::gemm(Gemm { m: c.len() / n, k, n, a, b, c: MatrixMut { data: c, row: n }, accumulate: false });
    });
    c
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::gemm;

    /// Whole numbers make every order exact; the sizes leave a last block that is not full.
    #[test]
    fn blocks_of_rows_make_up_the_whole() {
        let (m, k, n) = (611, 37, 53);
        let a: Vec<f64> = (0..m * k).map(|i| (i * 7 % 11) as f64 - 5.0).collect();
        let b: Vec<f64> = (0..k * n).map(|i| (i * 5 % 13) as f64 - 6.0).collect();
        let b = Matrix { data: &b, row: n, column: 1 };
        for (row, column) in [(k, 1), (1, m)] {
            let a = Matrix { data: &a, row, column };
            let mut want = vec![0.0; m * n];
            let c = MatrixMut { data: &mut want, row: n };
            gemm::reference(Gemm { m, k, n, a, b, c, accumulate: false });
            assert_eq!(product((m, k, n), a, b), want);
        }
    }

    #[test]
    fn the_same_bits_on_any_number_of_threads() {
        let (m, k, n) = (200, 300, 31);
        let x: Vec<f32> = (0..m * k).map(|i| ((i * 2_654_435_761) % 1000) as f32 * 1e-3 - 0.4).collect();
        let (a, b) = (Matrix { data: &x, row: k, column: 1 }, Matrix { data: &x, row: 1, column: k });
        let on = |threads| -> Vec<u32> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| product((m, k, n), a, b)).iter().map(|y| y.to_bits()).collect()
        };
        assert!([2, 3, 8].iter().all(|&t| on(t) == on(1)));
    }

    #[test]
    fn nothing_times_nothing_is_zero() {
        let empty = Matrix { data: &[] as &[f64], row: 0, column: 1 };
        assert_eq!(product((2, 0, 3), empty, empty), [0.0; 6]);
        assert!(product((0, 4, 3), empty, empty).is_empty());
    }
}
