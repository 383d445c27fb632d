//! General matrix product C ← A·B or C ← C + A·B.

use crate::scalar::{Dual, Scalar};

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
    pub(super) fn check(&self) {
        let fits = |len: usize, rows: usize, columns: usize, row: usize, column: usize| {
            // A distance so large that the place of the last element cannot be told lies outside of every slice.
            let last = || (rows - 1).checked_mul(row)?.checked_add((columns - 1).checked_mul(column)?);
            rows == 0 || columns == 0 || last().is_some_and(|last| last < len)
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

/// The product by matrixmultiply, on the calling thread.
#[cfg(not(anact_portable))]
#[expect(
    clippy::needless_pass_by_value,
    reason = "the same signature as the other kernels, which take C apart"
)]
pub(crate) fn f64(job: Gemm<'_, f64>) {
    job.check();
    let beta = if job.accumulate { 1.0 } else { 0.0 };
    let stride = |s: usize| isize::try_from(s).expect("a slice is shorter than isize::MAX");
    // SAFETY: `check` has made sure that all of A, B and C lies inside their slices and that rows of C
    // do not overlap; C is borrowed mutably, so it aliases neither A nor B.
    unsafe {
        matrixmultiply::dgemm(
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

/// matrixmultiply picks its kernel by the machine, so a portable build multiplies by the definition: slow, the same bits everywhere.
#[cfg(anact_portable)]
pub(crate) use self::reference as f64;

/// The product of dual numbers, A₀B₀ + (A₁B₀ + A₀B₁)·ε: three products of their parts, each by the kernel of `S`, which
/// is far faster than dual arithmetic number by number.
#[expect(clippy::needless_pass_by_value, reason = "the same signature as the kernels it stands beside")]
pub(crate) fn dual<S: Scalar>(job: Gemm<'_, Dual<S>>) {
    job.check();
    let (m, k, n) = (job.m, job.k, job.n);
    if n == 0 {
        return;
    }
    let ([a, da], [b, db]) = (parts(&job.a, m, k), parts(&job.b, k, n));
    let multiply = |a: &[S], b: &[S], c: &mut [S], accumulate| {
        let (a, b) = (Matrix { data: a, row: k, column: 1 }, Matrix { data: b, row: n, column: 1 });
        S::gemm(Gemm { m, k, n, a, b, c: MatrixMut { data: c, row: n }, accumulate });
    };
    let (mut c, mut dc) = (vec![S::ZERO; m * n], vec![S::ZERO; m * n]);
    multiply(&a, &b, &mut c, false);
    multiply(&da, &b, &mut dc, false);
    multiply(&a, &db, &mut dc, true);
    for (i, (c, dc)) in c.chunks(n).zip(dc.chunks(n)).enumerate() {
        for (out, (&c, &dc)) in job.c.data[i * job.c.row..][..n].iter_mut().zip(c.iter().zip(dc)) {
            let product = Dual::new(c, dc);
            *out = if job.accumulate { *out + product } else { product };
        }
    }
}

/// Values and tangents of a matrix, row-major.
fn parts<S: Scalar>(matrix: &Matrix<'_, Dual<S>>, rows: usize, columns: usize) -> [Vec<S>; 2] {
    let entry = |at: usize| &matrix.data[at / columns * matrix.row + at % columns * matrix.column];
    let part = |read: fn(&Dual<S>) -> S| (0..rows * columns).map(|at| read(entry(at))).collect();
    [part(|x| x.value), part(|x| x.tangent)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::packed;
    use crate::kernels::simd::Level;
    use proptest::prelude::*;

    /// Runs one product by `kernel` on strided views with a margin, and returns C.
    fn run<S: Scalar>(
        kernel: impl Fn(Gemm<'_, S>),
        number: fn(usize) -> S,
        (m, k, n): (usize, usize, usize),
        transposed: bool,
        accumulate: bool,
    ) -> Vec<S> {
        let a: Vec<S> = (0..m * k + 3).map(|i| number(i * 7 % 11)).collect();
        let b: Vec<S> = (0..k * n + 3).map(|i| number(i * 5 % 13)).collect();
        let mut c = vec![number(1); m * (n + 2)];
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
            let number = |i: usize| i as f64 - 5.0;
            prop_assert_eq!(
                run(f64, number, (m, k, n), transposed, accumulate),
                run(reference, number, (m, k, n), transposed, accumulate)
            );
            let number = |i: usize| i as f32 - 5.0;
            for level in Level::available() {
                prop_assert_eq!(
                    run(|job| packed::gemm_at(level, job), number, (m, k, n), transposed, accumulate),
                    run(reference, number, (m, k, n), transposed, accumulate)
                );
            }
            let number = |i: usize| Dual::new(i as f64 - 5.0, (i * i % 7) as f64 - 3.0);
            let both = |c: Vec<Dual<f64>>| c.iter().map(|c| (c.value, c.tangent)).collect::<Vec<_>>();
            prop_assert_eq!(
                both(run(dual, number, (m, k, n), transposed, accumulate)),
                both(run(reference, number, (m, k, n), transposed, accumulate))
            );
        }
    }

    /// Larger than a block in every direction, with remainders.
    #[test]
    fn many_blocks_of_the_product_equal_its_definition() {
        let number = |i: usize| i as f32 - 5.0;
        for (size, transposed) in [((37, 600, 531), false), ((37, 600, 531), true)] {
            for level in Level::available() {
                let got = run(|job| packed::gemm_at(level, job), number, size, transposed, true);
                assert_eq!(got, run(reference, number, size, transposed, true), "{level:?}");
            }
        }
    }

    /// The place of the last row would wrap round to the start of the slice.
    #[test]
    #[should_panic(expected = "A is too short")]
    fn a_distance_beyond_memory_is_caught() {
        let (a, b, mut c) = ([1.0; 32], [1.0; 1], [0.0; 17]);
        f64(Gemm {
            m: 17,
            k: 1,
            n: 1,
            a: Matrix { data: &a, row: (1 << 60) + 1, column: 1 },
            b: Matrix { data: &b, row: 1, column: 1 },
            c: MatrixMut { data: &mut c, row: 1 },
            accumulate: false,
        });
    }

    #[test]
    #[should_panic(expected = "B is too short")]
    fn a_short_operand_is_caught_before_the_kernel() {
        let (a, b, mut c) = ([1.0f32; 4], [1.0f32; 3], [0.0f32; 4]);
        packed::gemm(Gemm {
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
