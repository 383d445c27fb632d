//! Lanczos' method on a symmetric matrix that is known by its products alone.

use super::eigenvalue::End;
use super::hvp::Product;
use super::tridiagonal::diagonalise;
use crate::error::Result;

/// An orthonormal basis q₁ … q_k of the Krylov space, in which the matrix is tridiagonal.
#[derive(Debug, Default)]
struct Krylov {
    basis: Vec<Vec<f64>>,
    /// The diagonal of T, qᵢᵀHqᵢ.
    diagonal: Vec<f64>,
    /// What couples qᵢ with qᵢ₊₁; the last entry couples q_k with what lies outside.
    coupling: Vec<f64>,
}

/// What T says about the matrix.
#[derive(Debug)]
pub(super) struct Ritz {
    /// The wanted eigenvalue of T.
    pub(super) value: f64,
    /// Its eigenvector, as a unit vector in the space of H.
    pub(super) vector: Vec<f64>,
    /// The smallest and the largest eigenvalue of T.
    pub(super) range: [f64; 2],
    /// Products taken: the dimension of the Krylov space.
    pub(super) iterations: usize,
}

/// Runs from `start`, which is not 0, until the residual of the wanted end is at most `tolerance` times the largest
/// eigenvalue in magnitude, the space is invariant, or it has `limit` dimensions (at most those of `start`).
pub(super) fn run(
    product: &Product<'_>,
    start: &[f64],
    end: End,
    tolerance: f64,
    limit: usize,
) -> Result<Ritz> {
    let mut krylov = Krylov::default();
    let mut q = start.to_vec();
    scale(&mut q, 1.0 / norm(start));
    loop {
        let mut rest = product(&q)?;
        krylov.diagonal.push(dot(&q, &rest));
        krylov.basis.push(q);
        // Full reorthogonalisation, twice: the first leaves rounding errors of the size of what it takes away.
        for _ in 0..2 {
            for b in &krylov.basis {
                let share = dot(b, &rest);
                subtract(&mut rest, share, b);
            }
        }
        krylov.coupling.push(norm(&rest));
        let size = largest(&krylov.diagonal).max(largest(&krylov.coupling));
        let coupling = krylov.coupling[krylov.coupling.len() - 1];
        let k = krylov.basis.len();
        // What is left is rounding error: the space is invariant, its eigenvalues are eigenvalues of the matrix.
        let is_invariant = coupling <= f64::EPSILON * start.len() as f64 * size;
        let (value, range, outward) = krylov.eigenvector(end, &[k - 1]);
        let reach = range[0].abs().max(range[1].abs());
        // ‖Hy − θy‖ of the Ritz pair θ, y is what its vector has along q_k times the coupling.
        if is_invariant || k >= limit || coupling * outward[0].abs() <= tolerance * reach {
            let vector = krylov.ritz_vector(end);
            return Ok(Ritz { value, vector, range, iterations: k });
        }
        scale(&mut rest, 1.0 / coupling);
        q = rest;
    }
}

impl Krylov {
    /// The wanted eigenvalue of T, both ends of its spectrum, and the given entries of the wanted eigenvector.
    fn eigenvector(&self, end: End, entries: &[usize]) -> (f64, [f64; 2], Vec<f64>) {
        let k = self.diagonal.len();
        let inner = &self.coupling[..k - 1];
        let size = largest(&self.diagonal).max(largest(inner));
        if size == 0.0 {
            let unit = entries.iter().map(|&i| f64::from(u8::from(i == 0))).collect();
            return (0.0, [0.0; 2], unit);
        }
        // Scaled to entries of at most 1, no square overflows.
        let scaled = |x: &[f64]| x.iter().map(|x| x / size).collect::<Vec<_>>();
        let (mut d, mut e) = (scaled(&self.diagonal), scaled(inner));
        let unit = |i: usize| (0..k).map(|j| f64::from(u8::from(i == j))).collect::<Vec<_>>();
        let mut rows: Vec<_> = entries.iter().map(|&i| unit(i)).collect();
        diagonalise(&mut d, &mut e, &mut rows);
        let by = |better: fn(f64, f64) -> bool| (0..k).fold(0, |b, j| if better(d[j], d[b]) { j } else { b });
        let (low, high) = (by(|a, b| a < b), by(|a, b| a > b));
        let at = match end {
            End::Smallest => low,
            End::Largest => high,
            End::Magnitude if d[low].abs() > d[high].abs() => low,
            End::Magnitude => high,
        };
        let vector = rows.iter().map(|row| row[at]).collect();
        (d[at] * size, [d[low] * size, d[high] * size], vector)
    }

    /// Σ sᵢ·qᵢ over the wanted eigenvector s of T.
    fn ritz_vector(&self, end: End) -> Vec<f64> {
        let all: Vec<usize> = (0..self.basis.len()).collect();
        let (_, _, weights) = self.eigenvector(end, &all);
        let mut y = vec![0.0; self.basis[0].len()];
        self.basis.iter().zip(weights).for_each(|(q, s)| subtract(&mut y, -s, q));
        let length = norm(&y);
        scale(&mut y, 1.0 / length);
        y
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// x ← x − c·y.
pub(super) fn subtract(x: &mut [f64], c: f64, y: &[f64]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x -= c * y);
}

fn scale(x: &mut [f64], c: f64) {
    x.iter_mut().for_each(|x| *x *= c);
}

fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |m, x| m.max(x.abs()))
}

/// ‖x‖ without overflow or underflow in the squares.
pub(super) fn norm(x: &[f64]) -> f64 {
    let size = largest(x);
    if size == 0.0 { 0.0 } else { size * x.iter().map(|x| (x / size).powi(2)).sum::<f64>().sqrt() }
}
