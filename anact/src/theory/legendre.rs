//! Gauss–Legendre quadrature rules, computed.

use std::f64::consts::PI;

/// Nodes and weights on [−1, 1]: exact for polynomials of degree 2n − 1.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// (node, weight), ascending.
    points: Vec<(f64, f64)>,
}

impl Rule {
    /// The rule with n nodes, n ≥ 1: the zeros of the Legendre polynomial P_n, by Newton's method from Tricomi's
    /// approximation cos(π(i − ¼)/(n + ½)), with weights 2/((1 − x²)·P_n′(x)²).
    ///
    /// Source: Abramowitz and Stegun, *Handbook of Mathematical Functions* (1964), 25.4.29 and 22.16.6.
    pub(crate) fn new(n: usize) -> Self {
        let node = |i: usize| {
            let mut x = (PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
            // Quadratic convergence from an error of O(n⁻³): five steps are plenty.
            for _ in 0..5 {
                let (p, slope) = legendre(n, x);
                x -= p / slope;
            }
            let (_, slope) = legendre(n, x);
            (x, 2.0 / ((1.0 - x * x) * slope * slope))
        };
        Self { points: (0..n).rev().map(node).collect() }
    }

    /// ∫ₐᵇ of K functions at once.
    pub(crate) fn integrate<const K: usize>(&self, a: f64, b: f64, f: &dyn Fn(f64) -> [f64; K]) -> [f64; K] {
        let (middle, half) = (0.5 * (a + b), 0.5 * (b - a));
        let mut sums = [0.0; K];
        for &(x, w) in &self.points {
            let values = f(middle + half * x);
            (0..K).for_each(|k| sums[k] += w * values[k]);
        }
        sums.map(|s| s * half)
    }
}

/// P_n(x) and P_n′(x) by the three-term recurrence.
fn legendre(n: usize, x: f64) -> (f64, f64) {
    let (mut previous, mut p) = (1.0, x);
    for k in 2..=n {
        let k = k as f64;
        (previous, p) = (p, ((2.0 * k - 1.0) * x * p - (k - 1.0) * previous) / k);
    }
    (p, n as f64 * (x * p - previous) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The defining property: ∫ x^j over [−1, 1] is 2/(j + 1) for even j ≤ 2n − 1, and 0 for odd j.
    #[test]
    fn a_rule_is_exact_up_to_its_degree() {
        for n in [1, 2, 3, 15, 31] {
            let rule = Rule::new(n);
            for j in 0..2 * n as i32 {
                let got = rule.integrate(-1.0, 1.0, &|x| [x.powi(j)])[0];
                let want = if j % 2 == 0 { 2.0 / f64::from(j + 1) } else { 0.0 };
                assert!((got - want).abs() < 1e-15, "n = {n}, j = {j}: {got} {want}");
            }
        }
    }

    /// Abramowitz and Stegun, table 25.4: the outermost of five nodes, and its weight.
    #[test]
    fn five_nodes_are_the_published_ones() {
        let (x, w) = Rule::new(5).points[4];
        assert!((x - 0.906179845938664).abs() < 1e-15 && (w - 0.236926885056189).abs() < 1e-15);
    }
}
