//! Quadrature rules on an interval.

use std::f64::consts::PI;
use std::sync::OnceLock;

/// A node of three nested rules.
pub(super) struct Node {
    /// Its place in (−1, 1).
    pub(super) x: f64,
    /// Its weight among 31 nodes.
    pub(super) fine: f64,
    /// Its weight among 15 nodes; 0 where it is none of those.
    pub(super) coarse: f64,
    /// Its weight among 7 nodes; 0 where it is none of those.
    pub(super) coarsest: f64,
}

/// Fejér's second rule with 31 nodes x_j = cos θ_j, θ_j = jπ/32, and the rules with 15 and 7 nodes in it; weights
/// 4 sin θ_j/(n + 1)·Σ_{k=1}^{(n+1)/2} sin((2k − 1)θ_j)/(2k − 1).
///
/// Source: Waldvogel, *Fast construction of the Fejér and Clenshaw–Curtis quadrature rules* (2006).
pub(super) fn fejer() -> &'static [Node; 31] {
    static RULE: OnceLock<[Node; 31]> = OnceLock::new();
    RULE.get_or_init(|| {
        let weight = |j: usize, n: usize| {
            let theta = j as f64 * PI / (n + 1) as f64;
            let terms = (1..=n.div_ceil(2)).map(|k| (2 * k - 1) as f64).map(|k| (k * theta).sin() / k);
            4.0 * theta.sin() / (n + 1) as f64 * terms.sum::<f64>()
        };
        std::array::from_fn(|i| {
            let j = 31 - i;
            let coarse = if j % 2 == 0 { weight(j / 2, 15) } else { 0.0 };
            let coarsest = if j % 4 == 0 { weight(j / 4, 7) } else { 0.0 };
            // sin of the distance from the middle: exactly 0 there, and symmetric.
            let x = ((16.0 - j as f64) * PI / 32.0).sin();
            Node { x, fine: weight(j, 31), coarse, coarsest }
        })
    })
}

/// Gauss–Legendre with five nodes on [0, 1], for differences of f. Abramowitz and Stegun, 25.4.30: on [−1, 1] the nodes are
/// 0 and ±⅓√(5 ∓ 2√(10/7)), with weights 128/225 and (322 ± 13√70)/900.
pub(super) fn five() -> &'static [(f64, f64); 5] {
    static FIVE: OnceLock<[(f64, f64); 5]> = OnceLock::new();
    FIVE.get_or_init(|| {
        let node = |sign: f64| (5.0 - sign * 2.0 * (10.0f64 / 7.0).sqrt()).sqrt() / 3.0;
        let weight = |sign: f64| (322.0 + sign * 13.0 * 70.0f64.sqrt()) / 900.0;
        let (a, b, u, v) = (node(1.0), node(-1.0), weight(1.0), weight(-1.0));
        [(-b, v), (-a, u), (0.0, 128.0 / 225.0), (a, u), (b, v)].map(|(x, w)| (0.5 * (1.0 + x), 0.5 * w))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An interpolatory rule with n nodes, symmetric, is exact for x^j up to j = n: 2/(j + 1) for even j, else 0.
    #[test]
    fn all_rules_are_exact_up_to_their_degree() {
        for j in 0..=31 {
            let want = if j % 2 == 0 { 2.0 / f64::from(j + 1) } else { 0.0 };
            let sum = |weight: fn(&Node) -> f64| fejer().iter().map(|n| weight(n) * n.x.powi(j)).sum::<f64>();
            assert!((sum(|n| n.fine) - want).abs() < 2e-15, "31 nodes, x^{j}");
            assert!(j > 15 || (sum(|n| n.coarse) - want).abs() < 2e-15, "15 nodes, x^{j}");
            assert!(j > 7 || (sum(|n| n.coarsest) - want).abs() < 2e-15, "7 nodes, x^{j}");
        }
        assert!((fejer().iter().map(|n| n.coarse * n.x.powi(16)).sum::<f64>() - 2.0 / 17.0).abs() > 1e-9);
    }

    #[test]
    fn five_nodes_are_exact_to_degree_nine() {
        for j in 0..=9 {
            let got: f64 = five().iter().map(|(x, w)| w * x.powi(j)).sum();
            assert!((got * f64::from(j + 1) - 1.0).abs() < 4e-16 * 10.0, "x^{j}: {got}");
        }
    }
}
