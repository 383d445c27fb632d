//! Eigenvalues and eigenvectors of a symmetric tridiagonal matrix.

/// Rotations per eigenvalue before giving up; two or three are usual, and the shift is proven to converge.
const SWEEPS: usize = 60;

/// Turns the symmetric tridiagonal matrix T with the diagonal `d` and the off-diagonal `e`, one shorter, into its
/// eigenvalues, left in `d` in no particular order. Every row of `rows` is multiplied by the orthogonal matrix Q of
/// T = Q·diag(d)·Qᵀ from the right: unit vectors become rows of Q, whose column j is the eigenvector of d\[j\].
///
/// All numbers must be finite, and squares of them must neither overflow nor vanish: scale T first.
///
/// Source: the implicit symmetric QR step with Wilkinson's shift, Golub and Van Loan, *Matrix Computations*
/// (4th ed., 2013), algorithms 8.3.2 and 8.3.3.
pub(super) fn diagonalise(d: &mut [f64], e: &mut [f64], rows: &mut [Vec<f64>]) {
    let is_negligible = |d: &[f64], e: &[f64], i: usize| {
        e[i].abs() <= (f64::EPSILON * (d[i].abs() + d[i + 1].abs())).max(f64::MIN_POSITIVE)
    };
    let mut last = d.len().saturating_sub(1);
    let mut left = SWEEPS * d.len();
    while last > 0 {
        if is_negligible(d, e, last - 1) {
            last -= 1;
            continue;
        }
        assert!(left > 0, "Wilkinson's shift did not converge; the matrix is not finite");
        left -= 1;
        let mut first = last - 1;
        while first > 0 && !is_negligible(d, e, first - 1) {
            first -= 1;
        }
        sweep(d, e, rows, first, last);
    }
}

/// One implicit QR step on the block from `first` to `last`, which falls into no smaller ones.
fn sweep(d: &mut [f64], e: &mut [f64], rows: &mut [Vec<f64>], first: usize, last: usize) {
    // The eigenvalue of the last 2 × 2 block that is nearer to its last entry.
    let (half_gap, off) = ((d[last - 1] - d[last]) / 2.0, e[last - 1]);
    let root = half_gap.hypot(off);
    let shift = d[last] - off * (off / (half_gap + if half_gap < 0.0 { -root } else { root }));
    // The bulge that the first rotation leaves below the off-diagonal is chased to the end.
    let (mut x, mut bulge) = (d[first] - shift, e[first]);
    for k in first..last {
        let length = x.hypot(bulge);
        let (c, s) = if length == 0.0 { (1.0, 0.0) } else { (x / length, bulge / length) };
        if k > first {
            e[k - 1] = length;
        }
        let (a, b, f) = (d[k], d[k + 1], e[k]);
        d[k] = c * c * a + 2.0 * c * s * f + s * s * b;
        d[k + 1] = s * s * a - 2.0 * c * s * f + c * c * b;
        e[k] = c * s * (b - a) + (c * c - s * s) * f;
        if k + 1 < last {
            (x, bulge) = (e[k], s * e[k + 1]);
            e[k + 1] *= c;
        }
        for row in &mut *rows {
            let (left, right) = (row[k], row[k + 1]);
            row[k] = c * left + s * right;
            row[k + 1] = c * right - s * left;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Eigenvalues and, as rows, eigenvectors in ascending order.
    fn solve(diagonal: &[f64], off: &[f64]) -> Vec<(f64, Vec<f64>)> {
        let n = diagonal.len();
        let (mut d, mut e) = (diagonal.to_vec(), off.to_vec());
        let mut q: Vec<Vec<f64>> =
            (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
        diagonalise(&mut d, &mut e, &mut q);
        let mut pairs: Vec<_> =
            d.iter().enumerate().map(|(j, &l)| (l, q.iter().map(|row| row[j]).collect())).collect();
        pairs.sort_by(|a: &(f64, Vec<f64>), b| a.0.total_cmp(&b.0));
        pairs
    }

    /// The second difference: 2 − 2·cos(kπ/(n + 1)), eigenvector entries ∝ sin(ikπ/(n + 1)).
    #[test]
    fn the_second_difference_has_its_closed_form() {
        for n in [1usize, 2, 3, 10, 101] {
            let pairs = solve(&vec![2.0; n], &vec![-1.0; n - 1]);
            for (k, (got, vector)) in pairs.iter().enumerate() {
                let angle = (k + 1) as f64 * std::f64::consts::PI / (n + 1) as f64;
                assert!(
                    (got - (2.0 - 2.0 * angle.cos())).abs() < 1e-14 * 4.0 * (n as f64).sqrt(),
                    "{n} {k} {got}"
                );
                let size = (2.0 / (n + 1) as f64).sqrt();
                let sign = vector[0].signum();
                for (i, v) in vector.iter().enumerate() {
                    let want = sign * size * ((i + 1) as f64 * angle).sin();
                    assert!((v - want).abs() < 1e-12, "{n} {k} {i}: {v} {want}");
                }
            }
        }
    }

    /// diag(0, 0) with off-diagonal 1: neither neighbour gives the off-diagonal a size.
    #[test]
    fn zeros_on_the_diagonal_and_matrices_that_are_diagonal_already() {
        let values = |d: &[f64], e: &[f64]| solve(d, e).into_iter().map(|p| p.0).collect::<Vec<_>>();
        let got = values(&[0.0, 0.0], &[1.0]);
        assert!((got[0] + 1.0).abs() < 1e-15 && (got[1] - 1.0).abs() < 1e-15, "{got:?}");
        assert_eq!(values(&[3.0, 1.0, 2.0], &[0.0, 0.0]), [1.0, 2.0, 3.0]);
        assert_eq!(values(&[0.0, 0.0, 0.0], &[0.0, 0.0]), [0.0, 0.0, 0.0]);
        assert_eq!(values(&[], &[]), [] as [f64; 0]);
    }

    proptest! {
        /// T·q = λ·q for every pair, and the q are orthonormal.
        #[test]
        fn every_pair_satisfies_its_equation(
            entries in prop::collection::vec((-1.0..1.0f64, prop_oneof![4 => -1.0..1.0f64, 1 => Just(0.0)]), 1..24)
        ) {
            let n = entries.len();
            let d: Vec<f64> = entries.iter().map(|p| p.0).collect();
            let e: Vec<f64> = entries[1..].iter().map(|p| p.1).collect();
            let pairs = solve(&d, &e);
            let entry = |v: &[f64], i: usize| {
                let above = if i > 0 { e[i - 1] * v[i - 1] } else { 0.0 };
                let below = if i + 1 < n { e[i] * v[i + 1] } else { 0.0 };
                above + d[i] * v[i] + below
            };
            for (i, (lambda, v)) in pairs.iter().enumerate() {
                for k in 0..n {
                    prop_assert!((entry(v, k) - lambda * v[k]).abs() < 1e-13, "{i} {k}");
                }
                for (j, (_, w)) in pairs.iter().enumerate() {
                    let product: f64 = v.iter().zip(w).map(|(a, b)| a * b).sum();
                    prop_assert!((product - f64::from(u8::from(i == j))).abs() < 1e-13, "{i} {j} {product}");
                }
            }
        }
    }
}
