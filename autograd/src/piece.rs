//! Functions written piece by piece, as data: what closed forms of integrals are made from.

use crate::jet::Jet;

/// One piece of a function of x: a polynomial plus an exponential, c₀ + c₁u + c₂u² + A·e^{Bu} with u = x − origin, from
/// the end of the piece before it (−∞ for the first) to `to`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    /// The upper end; ∞ for the last piece.
    pub to: f64,
    /// Where u = 0. A root of the piece is a good choice: near it nothing cancels.
    pub origin: f64,
    /// c₀, c₁, c₂.
    pub polynomial: [f64; 3],
    /// A.
    pub amplitude: f64,
    /// B; not 0 where A is not.
    pub rate: f64,
}

impl Piece {
    /// c₀ + c₁u + c₂u² with u = x − origin.
    pub fn polynomial(to: f64, origin: f64, polynomial: [f64; 3]) -> Self {
        Self { to, origin, polynomial, amplitude: 0.0, rate: 0.0 }
    }

    /// c₁·x.
    pub fn line(to: f64, slope: f64) -> Self {
        Self::polynomial(to, 0.0, [0.0, slope, 0.0])
    }

    /// The constant c₀.
    pub fn constant(to: f64, value: f64) -> Self {
        Self::polynomial(to, 0.0, [value, 0.0, 0.0])
    }

    /// A·(e^{Bx} − 1).
    pub fn exponential(to: f64, amplitude: f64, rate: f64) -> Self {
        Self { to, origin: 0.0, polynomial: [-amplitude, 0.0, 0.0], amplitude, rate }
    }

    /// At x, with the polynomial as the limit.
    pub fn jet(&self, x: f64) -> Jet {
        let u = x - self.origin;
        let [c0, c1, c2] = self.polynomial;
        let e = if self.amplitude == 0.0 { 0.0 } else { self.amplitude * (self.rate * u).exp() };
        Jet {
            limit: c0 + u * (c1 + u * c2),
            rest: e,
            df: c1 + 2.0 * c2 * u + self.rate * e,
            d2f: 2.0 * c2 + self.rate * self.rate * e,
        }
    }

    /// The sums of the absolute values of what the polynomial and its slope are made of at x: what rounding is relative to.
    pub fn sizes(&self, x: f64) -> [f64; 2] {
        let u = (x - self.origin).abs();
        let [c0, c1, c2] = self.polynomial.map(f64::abs);
        [c0 + u * (c1 + u * c2), c1 + 2.0 * c2 * u]
    }

    /// Value and slope at x.
    pub fn at(&self, x: f64) -> (f64, f64) {
        let jet = self.jet(x);
        (jet.f(), jet.df)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 − 2u + 3u² with u = −2: 1 + 4 + 12, and −2 + 6u: 2 + 12.
    #[test]
    fn sizes_are_sums_of_absolute_values() {
        let piece = Piece::polynomial(f64::INFINITY, 1.0, [1.0, -2.0, 3.0]);
        assert_eq!(piece.sizes(-1.0), [17.0, 14.0]);
    }
}
