//! The integrals in closed form: polynomials and exponentials times the normal density, piece by piece.
//!
//! On a piece every factor is Σ_k P_k(t)·e^{kbt}, with t = (z − c)/s measured from a point c of the piece. Products of such
//! sums are such sums, and ∫ tⁿ e^{kbt} φ is a truncated moment: complete the square, and it is one of [`tail`].
//! c is m where m lies in the piece, else the end nearest to m (for exponentials always an end, and the exponent is
//! joined with the density's before e^{…} is taken), so that terms of like sign are what remains. How far terms cancel all
//! the same is counted and becomes the error bound.

use std::ops::Mul;

use autograd::{Jet, Piece};

use super::integrands::{COUNT, Factors, Integrals};
use super::rounded::{UNIT, of_density};
use super::tail;

/// Powers of t: f²f′² of a quadratic has degree 6.
const POWERS: usize = 7;
/// Multiples of the rate: products of four factors.
const RATES: usize = 5;

/// Σ_k P_k(t)·e^{kbt}.
#[derive(Clone, Copy)]
struct Sum {
    terms: [[f64; POWERS]; RATES],
    degree: usize,
    rates: usize,
}

impl Sum {
    fn polynomial(coefficients: &[f64]) -> Self {
        let mut sum = Self { terms: [[0.0; POWERS]; RATES], degree: coefficients.len() - 1, rates: 1 };
        sum.terms[0][..coefficients.len()].copy_from_slice(coefficients);
        while sum.degree > 0 && coefficients[sum.degree] == 0.0 {
            sum.degree -= 1;
        }
        sum
    }

    fn and_exponential(mut self, amplitude: f64) -> Self {
        if amplitude != 0.0 {
            self.terms[1][0] = amplitude;
            self.rates = 2;
        }
        self
    }
}

impl Mul for Sum {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let mut product = Self {
            terms: [[0.0; POWERS]; RATES],
            degree: self.degree + other.degree,
            rates: self.rates + other.rates - 1,
        };
        for (k, a) in self.terms[..self.rates].iter().enumerate() {
            for (l, b) in other.terms[..other.rates].iter().enumerate() {
                for (i, x) in a[..=self.degree].iter().enumerate().filter(|(_, x)| **x != 0.0) {
                    for (j, y) in b[..=other.degree].iter().enumerate() {
                        product.terms[k + l][i + j] += x * y;
                    }
                }
            }
        }
        product
    }
}

/// The integrals over `piece`, which begins at `from`, under N(m, s²); `pivot` is f at m.
pub(super) fn piece(piece: &Piece, from: f64, mean: f64, std: f64, pivot: Jet) -> Integrals {
    let (is_in, has_exponential) = (from < mean && mean < piece.to, piece.amplitude != 0.0);
    let nearest = if (from - mean).abs() <= (piece.to - mean).abs() { from } else { piece.to };
    let centre = if (is_in && !has_exponential) || nearest.is_infinite() { mean } else { nearest };
    // Differences of numbers of one size are exact, so roots at the origin stay roots.
    let u = centre - piece.origin;
    let [c0, c1, c2] = piece.polynomial;
    let amplitude = piece.amplitude * (piece.rate * u).exp();
    let (value, slope, half_second) = (c0 + u * (c1 + u * c2), c1 + 2.0 * u * c2, c2);
    let (h0, bend) = (centre - mean, piece.rate * piece.rate * amplitude);
    let first = piece.rate * amplitude;
    let f = [value, slope * std, half_second * std * std];
    // Where m is in the piece its constant is subtracted from itself, and only what f holds beside it is left.
    let from_pivot = (f[0] - pivot.limit) - pivot.rest;
    let p = [slope, 2.0 * half_second * std];
    // r = p·(h₀ + s·t) − (f − f(m)), where the linear terms of a line cancel before anything is multiplied by s.
    let r = [slope * h0 - from_pivot, 2.0 * half_second * h0 * std, f[2]];
    let mut remainder = Sum::polynomial(&r).and_exponential(first * h0 - amplitude);
    if has_exponential {
        remainder.terms[1][1] = first * std;
        remainder.degree = remainder.degree.max(1);
    }
    let factors = Factors {
        z: Sum::polynomial(&[centre, std]),
        e: Sum::polynomial(&[h0 / std, 1.0]),
        f: Sum::polynomial(&f).and_exponential(amplitude),
        d: Sum::polynomial(&[from_pivot, f[1], f[2]]).and_exponential(amplitude),
        p: Sum::polynomial(&p).and_exponential(first),
        p_moved: Sum::polynomial(&[p[0] - pivot.df, p[1]]).and_exponential(first),
        q: Sum::polynomial(&[2.0 * half_second]).and_exponential(bend),
        r: remainder,
    };
    let products = factors.products();
    let rates = products.iter().map(|p| p.rates).max().unwrap_or(1);
    let table = Table::new([from, piece.to], centre, mean, std, piece.rate, rates);
    let mut integrals = Integrals::ZERO;
    // The exponent of f(m), if it is one of the coefficients.
    let exponent = if has_exponential && from < mean && mean <= piece.to {
        (piece.rate * (mean - piece.origin)).abs()
    } else {
        0.0
    };
    for (k, sum) in products.iter().enumerate().take(COUNT) {
        for (terms, moments) in sum.terms[..sum.rates].iter().zip(&table.moments) {
            for (x, cell) in terms[..=sum.degree].iter().zip(moments).filter(|(x, _)| **x != 0.0) {
                integrals.value[k] += x * cell.value;
                integrals.error[k] += UNIT * x.abs() * cell.size;
                integrals.noise[k] += UNIT * x.abs() * (cell.moved + exponent * cell.size);
            }
        }
    }
    integrals
}

/// One truncated moment.
#[derive(Clone, Copy, Default)]
struct Cell {
    value: f64,
    /// The sum of what was added and subtracted for it.
    size: f64,
    /// The same, each times the size of its exponent, which rounding moves it by.
    moved: f64,
}

/// ∫ tⁿ e^{kbt} φ(t + τ) dt over a piece, by k and n.
struct Table {
    moments: [[Cell; POWERS]; RATES],
}

impl Table {
    fn new(ends: [f64; 2], centre: f64, mean: f64, std: f64, rate: f64, rates: usize) -> Self {
        let mut table = Self { moments: [[Cell::default(); POWERS]; RATES] };
        let tau = (centre - mean) / std;
        for (k, row) in table.moments[..rates].iter_mut().enumerate() {
            let kappa = k as f64 * rate * std;
            // Both tails are integrals from an end to infinity: `side` is the direction, and t is measured from the centre.
            let add = |row: &mut [Cell; POWERS], end: f64, side: f64, sign: f64| {
                let at = (end - centre) / std;
                if at.is_infinite() {
                    return;
                }
                for (n, value) in tail_from(side * at, side * tau, side * kappa).into_iter().enumerate() {
                    let value = sign * value * if side < 0.0 && n % 2 == 1 { -1.0 } else { 1.0 };
                    row[n].value += value;
                    row[n].size += value.abs();
                    row[n].moved += value.abs() * (of_density(at + tau) + (kappa * at).abs());
                }
            };
            if centre == ends[0] {
                add(row, ends[0], 1.0, 1.0);
                add(row, ends[1], 1.0, -1.0);
            } else if centre == ends[1] {
                add(row, ends[1], -1.0, 1.0);
                add(row, ends[0], -1.0, -1.0);
            } else {
                // The whole line but for both tails; the centre is m, and κ = 0 unless the piece is the line.
                for (n, cell) in row.iter_mut().enumerate() {
                    let value = whole(n, kappa);
                    *cell = Cell { value, size: value.abs(), moved: value.abs() * (0.5 * kappa * kappa) };
                }
                add(row, ends[1], 1.0, -1.0);
                add(row, ends[0], -1.0, -1.0);
            }
        }
        table
    }
}

/// ∫ tⁿ e^{κt} φ(t) dt over the line: e^{κ²/2}·M_n with M₀ = 1, M₁ = κ, M_n = κM_{n−1} + (n − 1)M_{n−2}.
fn whole(n: usize, kappa: f64) -> f64 {
    let (mut before, mut moment) = (0.0, 1.0);
    for i in 1..=n {
        (before, moment) = (moment, kappa * moment + (i - 1) as f64 * before);
    }
    moment * (0.5 * kappa * kappa).exp()
}

/// ∫ from x to ∞ of tⁿ e^{κt} φ(t + τ) dt, n < POWERS: with t = x + v, the binomial sum of tail moments in v.
fn tail_from(x: f64, tau: f64, kappa: f64) -> [f64; POWERS] {
    let end = x + tau;
    let mut moments = tail::moments::<POWERS>(end - kappa, kappa * x - 0.5 * end * end);
    if x != 0.0 {
        // Horner's scheme by rows: multiply by (x + v) what is already shifted.
        for n in 1..POWERS {
            for i in (n..POWERS).rev() {
                moments[i] += x * moments[i - 1];
            }
        }
    }
    moments
}
