//! General matrix product C ← A·B or C ← C + A·B.

use crate::scalar::Scalar;

/// A matrix read from a slice: element (i, j) is `data[i·row + j·column]`.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a, S> {
    /// The elements.
    pub data: &'a [S],
    /// Distance between rows.
    pub row: usize,
    /// Distance between columns.
    pub column: usize,
}

/// A row-major matrix to write: element (i, j) is `data[i·row + j]`.
#[derive(Debug)]
pub struct MatrixMut<'a, S> {
    /// The elements.
    pub data: &'a mut [S],
    /// Distance between rows.
    pub row: usize,
}

/// One product: C of m × n from A of m × k and B of k × n.
#[derive(Debug)]
pub struct Gemm<'a, S> {
    /// Rows of A and C.
    pub m: usize,
    /// Columns of A, rows of B.
    pub k: usize,
    /// Columns of B and C.
    pub n: usize,
    /// The left factor.
    pub a: Matrix<'a, S>,
    /// The right factor.
    pub b: Matrix<'a, S>,
    /// The result.
    pub c: MatrixMut<'a, S>,
    /// Add to C instead of overwriting it.
    pub accumulate: bool,
}

impl<S> Gemm<'_, S> {
    /// Panics unless every index the product touches lies in its slice.
    fn check(&self) {
        let fits = |len: usize, rows: usize, columns: usize, row: usize, column: usize| {
            rows == 0 || columns == 0 || (rows - 1) * row + (columns - 1) * column < len
        };
        assert!(fits(self.a.data.len(), self.m, self.k, self.a.row, self.a.column), "A is too short");
        assert!(fits(self.b.data.len(), self.k, self.n, self.b.row, self.b.column), "B is too short");
        assert!(fits(self.c.data.len(), self.m, self.n, self.c.row, 1), "C is too short");
        assert!(self.m < 2 || self.c.row >= self.n, "rows of C overlap");
    }
}

/// The product by its definition; the twin that the fast kernels are tested against.
#[expect(clippy::needless_pass_by_value, reason = "the same signature as the kernels it stands in for")]
pub(crate) fn reference<S: Scalar>(job: Gemm<'_, S>) {
    job.check();
    if job.n == 0 {
        return;
    }
    for i in 0..job.m {
        let c = &mut job.c.data[i * job.c.row..][..job.n];
        if !job.accumulate {
            c.fill(S::ZERO);
        }
        for p in 0..job.k {
            let a = job.a.data[i * job.a.row + p * job.a.column];
            let b = &job.b.data[p * job.b.row..];
            for (j, c) in c.iter_mut().enumerate() {
                *c += a * b[j * job.b.column];
            }
        }
    }
}

macro_rules! matrixmultiply_gemm {
    ($float:ident, $kernel:path) => {
        /// The product by matrixmultiply, on the calling thread.
        pub(crate) fn $float(job: Gemm<'_, $float>) {
            job.check();
            let beta = if job.accumulate { 1.0 } else { 0.0 };
            let stride = |s: usize| isize::try_from(s).expect("a slice is shorter than isize::MAX");
            // SAFETY: `check` has made sure that all of A, B and C lies inside their slices and that rows of C
            // do not overlap; C is borrowed mutably, so it aliases neither A nor B.
            unsafe {
                $kernel(
                    job.m,
                    job.k,
                    job.n,
                    1.0,
                    job.a.data.as_ptr(),
                    stride(job.a.row),
                    stride(job.a.column),
                    job.b.data.as_ptr(),
                    stride(job.b.row),
                    stride(job.b.column),
                    beta,
                    job.c.data.as_mut_ptr(),
                    stride(job.c.row),
                    1,
                );
            }
        }
    };
}

matrixmultiply_gemm!(f32, matrixmultiply::sgemm);
matrixmultiply_gemm!(f64, matrixmultiply::dgemm);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Runs one product by `kernel` on strided views with a margin, and returns C.
    fn run(
        kernel: fn(Gemm<'_, f64>),
        (m, k, n): (usize, usize, usize),
        transposed: bool,
        accumulate: bool,
    ) -> Vec<f64> {
        let a: Vec<f64> = (0..m * k + 3).map(|i| (i * 7 % 11) as f64 - 5.0).collect();
        let b: Vec<f64> = (0..k * n + 3).map(|i| (i * 5 % 13) as f64 - 6.0).collect();
        let mut c = vec![0.25; m * (n + 2)];
        let a = if transposed {
            Matrix { data: &a, row: 1, column: m }
        } else {
            Matrix { data: &a, row: k, column: 1 }
        };
        let b = if transposed {
            Matrix { data: &b, row: 1, column: k }
        } else {
            Matrix { data: &b, row: n, column: 1 }
        };
        kernel(Gemm { m, k, n, a, b, c: MatrixMut { data: &mut c, row: n + 2 }, accumulate });
        c
    }

    proptest! {
        /// Small whole numbers make every order of summation exact, so equality is exact too.
        #[test]
        fn the_fast_product_equals_its_definition(
            m in 0usize..20, k in 0usize..20, n in 0usize..40, transposed: bool, accumulate: bool
        ) {
            prop_assert_eq!(
                run(f64, (m, k, n), transposed, accumulate),
                run(reference, (m, k, n), transposed, accumulate)
            );
        }
    }

    #[test]
    #[should_panic(expected = "B is too short")]
    fn a_short_operand_is_caught_before_the_kernel() {
        let (a, b, mut c) = ([1.0f32; 4], [1.0f32; 3], [0.0f32; 4]);
        f32(Gemm {
            m: 2,
            k: 2,
            n: 2,
            a: Matrix { data: &a, row: 2, column: 1 },
            b: Matrix { data: &b, row: 2, column: 1 },
            c: MatrixMut { data: &mut c, row: 2 },
            accumulate: false,
        });
    }
}
